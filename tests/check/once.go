package check

import (
	"cmp"
	"fmt"
	"slices"
)

// once: a frame is there once, however often it was sent, and the answers say so. Frames without number and key may be there as often as
// they were sent.
func once(r *Run) (out []Violation) {
	h := r.history()
	for _, f := range r.Finals {
		for _, c := range f.order {
			if rec := h.records[c]; rec != nil {
				out = append(out, rec.doubled(f)...)
			}
		}
	}
	for _, rec := range h.order {
		for _, g := range rec.groups() {
			out = append(out, g.miscounted()...)
			out = append(out, g.acceptedTwice()...)
		}
	}
	return append(out, keyTwice(r)...)
}

// doubled is what is listed more often than it may be.
func (r *record) doubled(f *Final) []Violation {
	s := f.counters[r.counter]
	var twice Numbers
	for n, times := range s.times {
		if allowed, _ := r.copies(n); times > allowed {
			twice.Add(n)
		}
	}
	if twice.Empty() {
		return nil
	}
	first, _ := twice.Min()
	allowed, why := r.copies(first)
	return []Violation{{
		What:    fmt.Sprintf("TWICE: %d is there %d times, at most %d (%s)", first, s.times[first], allowed, why),
		Counter: r.counter, Numbers: twice, Node: f.Node, At: f.At, Witnesses: r.witnesses(twice),
	}}
}

// copies is how often a frame may be there.
func (r *record) copies(n uint64) (allowed int, why string) {
	attempts := 0
	for _, b := range r.batches {
		if n < b.First || n > b.Last || b.Outcome == Refused {
			continue
		}
		if b.Numbered {
			return 1, "it has a number"
		}
		if b.Key != "" {
			return 1, "it has a key"
		}
		attempts++
	}
	return max(1, attempts), "it has neither number nor key, and was sent so often"
}

// group is batches whose numbers overlap, directly or through others: no other batch has any of their numbers.
type group []*Batch

// groups cuts the batches apart where nothing overlaps.
func (r *record) groups() (list []group) {
	sorted := slices.Clone(r.batches)
	slices.SortStableFunc(sorted, func(a, b *Batch) int { return cmp.Compare(a.First, b.First) })
	for i := 0; i < len(sorted); {
		end, j := sorted[i].Last, i
		for ; j < len(sorted) && sorted[j].First <= end; j++ {
			end = max(end, sorted[j].Last)
		}
		list = append(list, group(sorted[i:j]))
		i = j
	}
	return list
}

// union is what the chosen batches of the group may have stored.
func (g group) union(chosen func(*Batch) bool) Numbers { return (&record{batches: g}).union(chosen) }

// miscounted is answers whose counts do not add up to what was sent, or that call a duplicate what nobody else sent.
func (g group) miscounted() (out []Violation) {
	for _, b := range g {
		if b.Outcome != Acked {
			continue
		}
		sum := b.Accepted + b.Duplicate + b.Conflict + b.Unverified + len(b.Rejected)
		if uint64(sum) != b.size() {
			out = append(out, b.violation(fmt.Sprintf("MISCOUNTED: the answer counts %d frames, sent were %d", sum, b.size())))
			continue
		}
		claimed := b.Duplicate + b.Conflict + b.Unverified
		if claimed == 0 || b.Replayed {
			continue
		}
		others := g.union(func(o *Batch) bool { return o != b && o.Outcome != Refused && o.Invoke <= b.Return }).And(b.numbers()).Count()
		if !b.Numbered || uint64(claimed) > others {
			out = append(out, b.violation(fmt.Sprintf("MISCOUNTED: the answer calls %d frames stored before, others can have stored %d of them",
				claimed, others)))
		}
	}
	return out
}

// acceptedTwice is answers that accept more than there was to store: together, or one of them after others were acknowledged.
func (g group) acceptedTwice() (out []Violation) {
	accepted := uint64(0)
	counted := func(b *Batch) bool { return b.Outcome == Acked && b.Numbered && !b.Replayed }
	var last *Batch
	for _, b := range g {
		if !counted(b) || b.Accepted == 0 {
			continue
		}
		accepted, last = accepted+uint64(b.Accepted), b
		before := g.union(func(o *Batch) bool { return o != b && o.Outcome == Acked && o.Return < b.Invoke })
		if fresh := b.numbers().Minus(before).Count(); uint64(b.Accepted) > fresh {
			out = append(out, b.violation(fmt.Sprintf("ACCEPTED TWICE: the answer accepts %d frames, %d were not acknowledged before",
				b.Accepted, fresh)))
		}
	}
	if all := g.union(counted); len(out) == 0 && accepted > all.Count() {
		v := last.violation(fmt.Sprintf("ACCEPTED TWICE: the answers accept %d frames under %d numbers", accepted, all.Count()))
		v.Numbers, v.Witnesses = all, (&record{batches: g}).witnesses(all)
		out = append(out, v)
	}
	return out
}

// keyTwice is keys whose batch was stored by more than one request.
func keyTwice(r *Run) (out []Violation) {
	stored := map[string]*Batch{}
	for i := range r.Batches {
		b := &r.Batches[i]
		if b.Key == "" || b.Outcome != Acked || b.Accepted == 0 {
			continue
		}
		first := stored[b.Key]
		if first == nil {
			stored[b.Key] = b
			continue
		}
		if first.place() != b.place() || first.Accepted != b.Accepted {
			v := b.violation(fmt.Sprintf("KEY TWICE: key %s was answered as stored at two places, or with other counts", b.Key))
			v.Witnesses = []string{first.String(), b.String()}
			out = append(out, v)
		}
	}
	return out
}

// violation is one about a batch and its answer.
func (b *Batch) violation(what string) Violation {
	return Violation{What: what, Counter: b.Counter, Numbers: NumbersOf(b.span()), Node: b.Node, At: b.Return, Witnesses: []string{b.String()}}
}
