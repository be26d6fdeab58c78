package check

import "fmt"

// state is what the model's log comes to at an index.
type state struct {
	index  uint64
	lives  []*life // in the order of their first appearance
	system uint64  // frames of the store's own: one for each conflict and each rejected number
	counts [3]int  // accepted, duplicate, conflict of the newest batch
}

// life is one epoch of one device.
type life struct {
	counter  Counter
	ordinal  uint32
	numbered bool
	stored   Numbers
	variants map[uint64]uint64
	at       map[uint64]uint64   // index of each number
	copies   map[uint64][]uint64 // index of each further one of a number, which only happens without numbers
	begun    bool
	base     uint64
	next     uint64
	declared bool
	head     uint64
	mark     uint64
	causes   map[uint64]string // stated
	final    Numbers           // missing and given up
	dups     uint64
	clashes  uint64
}

// at replays the log up to an index.
func (m *model) at(index uint64) *state {
	if index == m.index() {
		return m.tip
	}
	s := &state{}
	for _, e := range m.log[:index] {
		s.apply(e)
	}
	return s
}

func (s *state) apply(e entry) {
	s.index++
	switch {
	case e.batch != nil:
		s.batch(e.batch)
	case e.claim != nil:
		s.claim(e.claim)
	case e.cut:
	default:
		for _, l := range s.lives {
			l.final = l.missing()
		}
	}
}

func (s *state) life(c Counter) *life {
	ordinal := uint32(1)
	for _, l := range s.lives {
		if l.counter == c {
			return l
		}
		if l.counter.stream() == c.stream() {
			ordinal++
		}
	}
	l := &life{counter: c, ordinal: ordinal, variants: map[uint64]uint64{}, at: map[uint64]uint64{}, copies: map[uint64][]uint64{},
		causes: map[uint64]string{}}
	s.lives = append(s.lives, l)
	return l
}

// batch applies one and counts what became of its frames.
func (s *state) batch(b *Batch) {
	l := s.life(b.Counter)
	s.counts = [3]int{}
	l.numbered = b.Numbered
	for n := b.First; n <= b.Last; n++ {
		switch {
		case b.rejects(n):
			s.system++
			l.explain(n, "rejected.schema")
			l.include(n)
			continue
		case b.Declares:
			l.declare(b.Head)
		}
		switch known := l.stored.Has(n); {
		case known && b.Numbered && l.variants[n] != b.Variant:
			s.counts[2]++
			s.system++
			l.clashes++
		case known && b.Numbered:
			s.counts[1]++
			l.dups++
		default:
			s.counts[0]++
			l.store(n, b.Variant, s.index)
		}
	}
}

func (l *life) store(n, variant, index uint64) {
	l.include(n)
	if !l.stored.Add(n) {
		l.copies[n] = append(l.copies[n], index)
		return
	}
	l.variants[n], l.at[n] = variant, index
	delete(l.causes, n)
}

func (l *life) include(n uint64) {
	if !l.begun {
		l.begun, l.base, l.next = true, n, n
	}
	l.base, l.next = min(l.base, n), max(l.next, n+1)
}

func (l *life) declare(head uint64) {
	if !l.begun {
		l.begun, l.base, l.next = true, head, head
	}
	l.declared, l.head = true, head
	l.base = min(l.base, head)
}

// explain states a cause for a number that has none and is not stored.
func (l *life) explain(n uint64, cause string) {
	if !l.stored.Has(n) && l.causes[n] == "" {
		l.causes[n] = cause
	}
}

func (s *state) claim(c *Claim) {
	l := s.life(c.Counter)
	l.numbered = true
	if c.Kind == Lost {
		for n := c.First; n < c.Next; n++ {
			l.explain(n, "declared_lost")
			l.include(n)
		}
	}
	if !l.begun {
		l.begun, l.base, l.next = true, c.Next, c.Next
	}
	if c.Next >= l.next {
		l.next, l.mark = c.Next, max(l.mark, c.Next)
	}
}

// expected is what lies between the ends.
func (l *life) expected() Numbers {
	if l.next <= l.base {
		return Numbers{}
	}
	return NumbersOf(Span{l.base, l.next - 1})
}

func (l *life) missing() Numbers { return l.expected().Minus(l.stored) }

