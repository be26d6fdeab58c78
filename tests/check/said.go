package check

import "slices"

// said is what can be known of the ends of a counter and of the causes at some moment. Every list is of numbers: what is certain must be in
// the state, what is possible may be.
type said struct {
	stored    Numbers  // certain
	possible  Numbers  // stored or not
	heads     []uint64 // first numbers that the device may have declared,
	sureHeads []uint64 // and those that it has
	lows      []uint64 // certain: the first number is none above
	highs     []uint64 // certain: the last number is none below
	starts    []uint64 // possible first numbers that no frame has
	ends      []uint64 // possible last numbers that no frame has
	marks     []uint64 // possible last numbers that a heartbeat or a declared loss gave
	seals     []uint64 // that a seal gave
	sureEnds  []uint64 // certain ones of both
	lost      Numbers  // declared lost, certain
	maybeLost Numbers  // certain or possible
	rejected  Numbers  // possibly recorded as rejected
}

// at is what the history says of a counter at m; stored is what is known to be stored then, from elsewhere.
func (r *record) at(m moment, stored Numbers) *said {
	s := &said{stored: r.certainAt(m).Or(stored), possible: r.possibleAt(m)}
	var rejected []uint64
	for _, b := range r.batches {
		if b.Invoke > m.by {
			break
		}
		rejected = append(rejected, b.Rejected...)
		if b.Declares && m.possible(b.Outcome, b.place(), b.Invoke) {
			s.declared(b.Head, m.certain(b.Outcome, b.place()) && !b.numbers().Empty())
		}
	}
	s.rejected = numbersOf(rejected)
	s.starts = append(s.starts, rejected...)
	s.ends = append(s.ends, rejected...)
	for _, c := range r.claims {
		if m.possible(c.Outcome, c.place(), c.Invoke) {
			s.claim(c, m.certain(c.Outcome, c.place()))
		}
	}
	if low, any := s.stored.Min(); any {
		s.lows = append(s.lows, low)
	}
	if high, any := s.stored.Max(); any {
		s.highs = append(s.highs, high)
	}
	return s
}

// declared takes in a word on the first number.
func (s *said) declared(head uint64, certain bool) {
	s.heads = append(s.heads, head)
	if certain {
		s.lows = append(s.lows, head)
		s.sureHeads = append(s.sureHeads, head)
	}
}

func (s *said) claim(c *Claim, certain bool) {
	if c.Declares {
		s.declared(c.Head, certain)
	}
	s.starts = append(s.starts, c.Next) // where nothing was known, the counter begins there
	if c.Kind == Lost {
		span := NumbersOf(Span{c.First, c.Next - 1})
		s.maybeLost = s.maybeLost.Or(span)
		s.starts = append(s.starts, c.First)
		if certain {
			s.lost = s.lost.Or(span)
			s.lows = append(s.lows, c.First)
		}
	}
	if c.Next == 0 {
		return
	}
	if c.Kind == Sealed {
		s.seals = append(s.seals, c.Next-1)
	} else {
		s.marks = append(s.marks, c.Next-1)
	}
	s.ends = append(s.ends, c.Next-1)
	if certain {
		s.highs = append(s.highs, c.Next-1)
		s.sureEnds = append(s.sureEnds, c.Next-1)
	}
}

// low is the highest that the first number can be, high the lowest that the last one can be.
func (s *said) low() (uint64, bool)  { return extreme(s.lows, slices.Min[[]uint64]) }
func (s *said) high() (uint64, bool) { return extreme(s.highs, slices.Max[[]uint64]) }

func extreme(list []uint64, pick func([]uint64) uint64) (uint64, bool) {
	if len(list) == 0 {
		return 0, false
	}
	return pick(list), true
}

// canStart and canEnd report whether a number can be the first or the last one.
func (s *said) canStart(n uint64) bool {
	return s.possible.Has(n) || slices.Contains(s.heads, n) || slices.Contains(s.starts, n)
}

func (s *said) canEnd(n uint64) bool { return s.possible.Has(n) || slices.Contains(s.ends, n) }
