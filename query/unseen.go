package query

import (
	"math"

	"github.com/gaplessdb/gapless/ledger"
)

// A device that stopped before a range of time, or began behind it, has no number in there that is expected, so it misses none. That is no
// proof: where nobody declared its end, frames of it may have been lost in the range, and nobody knows. Such a stream adds no counts to
// the completeness of several, but it bounds their verdict as an end that lies inside of the range does.

// aside is what an epoch has beside a range.
type aside struct {
	known              bool // something is expected of the epoch
	behind, ahead      bool // the range lies behind all numbers that are expected, or before all of them
	rowBefore, rowPast bool // a stored row lies before the range, or past it
	headKnown          bool // it was declared, or nothing can be before it
	tailSeen           bool
	grade              ledger.Grade
}

// asideOf is what an epoch has beside the numbers that were asked for; ok is false where no number at all can be meant: between two rows, or before row 0.
func asideOf(x *ledger.Extent, asked ledger.Run, ok bool) aside {
	return aside{
		known: true, behind: ok && asked.First > x.Last, ahead: ok && asked.Last < x.First,
		rowBefore: asked.First > 0, rowPast: asked.Last < math.MaxUint64,
		headKnown: x.HeadDeclared || x.First == 0, tailSeen: x.TailSeen, grade: x.Grade,
	}
}

// unseen is the best verdict that the epochs of one stream allow, 0 when they do not bound it. An epoch's unknown end lies before the rows of
// the next one, and its unknown beginning behind those of the one before.
func unseen(epochs []aside) (best ledger.Grade) {
	for i := range epochs {
		a := &epochs[i]
		if last := i+1 == len(epochs) || !epochs[i+1].rowBefore; last && a.known && a.behind && a.tailSeen {
			best = worse(best, a.afterEnd())
		}
		if first := i == 0 || !epochs[i-1].rowPast; first && a.known && a.ahead && !a.headKnown {
			best = worse(best, ledger.CompleteBetweenSeen)
		}
	}
	return best
}

// afterEnd is the verdict about a range behind the last row of an epoch whose end nobody declared: nothing at all is known where it has no numbers.
func (a *aside) afterEnd() ledger.Grade {
	if a.grade == ledger.Indeterminate {
		return ledger.Indeterminate
	}
	return ledger.CompleteBetweenSeen
}

// worse is the worse of two verdicts; 0 is none.
func worse(a, b ledger.Grade) ledger.Grade {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// bucketAside is what an epoch has beside the buckets of a grid: the buckets of its earliest and of its latest row; -1 is before the grid, and
// as many as there are buckets is past it.
type bucketAside struct {
	aside
	first, last int
}

// asideOfBuckets finds where the rows of the epoch lie: low is above high in a bucket without one. It is not known where there are none at all.
func asideOfBuckets(e *seriesEpoch, buckets int, low, high []uint64) bucketAside {
	a := bucketAside{aside: e.side, first: buckets, last: -1}
	for b := range low {
		if low[b] <= high[b] {
			a.first, a.last = min(a.first, b), b
		}
	}
	if e.before.any {
		a.first = -1
	}
	if e.after.any {
		a.last = buckets
	}
	a.known = a.known && (a.first < buckets || a.last >= 0)
	return a
}

// boundBuckets is unseen for every bucket.
func boundBuckets(epochs []bucketAside, cover []Completeness) {
	for i := range epochs {
		a := &epochs[i]
		if !a.known {
			continue
		}
		if a.tailSeen {
			end := len(cover) - 1
			if i+1 < len(epochs) && epochs[i+1].known {
				end = min(end, epochs[i+1].first)
			}
			for b := a.last + 1; b <= end; b++ {
				cover[b].add(Completeness{Verdict: a.afterEnd()})
			}
		}
		if !a.headKnown {
			begin := 0
			if i > 0 && epochs[i-1].known {
				begin = max(begin, epochs[i-1].last)
			}
			for b := begin; b < min(a.first, len(cover)); b++ {
				cover[b].add(Completeness{Verdict: ledger.CompleteBetweenSeen})
			}
		}
	}
}
