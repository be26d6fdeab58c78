package check

import (
	"cmp"
	"fmt"
	"slices"
)

// rank orders the frames of a stream: by epoch, then by number.
type rank struct {
	ordinal uint32
	number  uint64
}

func (a rank) compare(b rank) int {
	return cmp.Or(cmp.Compare(a.ordinal, b.ordinal), cmp.Compare(a.number, b.number))
}

// latest: the newest frame of a stream is a function of the index: it never goes back along it, is one at each index whoever is asked, is
// none below what was acknowledged up to there, and is exactly the highest that was committed up to there where the last answers say where
// that was.
func latest(r *Run) (out []Violation) {
	h := r.history()
	ordinals := epochOrdinals(r)
	for _, s := range streamsOf(r) {
		if !s.numbered() {
			continue // ids are in no order
		}
		out = append(out, s.along()...)
		out = append(out, s.acknowledged(ordinals)...)
		out = append(out, s.exactly(h)...)
	}
	return out
}

// stream is the reads of one stream, by index, and the counters that it had.
type stream struct {
	name     Counter // without epoch
	reads    []*Read // by index, those without one first
	counters []*record
}

func streamsOf(r *Run) (list []*stream) {
	by := map[Counter]*stream{}
	open := func(c Counter) *stream {
		s := by[c.stream()]
		if s == nil {
			s = &stream{name: c.stream()}
			by[c.stream()] = s
		}
		return s
	}
	r.reads(func(d *Read) {
		s := open(d.Counter)
		s.reads = append(s.reads, d)
	})
	for _, rec := range r.history().order {
		s := open(rec.counter)
		s.counters = append(s.counters, rec)
	}
	for _, c := range sortedCounters(by) {
		s := by[c]
		slices.SortStableFunc(s.reads, func(a, b *Read) int { return a.place().compare(b.place()) })
		list = append(list, s)
	}
	return list
}

// reads yields every read that was answered.
func (r *Run) reads(yield func(*Read)) {
	for i := range r.Reads {
		if !r.Reads[i].Failed {
			yield(&r.Reads[i])
		}
	}
	for _, f := range r.Finals {
		for i := range f.Latest {
			yield(&f.Latest[i])
		}
	}
}

// rank of nothing is below all others, because ordinals begin at 1.
func (d *Read) rank() rank {
	if !d.Found {
		return rank{}
	}
	return rank{d.Ordinal, d.Latest}
}

func (s *stream) violation(d *Read, what string, more ...string) Violation {
	v := d.violation(what)
	v.Counter = d.Counter
	v.Witnesses = append(v.Witnesses, more...)
	return v
}

// along compares neighbours in the order of their indexes.
func (s *stream) along() (out []Violation) {
	for i := 1; i < len(s.reads); i++ {
		a, b := s.reads[i-1], s.reads[i]
		switch {
		case !a.indexed():
		case a.place() == b.place() && (a.rank() != b.rank() || a.Variant != b.Variant):
			out = append(out, s.violation(b, "BACKWARDS: two answers of one index show other newest frames", a.String()))
		case b.rank().compare(a.rank()) < 0:
			out = append(out, s.violation(b, "BACKWARDS: the newest frame of a higher index is an older one", a.String()))
		}
	}
	return out
}

// step is that the newest frame is at least rank from a place on.
type step struct {
	place place
	rank  rank
	from  *Batch // nil where it is known from a row
}

// highest turns steps into a function of the place.
func highest(steps []step) []step {
	slices.SortStableFunc(steps, func(a, b step) int { return a.place.compare(b.place) })
	for i := 1; i < len(steps); i++ {
		if before := steps[i-1]; steps[i].rank.compare(before.rank) < 0 {
			steps[i].rank, steps[i].from = before.rank, before.from
		}
	}
	return steps
}

// reach is the last step at or before a place, nil for none.
func reach(steps []step, at place) *step {
	n, _ := slices.BinarySearchFunc(steps, at, func(s step, at place) int {
		if s.place.compare(at) <= 0 {
			return -1
		}
		return 1
	})
	if n == 0 {
		return nil
	}
	return &steps[n-1]
}

// acknowledged compares with what clients were told.
func (s *stream) acknowledged(ordinals map[Counter]uint32) (out []Violation) {
	var steps []step
	for _, rec := range s.counters {
		for _, b := range rec.batches {
			top, any := b.numbers().Max()
			if ordinal := s.ordinal(rec, ordinals); b.Outcome == Acked && b.Numbered && any && b.Index != 0 && ordinal != 0 {
				steps = append(steps, step{b.place(), rank{ordinal, top}, b})
			}
		}
	}
	steps = highest(steps)
	for _, d := range s.reads { // no step is at index 0
		if least := reach(steps, d.place()); least != nil && d.rank().compare(least.rank) < 0 {
			out = append(out, s.violation(d, fmt.Sprintf(
				"STALE: the answer contains the index at which %d of epoch %d was acknowledged, and shows an older frame",
				least.rank.number, least.rank.ordinal), least.from.String()))
		}
	}
	return out
}

// exactly compares with where the last answers say that frames were committed.
func (s *stream) exactly(h *history) (out []Violation) {
	if h.finals == nil {
		return nil
	}
	var steps []step
	for _, rec := range s.counters {
		if shown := h.finals.counters[rec.counter]; shown != nil {
			for _, p := range shown.places {
				steps = append(steps, step{p.place, rank{p.ordinal, p.Last}, nil})
			}
		}
	}
	steps = highest(steps)
	for _, d := range s.reads {
		want := rank{}
		if at := reach(steps, d.place()); at != nil {
			want = at.rank
		}
		if d.indexed() && d.rank() != want {
			out = append(out, s.violation(d, fmt.Sprintf("NEWEST: at its index the newest frame was %d of epoch %d", want.number, want.ordinal)))
		}
	}
	return out
}

// numbered reports whether the device numbers its frames.
func (s *stream) numbered() bool {
	return !slices.ContainsFunc(s.counters, func(r *record) bool {
		return slices.ContainsFunc(r.batches, func(b *Batch) bool { return !b.Numbered })
	})
}

// ordinal is the server's number of a counter, 0 where that is not known. The only counter of a stream needs none.
func (s *stream) ordinal(r *record, known map[Counter]uint32) uint32 {
	if len(s.counters) == 1 {
		return max(1, known[r.counter])
	}
	return known[r.counter]
}

// epochOrdinals is the server's number of each counter, 0 where no answer told, or more than one.
func epochOrdinals(r *Run) map[Counter]uint32 {
	known := map[Counter]uint32{}
	r.ordinals(func(c Counter, ordinal uint32, _ fmt.Stringer) {
		if old, any := known[c]; any && old != ordinal {
			ordinal = 0
		}
		known[c] = ordinal
	})
	return known
}
