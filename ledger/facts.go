package ledger

import (
	"iter"

	"github.com/gaplessdb/gapless/frame"
)

// fact is numbers that are not stored and whose cause somebody stated.
type fact struct {
	span
	cause  frame.Cause
	reason string // the device's words, "" for none
}

func (f fact) sameAs(g fact) bool { return f.cause == g.cause && f.reason == g.reason }

// factAt is the spot of the first fact that ends after n.
func (r *rare) factAt(n uint64) spot {
	return r.facts.search(func(f fact) bool { return f.end > n })
}

// factsIn yields the facts that reach into a span, which is not empty.
func (r *rare) factsIn(in span) iter.Seq[fact] {
	return func(yield func(fact) bool) {
		for f := range r.facts.from(r.factAt(in.first)) {
			if f.first >= in.end || !yield(f) {
				return
			}
		}
	}
}

// addFact enters a fact that overlaps no other, merged with equal neighbours that it touches.
func (r *rare) addFact(f fact) {
	from := r.factAt(f.first)
	to := from
	if left, any := r.facts.before(from); any && left.end == f.first && left.sameAs(f) {
		from, _ = r.facts.prev(from)
		f.first = left.first
	}
	if right, any := r.facts.at(to); any && right.first == f.end && right.sameAs(f) {
		to = r.facts.next(to)
		f.end = right.end
	}
	r.facts.replace(from, to, f)
}

// cutFact drops the fact about one number and returns its cause.
func (r *rare) cutFact(n uint64) (frame.Cause, bool) {
	at := r.factAt(n)
	f, any := r.facts.at(at)
	if !any || f.first > n {
		return 0, false
	}
	left, right := f, f
	left.end, right.first = n, n+1
	keep := make([]fact, 0, 2)
	if !left.empty() {
		keep = append(keep, left)
	}
	if !right.empty() {
		keep = append(keep, right)
	}
	r.facts.replace(at, r.facts.next(at), keep...)
	return f.cause, true
}

// unexplained yields the parts of a span that are neither stored nor have a cause, ascending.
func (e *epoch) unexplained(in span) iter.Seq[span] {
	return func(yield func(span) bool) {
		for hole := range e.cov.holes(in.first, in.end) {
			at := hole.first
			for f := range e.less().factsIn(hole) {
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
func (l *Ledger) explain(s owned, e *epoch, in span, cause frame.Cause, reason string) (uint64, bool) {
	room := l.policy.MaxRuns - e.less().facts.count
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
			l.noteExplained(s, e, inside, cause)
			open := r.cutOpen(inside)
			r.nOpen -= open
			r.nLost -= inside.count() - open
			*r.term(cause) += inside.count()
		}
	}
	return total, true
}
