package ledger

import (
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// trace looks a number up, and holds what it says against the gap report.
func (r *rig) trace(ordinal uint32, seq uint64) Trace {
	r.t.Helper()
	t, ok := r.l.Trace(r.id, ordinal, seq, 100)
	if !ok {
		r.t.Fatalf("epoch %d is unknown", ordinal)
	}
	rep := r.report(int(ordinal))
	var want *GapReport
	for i := range rep.Gaps {
		if rep.Gaps[i].From <= seq && seq <= rep.Gaps[i].To {
			want = &rep.Gaps[i]
		}
	}
	if t.Stored != r.l.Contains(r.id, ordinal, seq) || (t.Gap == nil) != (want == nil) || want != nil && t.Gap.ID != want.ID &&
		t.Gap.Cause != want.Cause {
		r.t.Fatalf("number %d of epoch %d: %+v, the report has %+v", seq, ordinal, t, want)
	}
	return t
}

// TestTraceOfANumber asks about numbers on every side of the ends of an epoch.
func TestTraceOfANumber(t *testing.T) {
	r := newRig(t, Policy{})
	r.heartbeat(Heartbeat{Next: 4, HasFirst: true, First: 2})
	r.run("", 4, 9)
	r.l.Reject(&frame.Group{Stream: r.id}, 12, r.ms, r.ms, frame.CauseRejectedCRC)
	r.lost(DeclareLost{From: 3, To: 3, Reason: "ring"})
	for seq := range uint64(20) {
		r.trace(1, seq)
	}
	if got := r.trace(1, 2); got.Gap.State != StateOpen || got.Gap.From != 2 || got.Gap.To != 2 || got.Claim != nil {
		t.Errorf("an open number: %+v", got.Gap)
	}
	if got := r.trace(1, 3); got.Gap.Cause != "declared_lost" || got.Gap.Reason != "ring" {
		t.Errorf("a declared number: %+v", got.Gap)
	}
	if got := r.trace(1, 12); got.Gap != nil || got.Claim == nil || *got.Claim != (Claim{"rejected.crc", ConfidenceHeaderUnprotected, ""}) {
		t.Errorf("a number that a broken frame had: %+v", got)
	}
	for _, seq := range []uint64{0, 1, 10, 11, 13} {
		if got := r.trace(1, seq); got.Gap != nil || got.Claim != nil || got.Stored {
			t.Errorf("number %d, which is not expected: %+v", seq, got)
		}
	}
	if _, ok := r.l.Trace(r.id, 2, 0, 1); ok {
		t.Error("an epoch that does not exist has a trace")
	}
}

// TestTraceSaid: all that the device said of the ends of an epoch, also what later frames have overtaken.
func TestTraceSaid(t *testing.T) {
	r := newRig(t, Policy{})
	r.run("a", 1, 3)
	if got := r.trace(1, 1); got.Said != nil {
		t.Errorf("%+v", got.Said)
	}
	r.heartbeat(Heartbeat{Subject: Subject{Epoch: "a"}, Next: 6, HasFirst: true, First: 0})
	beat := formatMS(r.ms)
	r.run("a", 6, 8)
	if _, err := r.l.Seal(r.ms, &Seal{Subject: Subject{ID: r.id, Epoch: "a"}, Last: 9, HasCount: true, Count: 10}); err != nil {
		t.Fatal(err)
	}
	seal := formatMS(r.ms)
	got := r.trace(1, 4).Said
	if len(got) != 3 || got[0].Basis != BasisDeclared || *got[0].First != 0 || got[0].At != "" ||
		got[1].Basis != BasisSeal || *got[1].Last != 9 || *got[1].Count != 10 || got[1].At != seal ||
		got[2].Basis != BasisWatermark || *got[2].Next != 6 || got[2].At != beat {
		t.Errorf("%+v", got)
	}
	r.heartbeat(Heartbeat{Subject: Subject{Epoch: "c"}, Next: 1, HasFirst: true})
	r.heartbeat(Heartbeat{Subject: Subject{Epoch: "d"}, Next: 1, HasPrev: true, Prev: "c", PrevLast: 3})
	if got := r.trace(2, 1).Said; len(got) != 3 || got[1].Basis != BasisSuccessor || *got[1].Last != 3 || got[1].At != formatMS(r.ms) {
		t.Errorf("%+v", got)
	}
}

// TestTraceUnverified: a duplicate that is too old to compare waits, and is told of its number only.
func TestTraceUnverified(t *testing.T) {
	r := newRig(t, Policy{})
	r.run("e", 0, 99)
	r.arrive(send{seq: 3, epoch: "e"})
	r.arrive(send{seq: 3, epoch: "e"})
	if got := r.trace(1, 3); got.Unverified != 2 || !got.Stored {
		t.Errorf("%+v", got)
	}
	if got := r.trace(1, 4); got.Unverified != 0 {
		t.Errorf("%+v", got)
	}
}

// TestTraceElsewhere: numbers that other epochs have, by chance, by evidence, or perhaps.
func TestTraceElsewhere(t *testing.T) {
	const second = int64(1_000_000_000)
	r := newRig(t, Policy{RateTolerancePPM: 100_000})
	for n := range uint64(1000) {
		r.narrow(16, n, int64(n)*second)
	}
	r.heartbeat(Heartbeat{Next: 1000, HasTime: true, TimeNS: t0*1_000_000 + 999*second})
	r.narrow(16, 400_000, 400_000*second)
	r.narrow(16, 400_001, 400_001*second)
	two := r.report(2)
	first := *two.Head.First

	open := r.trace(1, 5000)
	if !open.Ambiguous || len(open.Elsewhere) != 1 || open.Elsewhere[0].Why != WhyAmbiguous || open.Elsewhere[0].Wraps == nil ||
		open.Elsewhere[0].Epoch.Ordinal != 2 {
		t.Errorf("behind the silence: %+v", open)
	}
	if got := r.trace(2, 5); !got.Ambiguous || got.Elsewhere[0].Epoch.Ordinal != 1 || got.Elsewhere[0].Wraps == nil || !got.Elsewhere[0].Stored {
		t.Errorf("before the first one after the silence: %+v", got)
	}
	if got := r.trace(2, first+7); got.Ambiguous || got.ElsewhereTotal != 0 {
		t.Errorf("behind all that epoch 2 has: %+v", got)
	}
	if got := r.trace(1, 7); got.Ambiguous || got.ElsewhereTotal != 0 {
		t.Errorf("a stored number: %+v", got)
	}

	r.heartbeat(Heartbeat{Next: 400_002, HasTime: true, TimeNS: t0*1_000_000 + 400_001*second})
	if got := r.trace(1, 5000); got.Ambiguous || got.ElsewhereTotal != 0 || got.Gap == nil {
		t.Errorf("once it is settled: %+v", got)
	}
	if got := r.trace(1, 400_001); len(got.Elsewhere) != 1 || got.Elsewhere[0].Why != WhyLinked || got.Elsewhere[0].Seq != first+1 ||
		!got.Elsewhere[0].Stored {
		t.Errorf("a number that went on in epoch 2: %+v", got)
	}
	for n, ordinal := range map[uint64]uint32{399_998: 1, first: 2, first + 2: 2} { // the other epoch does not reach there
		if got := r.trace(ordinal, n); got.ElsewhereTotal != 0 {
			t.Errorf("number %d of epoch %d: %+v", n, ordinal, got.Elsewhere)
		}
	}
	if got := r.trace(2, first-1); len(got.Elsewhere) != 1 || got.Elsewhere[0].Seq != 399_999 || got.Elsewhere[0].Stored {
		t.Errorf("a number of the silence, as epoch 2 would have it: %+v", got)
	}
}

// TestTraceListsTheNewest: of many lives of a counter it lists some, and says how many there are.
func TestTraceListsTheNewest(t *testing.T) {
	r := newRig(t, Policy{})
	for _, epoch := range []string{"a", "b", "c", "d", "e"} {
		r.run(epoch, 1, 3)
	}
	got, _ := r.l.Trace(r.id, 2, 2, 3)
	if got.ElsewhereTotal != 4 || len(got.Elsewhere) != 3 || got.Elsewhere[0].Epoch.Raw != "e" || got.Elsewhere[2].Epoch.Raw != "c" ||
		got.Elsewhere[0].Why != WhySameNumber {
		t.Errorf("%+v", got)
	}
}