// gap says why a missing number is missing.
func (l *life) gap(n uint64) (state, cause string) {
	switch {
	case l.causes[n] != "":
		return "FINAL", l.causes[n]
	case l.final.Has(n):
		return "FINAL", "never_arrived"
	}
	return "OPEN", ""
}

func (l *life) report(a Answer) GapReport {
	r := GapReport{Answer: a, Counter: l.counter, Ordinal: l.ordinal, Duplicate: l.dups, Conflict: l.clashes}
	if !l.numbered {
		r.Server, r.Known, r.First, r.Last, r.HeadBasis, r.TailBasis = true, true, 1, l.frames(), "first_seen", "last_seen"
		r.Expected, r.Stored = r.Last, r.Last
		r.A = BalanceA{Expected: r.Last, Stored: r.Last}
		return r
	}
	r.HeadBasis, r.TailBasis = "first_seen", "last_seen"
	if l.declared && l.base == l.head {
		r.HeadBasis = "declared"
	}
	if l.mark == l.next {
		r.TailBasis = "watermark"
	}
	r.Expected, r.Stored = l.expected().Count(), l.stored.Count()
	if r.Expected > 0 {
		r.Known, r.First, r.Last = true, l.base, l.next-1
	}
	for span := range l.missing().Spans() {
		for n := span.First; n <= span.Last; n++ {
			state, cause := l.gap(n)
			if last := len(r.Gaps) - 1; last >= 0 && r.Gaps[last].Last+1 == n && r.Gaps[last].State == state && r.Gaps[last].Cause == cause {
				r.Gaps[last].Last = n
				continue
			}
			r.Gaps = append(r.Gaps, Gap{Span{n, n}, state, cause})
		}
	}
	r.GapsTotal, r.A = uint64(len(r.Gaps)), l.balance()
	return r
}

// frames is how many there are: without numbers, every copy counts.
func (l *life) frames() uint64 {
	total := l.stored.Count()
	for _, more := range l.copies {
		total += uint64(len(more))
	}
	return total
}

func (l *life) balance() (a BalanceA) {
	if !l.numbered {
		return BalanceA{Expected: l.frames(), Stored: l.frames()}
	}
	a.Expected, a.Stored = l.expected().Count(), l.stored.Count()
	for span := range l.missing().Spans() {
		for n := span.First; n <= span.Last; n++ {
			switch _, cause := l.gap(n); cause {
			case "":
				a.Open++
			case "never_arrived":
				a.Lost++
			case "declared_lost":
				a.Declared++
			default:
				a.Rejected++
			}
		}
	}
	return a
}

func (s *state) frames() uint64 {
	total := s.system
	for _, l := range s.lives {
		total += l.frames()
	}
	return total
}

func (s *state) ledger(a Answer, floor uint64) Ledger {
	l := Ledger{Answer: a, Digest: fmt.Sprintf("digest-%d", s.index), A: BalanceA{Expected: s.system, Stored: s.system}}
	for _, life := range s.lives {
		b := life.balance()
		l.A.Expected, l.A.Stored, l.A.Open, l.A.Lost = l.A.Expected+b.Expected, l.A.Stored+b.Stored, l.A.Open+b.Open, l.A.Lost+b.Lost
		l.A.Declared, l.A.Rejected = l.A.Declared+b.Declared, l.A.Rejected+b.Rejected
	}
	hot := l.A.Stored * min(floor, s.index) / max(1, s.index)
	l.C = BalanceC{Accepted: l.A.Stored, Hot: hot, LogOnly: l.A.Stored - hot}
	l.D = BalanceD{Stored: l.A.Stored, Segments: hot, Head: l.A.Stored - hot}
	return l
}

// rows is every frame, by counter and number.
func (s *state) rows() (list []Row) {
	for _, l := range s.lives {
		for span := range l.stored.Spans() {
			for n := span.First; n <= span.Last; n++ {
				row := Row{Counter: l.counter, Ordinal: l.ordinal, Number: n, Numbered: l.numbered, Variant: l.variants[n], History: 1,
					Index: l.at[n], Sum: n}
				list = append(list, row)
				for _, row.Index = range l.copies[n] {
					list = append(list, row)
				}
			}
		}
	}
	return list
}
