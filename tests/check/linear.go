package check

import (
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// linearTimeout bounds the search over all streams. Histories of thousands of operations a stream take milliseconds.
const linearTimeout = 60 * time.Second

// linear: linearizable reads of the newest frame are those of a register that keeps the highest of what is put into it, one register for
// each stream. Two of its rules have words of their own: a read shows at least what was acknowledged before it began, and at least what an
// earlier read showed.
func linear(r *Run) (out []Violation) {
	ordinals := epochOrdinals(r)
	deadline := time.Now().Add(linearTimeout)
	for _, s := range streamsOf(r) {
		reads := slices.DeleteFunc(slices.Clone(s.reads), func(d *Read) bool { return d.Consistency != "linearizable" })
		if len(reads) == 0 || !s.numbered() {
			continue
		}
		puts := s.puts(ordinals)
		found := append(s.tooOld(reads, puts), s.backwards(reads)...)
		if len(found) == 0 {
			found = s.search(reads, puts, max(time.Second, time.Until(deadline)))
		}
		out = append(out, found...)
	}
	return out
}

// put is one batch as a write of its highest number.
type put struct {
	*Batch
	rank rank
}

// puts is the batches of a stream that can have been stored. One whose epoch no answer ever named was seen by nobody.
func (s *stream) puts(ordinals map[Counter]uint32) (list []put) {
	for _, rec := range s.counters {
		for _, b := range rec.batches {
			top, any := b.numbers().Max()
			if ordinal := s.ordinal(rec, ordinals); b.Outcome != Refused && b.Numbered && any && ordinal != 0 {
				list = append(list, put{b, rank{ordinal, top}})
			}
		}
	}
	return list
}

// sweep calls before for everything that returned before a read was invoked, and then read for the read, in the order of time.
func sweep[T any](reads []*Read, things []T, returned func(T) time.Duration, before func(T), read func(*Read)) {
	things = slices.Clone(things)
	slices.SortStableFunc(things, func(a, b T) int { return int(returned(a) - returned(b)) })
	reads = slices.Clone(reads)
	slices.SortStableFunc(reads, func(a, b *Read) int { return int(a.Invoke - b.Invoke) })
	next := 0
	for _, d := range reads {
		for ; next < len(things) && returned(things[next]) < d.Invoke; next++ {
			before(things[next])
		}
		read(d)
	}
}

// tooOld is reads that show less than what was acknowledged before they began.
func (s *stream) tooOld(reads []*Read, puts []put) (out []Violation) {
	acked := slices.DeleteFunc(slices.Clone(puts), func(p put) bool { return p.Outcome != Acked })
	var top *put
	sweep(reads, acked, func(p put) time.Duration { return p.Return }, func(p put) {
		if top == nil || p.rank.compare(top.rank) > 0 {
			top = &p
		}
	}, func(d *Read) {
		if top != nil && d.rank().compare(top.rank) < 0 {
			out = append(out, s.violation(d, fmt.Sprintf(
				"STALE: a linearizable read shows less than %d of epoch %d, which was acknowledged before it began",
				top.rank.number, top.rank.ordinal), top.String()))
		}
	})
	return out
}

// backwards is reads that show less than a read that returned before they began.
func (s *stream) backwards(reads []*Read) (out []Violation) {
	var top *Read
	sweep(reads, reads, func(d *Read) time.Duration { return d.Return }, func(d *Read) {
		if top == nil || d.rank().compare(top.rank()) > 0 {
			top = d
		}
	}, func(d *Read) {
		if top != nil && d.rank().compare(top.rank()) < 0 {
			out = append(out, s.violation(d, "STALE: a linearizable read shows an older frame than one before it", top.String()))
		}
	})
	return out
}

// operation is the input of the model: a put, or a read when it is nil.
type operation struct{ put *put }

// register keeps the highest rank that was put into it.
var register = porcupine.Model{
	Init: func() any { return rank{} },
	Step: func(state, input, output any) (bool, any) {
		now := state.(rank)
		if p := input.(operation).put; p != nil {
			if p.rank.compare(now) > 0 {
				return true, p.rank
			}
			return true, now
		}
		return output.(rank) == now, now
	},
	Equal: func(a, b any) bool { return a == b },
	Hash:  func(state any) uint64 { return mix(state.(rank).number) + uint64(state.(rank).ordinal) },
}

// search looks for an order of everything that a single register could have had. A write whose outcome is unknown has no end, and counts
// only if a read showed it: without that its absence is the same to everybody.
func (s *stream) search(reads []*Read, puts []put, timeout time.Duration) []Violation {
	shown := map[rank]bool{}
	var ops []porcupine.Operation
	for _, d := range reads {
		shown[d.rank()] = true
		ops = append(ops, porcupine.Operation{ClientId: d.Client, Input: operation{}, Call: int64(d.Invoke), Output: d.rank(),
			Return: int64(d.Return)})
	}
	for i := range puts {
		p := &puts[i]
		end := int64(p.Return)
		if p.Outcome == Unknown {
			if !shown[p.rank] {
				continue
			}
			end = int64(^uint64(0) >> 1)
		}
		ops = append(ops, porcupine.Operation{ClientId: p.Client, Input: operation{p}, Call: int64(p.Invoke), Output: rank{}, Return: end})
	}
	switch porcupine.CheckOperationsTimeout(register, ops, timeout) {
	case porcupine.Ok:
		return nil
	case porcupine.Unknown:
		return []Violation{{What: fmt.Sprintf("UNDECIDED: %d reads and %d writes in %s", len(reads), len(puts), timeout), Counter: s.name,
			Undecided: true}}
	}
	v := Violation{What: fmt.Sprintf("STALE: NOT LINEARIZABLE: %d reads and %d writes have no order", len(reads), len(puts)), Counter: s.name}
	for _, d := range unplaced(reads, ops, timeout) {
		v.Node, v.At = d.Node, d.Return
		v.Witnesses = append(v.Witnesses, d.String())
	}
	return []Violation{v}
}

// unplaced is the first few reads that the longest order found has no place for. The reads are the first operations.
func unplaced(reads []*Read, ops []porcupine.Operation, timeout time.Duration) (list []*Read) {
	_, info := porcupine.CheckOperationsVerbose(register, ops, timeout)
	placed := map[int]bool{}
	for _, partition := range info.PartialLinearizations() {
		for _, order := range partition {
			if len(order) > len(placed) {
				placed = map[int]bool{}
				for _, id := range order {
					placed[id] = true
				}
			}
		}
	}
	for i, d := range reads {
		if !placed[i] && len(list) < fewWitnesses {
			list = append(list, d)
		}
	}
	return list
}
