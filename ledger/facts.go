package ledger

import (
	"iter"
	"slices"

	"github.com/gaplessdb/gapless/frame"
)

// fact is numbers that are not stored and whose cause somebody stated.
type fact struct {
	span
	cause  frame.Cause
	reason string // the device's words, "" for none
}

func (f fact) sameAs(g fact) bool { return f.cause == g.cause && f.reason == g.reason }

// factAt is the position of the first fact that ends after n.
func (r *rare) factAt(n uint64) int {
	i, _ := slices.BinarySearchFunc(r.facts, n, func(f fact, n uint64) int {
		if f.end <= n {
			return -1
		}
		return 1
	})
	return i
}

// factsIn is the facts that reach into a span. The slice is the ledger's own.
func (r *rare) factsIn(in span) []fact {
	if len(r.facts) == 0 || in.empty() {
		return nil
	}
	i := r.factAt(in.first)
	j := i
	for j < len(r.facts) && r.facts[j].first < in.end {
		j++
	}
	return r.facts[i:j]
}

// addFact enters a fact that overlaps no other, merged with equal neighbours that it touches.
func (r *rare) addFact(f fact) {
	i := r.factAt(f.first)
	j := i
	if i > 0 && r.facts[i-1].end == f.first && r.facts[i-1].sameAs(f) {
		i--
		f.first = r.facts[i].first
	}
	if j < len(r.facts) && r.facts[j].first == f.end && r.facts[j].sameAs(f) {
		f.end = r.facts[j].end
		j++
	}
	r.facts = slices.Replace(r.facts, i, j, f)
}

// cutFact drops the fact about one number and returns its cause.
func (r *rare) cutFact(n uint64) (frame.Cause, bool) {
	i := r.factAt(n)
	if i == len(r.facts) || r.facts[i].first > n {
		return 0, false
	}
	f := r.facts[i]
	left, right := f, f
	left.end, right.first = n, n+1
	keep := make([]fact, 0, 2)
	if !left.empty() {
		keep = append(keep, left)
	}
	if !right.empty() {
		keep = append(keep, right)
	}
	r.facts = slices.Replace(r.facts, i, i+1, keep...)
	return f.cause, true
}

// unexplained yields the parts of a span that are neither stored nor have a cause, ascending.
func (e *epoch) unexplained(in span) iter.Seq[span] {
	return func(yield func(span) bool) {
		for hole := range e.cov.holes(in.first, in.end) {
			at := hole.first
			for _, f := range e.less().factsIn(hole) {
				if at < f.first && !yield(span{at, f.first}) {
					return
				}
				at = f.end
			}
			if at < hole.end && !yield(span{at, hole.end}) {
				return
			}
		}
	}
}

// explain states a cause for those numbers of a span that are neither stored nor explained: the first cause stands. It returns how many
// numbers it explained, and false, with nothing changed, when the epoch would hold more causes than the policy allows.
func (l *Ledger) explain(e *epoch, in span, cause frame.Cause, reason string) (uint64, bool) {
	room := l.policy.MaxRuns - len(e.factList())
	var parts []span
	for part := range e.unexplained(in) {
		if len(parts) >= room {
			return 0, false
		}
		parts = append(parts, part)
	}
	total := uint64(0)
	for _, part := range parts {
		r := e.more()
		r.addFact(fact{span: part, cause: cause, reason: reason})
		total += part.count()
		if inside := part.clip(e.base, e.next); !inside.empty() {
			open := r.cutOpen(inside)
			r.nOpen -= open
			r.nLost -= inside.count() - open
			*r.term(cause) += inside.count()
		}
	}
	return total, true
}
