package check

import (
	"cmp"
	"slices"
	"time"
)

// place is a position without its ordinal: the state at a place is all that was committed up to there.
type place struct{ history, index uint64 }

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.history, q.history), cmp.Compare(p.index, q.index))
}

func (a *Answer) place() place { return place{a.History, a.Index} }
func (b *Batch) place() place  { return place{b.History, b.Index} }
func (c *Claim) place() place  { return place{c.History, c.Index} }

// moment is what an answer can know of: what was committed up to a place, and what was invoked by a time.
type moment struct {
	place place
	by    time.Duration
}

func (a *Answer) moment() moment { return moment{a.place(), a.Return} }

// certain reports whether a write with this outcome, place and time is in the state at m; possible whether it can be.
func (m moment) certain(o Outcome, p place) bool {
	return o == Acked && p.index != 0 && p.compare(m.place) <= 0
}

func (m moment) possible(o Outcome, p place, invoke time.Duration) bool {
	switch {
	case o == Refused:
		return false
	case o == Acked && p.index != 0:
		return p.compare(m.place) <= 0
	}
	return invoke <= m.by
}

// history is the run in the order in which checkers ask for it.
type history struct {
	records map[Counter]*record
	order   []*record                  // by counter
	finals  *Final                     // the one that tells where numbers were committed, nil for none
	starts  map[string][]time.Duration // of each node's processes, ascending
	resets  map[string][]time.Duration // of the states that they answer from: starts, and reopenings
}

// record is what clients did to one counter.
type record struct {
	counter Counter
	batches []*Batch // by Invoke
	claims  []*Claim // by Invoke
	acked   Numbers  // that must be there in the end
	maybe   Numbers  // acked or unknown
}

// history is built once.
func (r *Run) history() *history {
	if r.known != nil {
		return r.known
	}
	h := &history{records: map[Counter]*record{}, starts: map[string][]time.Duration{}, resets: map[string][]time.Duration{}}
	for i := range r.Batches {
		rec := h.open(r.Batches[i].Counter)
		rec.batches = append(rec.batches, &r.Batches[i])
	}
	for i := range r.Claims {
		rec := h.open(r.Claims[i].Counter)
		rec.claims = append(rec.claims, &r.Claims[i])
	}
	for _, rec := range h.order {
		rec.finish()
	}
	slices.SortFunc(h.order, func(a, b *record) int { return a.counter.compare(b.counter) })
	for _, f := range r.Finals {
		if h.finals == nil && f.located() {
			h.finals = f
		}
	}
	for i := range r.Events {
		switch e := &r.Events[i]; e.Kind {
		case Started:
			h.starts[e.Node] = append(h.starts[e.Node], e.At)
			fallthrough
		case Reopened:
			h.resets[e.Node] = append(h.resets[e.Node], e.At)
		}
	}
	for _, node := range sortedKeys(h.resets) {
		slices.Sort(h.starts[node])
		slices.Sort(h.resets[node])
	}
	r.known = h
	return h
}

func (h *history) open(c Counter) *record {
	rec := h.records[c]
	if rec == nil {
		rec = &record{counter: c}
		h.records[c] = rec
		h.order = append(h.order, rec)
	}
	return rec
}

// located reports whether every row said where it was committed, and there is one.
func (f *Final) located() bool {
	for _, s := range f.counters {
		if !s.located() {
			return false
		}
	}
	return len(f.counters) > 0
}

func (c Counter) compare(d Counter) int {
	return cmp.Or(cmp.Compare(c.Device, d.Device), cmp.Compare(c.Stream, d.Stream), cmp.Compare(c.Epoch, d.Epoch))
}

func (r *record) finish() {
	slices.SortStableFunc(r.batches, func(a, b *Batch) int { return cmp.Compare(a.Invoke, b.Invoke) })
	slices.SortStableFunc(r.claims, func(a, b *Claim) int { return cmp.Compare(a.Invoke, b.Invoke) })
	r.acked = r.union(func(b *Batch) bool { return b.Outcome == Acked })
	r.maybe = r.union(func(b *Batch) bool { return b.Outcome != Refused })
}

// union is what the chosen batches may have stored.
func (r *record) union(chosen func(*Batch) bool) Numbers {
	var spans []Span
	for _, b := range r.batches {
		switch {
		case !chosen(b):
		case len(b.Rejected) == 0:
			spans = append(spans, b.span())
		default:
			spans = append(spans, b.numbers().spans...)
		}
	}
	return NumbersOf(spans...)
}

// certainAt is what the state at m must have stored; possibleAt what it can have.
func (r *record) certainAt(m moment) Numbers {
	return r.union(func(b *Batch) bool { return m.certain(b.Outcome, b.place()) })
}

func (r *record) possibleAt(m moment) Numbers {
	return r.union(func(b *Batch) bool { return m.possible(b.Outcome, b.place(), b.Invoke) })
}

// fewWitnesses is how many operations prove a violation.
const fewWitnesses = 4

// witnesses is the first few batches about the numbers.
func (r *record) witnesses(about Numbers) (list []string) {
	if r == nil {
		return nil
	}
	for _, b := range r.batches {
		if len(list) == fewWitnesses {
			break
		}
		if !about.And(Numbers{[]Span{b.span()}}).Empty() {
			list = append(list, b.String())
		}
	}
	return list
}

// life tells which process of a node ran at a time: 0 before the first, and a new number each time that one starts.
func (h *history) life(node string, at time.Duration) int { return upTo(h.starts[node], at) }

// stretch tells in which stretch of time, in which its index only grows, a node was.
func (h *history) stretch(node string, at time.Duration) int { return upTo(h.resets[node], at) }

// upTo is how many of the ascending times are none later than at.
func upTo(times []time.Duration, at time.Duration) int {
	n, _ := slices.BinarySearchFunc(times, at, func(t, at time.Duration) int {
		if t <= at {
			return -1
		}
		return 1
	})
	return n
}

// answers yields every answer of a node that has an index, with what it was.
func (r *Run) answers(yield func(what string, a *Answer)) {
	for i := range r.Reads {
		if d := &r.Reads[i]; d.indexed() {
			yield("newest frame", &d.Answer)
		}
	}
	for i := range r.GapReports {
		yield("gap report", &r.GapReports[i].Answer)
	}
	for i := range r.Ledgers {
		yield("ledger", &r.Ledgers[i].Answer)
	}
	for _, p := range r.Pages {
		yield("frames of "+p.Device, &p.Answer)
	}
	for _, f := range r.Finals {
		for i := range f.Latest {
			if d := &f.Latest[i]; d.indexed() {
				yield("newest frame", &d.Answer)
			}
		}
		for i := range f.Gaps {
			yield("gap report", &f.Gaps[i].Answer)
		}
		if f.Ledger != nil {
			yield("ledger", &f.Ledger.Answer)
		}
	}
}

// storages yields every sample of where nodes keep their frames.
func (r *Run) storages(yield func(*Storage)) {
	for i := range r.Storages {
		yield(&r.Storages[i])
	}
	for _, f := range r.Finals {
		if f.Storage != nil {
			yield(f.Storage)
		}
	}
}
