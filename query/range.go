package query

import (
	"math"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// runsAtOnce is how many runs of coverage are copied out of the ledger in one call.
const runsAtOnce = 4096

// ofRange is the completeness of the numbers of one epoch that can lie in the span, nil when none can, and what the epoch has beside it.
//
// Missing numbers have no time. A time range therefore stands for all numbers between the stored frames around it: whatever is missing
// at its edges may have been inside, and counts.
//
// w is what the segments of the View's manifest say of the time range.
func ofRange(v *View, t *target, span segment.Span, w *windows) (*part, aside) {
	reports, ok := v.Ledger.Report(t.id, ledger.ReportOptions{Epoch: t.key.ordinal, GapLimit: 1})
	if !ok || len(reports) != 1 || reports[0].Tail.Last == nil {
		return nil, aside{}
	}
	r := &reports[0]
	first, last, ok := w.window(v, t, span.FirstNS, span.LastNS)
	asked := ledger.Run{First: max(first, span.FirstSeq), Last: min(last, span.LastSeq)}
	side := asideOf(&ledger.Extent{
		First: *r.Head.First, Last: *r.Tail.Last, Grade: r.Verdict,
		HeadDeclared: r.Head.Basis == ledger.BasisDeclared, TailSeen: r.Tail.Basis == ledger.BasisLastSeen,
	}, asked, ok)
	got := ledger.Run{First: max(asked.First, *r.Head.First), Last: min(asked.Last, *r.Tail.Last)}
	if !ok || got.First > got.Last {
		return nil, side
	}
	p := &part{completeness: completeness{expected: got.Last - got.First + 1}}
	p.count(v, t, got)
	p.verdict = gradeOf(v, t, r, asked, got, p.missing() > 0)
	return p, side
}

// count counts the stored numbers of a range and finds where its beginning ends that has no hole.
func (p *part) count(v *View, t *target, in ledger.Run) {
	from := in.First
	for {
		page, _ := v.Ledger.Coverage(t.id, t.key.ordinal, from, runsAtOnce)
		for _, run := range page.Runs {
			if run.First > in.Last {
				return
			}
			if run.First <= in.First {
				p.reach(v, *t, min(run.Last, in.Last))
			}
			p.stored += min(run.Last, in.Last) - max(run.First, in.First) + 1
		}
		if !page.More {
			return
		}
		from = page.Next
	}
}

// gradeOf judges a range as the ledger judges an epoch. An end of the epoch that nobody declared casts a doubt only where the range was
// asked to reach beyond it.
func gradeOf(v *View, t *target, r *ledger.EpochReport, asked, got ledger.Run, missing bool) ledger.Grade {
	whole := asked.First == 0 && asked.Last == math.MaxUint64
	switch {
	case whole || r.Verdict == ledger.Indeterminate:
		return r.Verdict
	case missing && explained(v, t, r, got):
		return ledger.Explained
	case missing:
		return ledger.Incomplete
	}
	doubt := asked.First < got.First && r.Head.Basis != ledger.BasisDeclared ||
		asked.Last > got.Last && r.Tail.Basis == ledger.BasisLastSeen ||
		r.Duplicates.Conflict > 0 || r.Duplicates.Unverified > 0 || r.Contradictions > 0 ||
		r.Seal != nil && r.Seal.Mismatch != 0
	if doubt {
		return ledger.CompleteBetweenSeen
	}
	return ledger.Complete
}

// explained reports whether every missing number of the range has an exact cause.
func explained(v *View, t *target, r *ledger.EpochReport, in ledger.Run) bool {
	q := ledger.GapQuery{
		Tenant: t.tenant, Device: r.Device, Stream: r.Stream, Epoch: t.key.ordinal,
		First: in.First, Last: in.Last, Limit: 1, NoTotal: true,
	}
	lost, open := q, q
	lost.Cause = frame.CauseNeverArrived
	open.States = []ledger.State{ledger.StateOpen, ledger.StateRequested}
	for _, q := range []ledger.GapQuery{lost, open} {
		page, err := v.Ledger.Gaps(q)
		if err != nil || len(page.Gaps) > 0 && page.Gaps[0].From <= in.Last {
			return false
		}
	}
	return true
}
