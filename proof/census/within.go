package census

import (
	"slices"
	"sort"

	"github.com/gaplessdb/gapless/ledger"
)

// Range is the numbers First..Last of an epoch, both included.
type Range struct{ First, Last uint64 }

// ReasonEmptyRange is why nothing is said of a range whose last number is below its first.
const ReasonEmptyRange = "empty_range"

// Statement is what is true of some numbers of an epoch: Expected = Stored + Open + all Causes.
type Statement struct {
	Range            Range // of what was asked for, the numbers that are expected; zero if none is
	HeadCut, TailCut bool  // the range leaves out expected numbers below, or above: it is itself that end
	TailOpen         bool  // it does not cut the tail, and nobody declared it
	Expected, Stored uint64
	Open             uint64            // may still come
	Causes           map[string]uint64 // missing for good, by cause
	Gaps             []Gap             // inside Range
	Grade            ledger.Grade
	Reasons          []string
}

// Statement is about a whole epoch.
func (e *Epoch) Statement() Statement { return e.Within(Range{0, ledger.MaxSeq}) }

// Until is about the numbers of an epoch that lie in a time, which ends at a moment in milliseconds. It says what Within says of them, but that a watermark
// older than that is no declared tail: what was numbered behind it, while the time went on, it does not know.
func (e *Epoch) Until(toMS int64, r Range) Statement {
	return e.within(r, e.Tail == TailWatermark && !heard(e.TailMS, toMS))
}

// Within is about those numbers of an epoch that are in a range. Only expected numbers count: of others nobody knows that they exist.
//
//   - An end is cut when the range leaves out expected numbers beyond it. A cut end counts as declared: who asks about 100 to 200 has named the ends.
//   - An end that is not cut keeps its basis, also when the range goes beyond it. So a range that holds the whole epoch says what the epoch does.
//   - Of a range that begins behind the last expected number, a watermark does not count as a declared tail: it says which numbers exist, not that
//     no other ever did. A seal and a successor say that.
//   - What is unsure or in doubt about the epoch (ambiguity, probation, conflicts, contradictions, a count that differs) is so of each range:
//     counters have no place.
//   - A range whose last number is below its first says nothing: INDETERMINATE, ReasonEmptyRange.
func (e *Epoch) Within(r Range) Statement {
	beyond := r.First <= r.Last && r.First > e.Base && r.First >= e.Next
	return e.within(r, beyond && e.Tail == TailWatermark)
}

// within judges a range, of which the tail may be undeclared although the epoch's is not.
func (e *Epoch) within(r Range, undeclared bool) Statement {
	s, known := Statement{Causes: map[string]uint64{}}, e.ends()
	known.tail = known.tail && !undeclared
	if r.First > r.Last {
		s.Grade, s.Reasons, s.TailOpen = ledger.Indeterminate, []string{ReasonEmptyRange}, !known.tail
		return s
	}
	some := e.Next > e.Base
	s.HeadCut, s.TailCut = some && r.First > e.Base, some && r.Last < e.Next-1
	known.head, known.tail = known.head || s.HeadCut, known.tail || s.TailCut
	s.TailOpen = !known.tail
	lost := uint64(0)
	if in := (Range{max(r.First, e.Base), min(r.Last, e.Next-1)}); some && in.First <= in.Last {
		s.Range, s.Expected = in, in.Last-in.First+1
		lost = s.count(e.gapsIn(in))
	}
	s.Grade, s.Reasons = e.judge(tally{s.Expected, s.Stored, s.Open, lost}, known)
	return s
}

// gapsIn is the gaps that reach into a range, cut at its ends.
func (e *Epoch) gapsIn(r Range) []Gap {
	from := sort.Search(len(e.Gaps), func(i int) bool { return e.Gaps[i].Last >= r.First })
	to := sort.Search(len(e.Gaps), func(i int) bool { return e.Gaps[i].First > r.Last })
	if from >= to {
		return nil
	}
	in := slices.Clone(e.Gaps[from:to])
	in[0].First = max(in[0].First, r.First)
	in[len(in)-1].Last = min(in[len(in)-1].Last, r.Last)
	return in
}

// count takes the gaps of the range in, and returns how many numbers are lost: missing for good, and nobody knows why.
func (s *Statement) count(gaps []Gap) (lost uint64) {
	s.Gaps, s.Stored = gaps, s.Expected
	for i := range gaps {
		g := &gaps[i]
		s.Stored -= g.Count()
		if g.Cause == 0 {
			s.Open += g.Count()
			continue
		}
		s.Causes[g.Cause.String()] += g.Count()
		if !g.Cause.Exact() {
			lost += g.Count()
		}
	}
	return lost
}
