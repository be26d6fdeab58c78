package check

import (
	"cmp"
	"fmt"
	"slices"
)

// stale: an answer is what its index says. It contains the position that was asked for; a linearizable one contains all that any answer had
// contained before it began; none contains what was sent only after it returned; and the index of a node never goes back while its process
// lives.
func stale(r *Run) (out []Violation) {
	var all []sighting
	r.answers(func(what string, a *Answer) {
		if a.After > a.Index {
			out = append(out, sighting{what, a, nil}.violation("AFTER: index %d was asked for, the answer is as of %d", a.After, a.Index))
		}
		all = append(all, sighting{what, a, nil})
	})
	out = append(out, backwardsOn(r.history(), all)...)
	writes := r.writes()
	out = append(out, lagging(slices.Concat(all, writes), all)...)
	out = append(out, foreseen(slices.Concat(all, writes), writes)...)
	return append(out, oneHistory(slices.Concat(all, writes))...)
}

// sighting is an index that a client has seen: in an answer, or as the position of what it sent.
type sighting struct {
	what string
	*Answer
	source fmt.Stringer // the write, nil for an answer
}

func (s sighting) String() string {
	if s.source != nil {
		return s.source.String()
	}
	return s.Answer.String() + " " + s.what
}

func (s sighting) violation(format string, args ...any) Violation {
	return Violation{What: "STALE: " + fmt.Sprintf(format, args...), Node: s.Node, At: s.Return, Witnesses: []string{s.String()}}
}

// writes is where what was acknowledged was committed. A replayed answer tells of an earlier request.
func (r *Run) writes() (list []sighting) {
	for i := range r.Batches {
		if b := &r.Batches[i]; b.Outcome == Acked && b.Index != 0 && !b.Replayed {
			list = append(list, sighting{"batch", &Answer{
				Client: b.Client, Node: b.Node, Invoke: b.Invoke, Return: b.Return, History: b.History, Index: b.Index}, b})
		}
	}
	for i := range r.Claims {
		if c := &r.Claims[i]; c.Outcome == Acked && c.Index != 0 {
			list = append(list, sighting{"claim", &Answer{
				Client: c.Client, Node: c.Node, Invoke: c.Invoke, Return: c.Return, History: c.History, Index: c.Index}, c})
		}
	}
	return list
}

func byInvoke(list []sighting) []sighting {
	return slices.SortedStableFunc(slices.Values(list), func(a, b sighting) int { return cmp.Compare(a.Invoke, b.Invoke) })
}

func byReturn(list []sighting) []sighting {
	return slices.SortedStableFunc(slices.Values(list), func(a, b sighting) int { return cmp.Compare(a.Return, b.Return) })
}

// before calls judge with each of later and the sighting of the highest index that returned before it was invoked.
func before(earlier, later []sighting, judge func(seen, s sighting)) {
	earlier, later = byReturn(earlier), byInvoke(later)
	var top sighting
	next := 0
	for _, s := range later {
		for ; next < len(earlier) && earlier[next].Return < s.Invoke; next++ {
			if top.Answer == nil || earlier[next].place().compare(top.place()) > 0 {
				top = earlier[next]
			}
		}
		if top.Answer != nil {
			judge(top, s)
		}
	}
}

// lagging is linearizable answers that do not contain what somebody had seen before they began.
func lagging(seen, answers []sighting) (out []Violation) {
	linearizable := slices.DeleteFunc(slices.Clone(answers), func(s sighting) bool { return s.Consistency != "linearizable" })
	before(seen, linearizable, func(top, s sighting) {
		if s.place().compare(top.place()) < 0 {
			v := s.violation("a linearizable %s is as of %d, but %d was known before it began", s.what, s.Index, top.Index)
			v.Witnesses = append(v.Witnesses, top.String())
			out = append(out, v)
		}
	})
	return out
}

// foreseen is writes that were committed at an index which somebody had seen before they were sent.
func foreseen(seen, writes []sighting) (out []Violation) {
	before(seen, writes, func(top, s sighting) {
		if s.place().compare(top.place()) <= 0 {
			v := s.violation("a %s was committed at %d, but an answer before it was sent contains %d", s.what, s.Index, top.Index)
			v.Witnesses = append(v.Witnesses, top.String())
			out = append(out, v)
		}
	})
	return out
}

// backwardsOn is answers of one process whose index is below one that it gave before.
func backwardsOn(h *history, all []sighting) (out []Violation) {
	type process struct {
		node    string
		stretch int
	}
	by := map[process][]sighting{}
	var order []process
	for _, s := range byReturn(all) {
		p := process{s.Node, h.stretch(s.Node, s.Invoke)}
		if p.stretch != h.stretch(s.Node, s.Return) {
			continue
		}
		if by[p] == nil {
			order = append(order, p)
		}
		by[p] = append(by[p], s)
	}
	for _, p := range order {
		before(by[p], by[p], func(top, s sighting) {
			if s.place().compare(top.place()) < 0 {
				v := s.violation("BACKWARDS: the node answered as of %d and later, in the same life, as of %d", top.Index, s.Index)
				v.Witnesses = append(v.Witnesses, top.String())
				out = append(out, v)
			}
		})
	}
	return out
}

// oneHistory is answers of another history than the first: none of the faults begins a new one.
func oneHistory(all []sighting) (out []Violation) {
	all = byReturn(all)
	for _, s := range all {
		if s.History != all[0].History {
			v := s.violation("HISTORY: the cluster was in history %d and is in %d", all[0].History, s.History)
			v.Witnesses = append(v.Witnesses, all[0].String())
			return append(out, v)
		}
	}
	return out
}
