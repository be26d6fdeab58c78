package ledger

import (
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"pgregory.net/rapid"
)

// TestExtentSaysWhatReportsSay compares the quick account of an epoch with its report, and the missing numbers of any range with its gaps.
func TestExtentSaysWhatReportsSay(t *testing.T) {
	rapid.Check(t, func(t2 *rapid.T) {
		r := newRig(t, Policy{})
		for range rapid.IntRange(1, 20).Draw(t2, "steps") {
			n := rapid.Uint64Range(0, 60).Draw(t2, "number")
			last := n + rapid.Uint64Range(0, 5).Draw(t2, "more")
			epoch := rapid.SampledFrom([]string{"x", "x", "y"}).Draw(t2, "epoch")
			subject := Subject{ID: r.id, Epoch: epoch}
			switch rapid.IntRange(0, 6).Draw(t2, "step") {
			case 0:
				_, _ = r.l.Heartbeat(r.ms, &Heartbeat{Subject: subject, Next: last})
			case 1:
				_, _ = r.l.DeclareLost(r.ms, &DeclareLost{Subject: subject, From: n, To: last})
			case 2:
				_, _ = r.l.Seal(r.ms, &Seal{Subject: subject, Last: last})
			case 3:
				r.settle()
			case 4:
				r.l.Reject(&frame.Group{Stream: r.id, Epoch: epoch, Bits: 64}, n, r.ms, r.ms, frame.CauseRejectedSchema)
			default:
				for ; n <= last; n++ { // some come twice, and not the same
					r.ms += 1000
					r.arrive(send{seq: n, epoch: epoch})
				}
			}
		}
		reports, _ := r.l.Report(r.id, ReportOptions{GapLimit: 1 << 20})
		for i := range reports {
			in := Run{First: rapid.Uint64Range(0, 70).Draw(t2, "first")}
			in.Last = in.First + rapid.Uint64Range(0, 40).Draw(t2, "length")
			compareExtent(t2, r.l, r.id, &reports[i], in)
		}
		if _, ok := r.l.Extent(r.id, 99); ok {
			t2.Fatal("an epoch that is unknown has an extent")
		}
	})
}

func compareExtent(t *rapid.T, l *Ledger, id frame.StreamID, rep *EpochReport, in Run) {
	x, ok := l.Extent(id, rep.Epoch.Ordinal)
	if ok != (rep.Tail.Last != nil) {
		t.Fatalf("an extent is known: %t; the tail of the report: %+v", ok, rep.Tail)
	}
	var got, want []Run
	var gotExplained, wantExplained []bool
	l.Missing(id, rep.Epoch.Ordinal, in, func(piece Run, explained bool) bool {
		got, gotExplained = append(got, piece), append(gotExplained, explained)
		return true
	})
	for _, g := range rep.Gaps {
		if g.To >= in.First && g.From <= in.Last {
			want = append(want, Run{max(g.From, in.First), min(g.To, in.Last)})
			wantExplained = append(wantExplained, g.Cause != "" && g.Cause != frame.CauseNeverArrived.String())
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%v is missing in %v, want %v", got, in, want)
	}
	for i := range got {
		if got[i] != want[i] || gotExplained[i] != wantExplained[i] {
			t.Fatalf("missing in %v: %v %v, want %v %v", in, got, gotExplained, want, wantExplained)
		}
	}
	if !ok {
		return
	}
	doubt := rep.Duplicates.Conflict > 0 || rep.Duplicates.Unverified > 0 || rep.Contradictions > 0 || rep.Seal != nil && rep.Seal.Mismatch != 0
	if x.First != *rep.Head.First || x.Last != *rep.Tail.Last || x.Stored != rep.Stored || x.Grade != rep.Verdict || x.Doubt != doubt ||
		x.HeadDeclared != (rep.Head.Basis == BasisDeclared) || x.TailSeen != (rep.Tail.Basis == BasisLastSeen) {
		t.Fatalf("%+v, the report says %+v", x, rep)
	}
}
