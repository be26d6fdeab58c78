package ledger

import (
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// Traps that others fell into; more of them are in unwrap_test.go and tick_test.go.

// a packet carries no device and no epoch: identity is the stream id alone, whatever listener or address a frame came through.
func TestTrapIdentityIsTheStream(t *testing.T) {
	r := newRig(t, Policy{})
	for n := range uint64(100) {
		r.ms += 1000
		if o := r.arrive(send{seq: n, bits: 16}); o.Epoch != 1 {
			t.Fatalf("%+v", o)
		}
	}
	if r.l.Len() != 1 || len(r.reports()) != 1 {
		t.Error("the stream forked")
	}
}

// a frame with a broken checksum is no unexplained gap, and its number is not trusted further than others confirm it.
func TestTrapBrokenChecksum(t *testing.T) {
	r := newRig(t, Policy{})
	g := &frame.Group{Stream: r.id}
	r.run("", 0, 9)
	reject := func(n uint64) bool {
		_, _, ok := r.l.Reject(g, n, r.ms, r.ms, frame.CauseRejectedCRC)
		return ok
	}
	if !reject(10) || reject(5000) || reject(1<<40) {
		t.Error("the next number is attributed, wild ones are not")
	}
	if rep := r.report(1); rep.Expected != 10 || rep.Ledger.A.Rejected != 0 {
		t.Errorf("a broken frame moved the high-water: %+v", rep.Ledger.A)
	}
	r.run("", 11, 12)
	rep := r.report(1)
	if len(rep.Gaps) != 1 || rep.Gaps[0].Cause != "rejected.crc" || rep.Gaps[0].Confidence != ConfidenceHeaderUnprotected || rep.Gaps[0].From != 10 || rep.Gaps[0].State != StateFinal {
		t.Errorf("%+v", rep.Gaps)
	}
	if o := r.arrive(send{seq: 10}); o.Status != Stored || !o.Late {
		t.Errorf("sent again: %+v", o)
	}
	if rep := r.report(1); rep.LateClosed != 1 || len(rep.Gaps) != 0 {
		t.Errorf("%+v", rep)
	}
	r.check()
}

// A refused frame far behind may be of a life that nothing else shows yet: it explains nothing. Under a declared epoch it does.
func TestTrapRefusedFrameFarBehind(t *testing.T) {
	r := newRig(t, Policy{})
	r.run("", 0, 9)
	r.run("", 11, 400)
	if _, _, ok := r.l.Reject(&frame.Group{Stream: r.id}, 10, r.ms, r.ms, frame.CauseRejectedSchema); ok {
		t.Error("attributed to a life that may not be its own")
	}
	r.run("a", 0, 9)
	r.run("a", 11, 400)
	if e, n, ok := r.l.Reject(&frame.Group{Stream: r.id, Epoch: "a"}, 10, r.ms, r.ms, frame.CauseRejectedSchema); !ok || e != 2 || n != 10 {
		t.Error(e, n, ok)
	}
	if e, _, ok := r.l.Reject(&frame.Group{Stream: r.id, Epoch: "b"}, 10, r.ms, r.ms, frame.CauseRejectedCRC); ok {
		t.Error("a broken frame opened epoch", e)
	}
	if e, n, ok := r.l.Reject(&frame.Group{Stream: r.id, Epoch: "b"}, 10, r.ms, r.ms, frame.CauseRejectedOversize); !ok || e != 3 || n != 10 {
		t.Error(e, n, ok)
	}
	for _, g := range []frame.Group{{Stream: 99}, {Stream: r.id, Unseq: true}, {Stream: r.id, Bits: 7}} {
		if _, _, ok := r.l.Reject(&g, 10, r.ms, r.ms, frame.CauseRejectedSchema); ok {
			t.Errorf("%+v", g)
		}
	}
	if _, _, ok := r.l.Reject(&frame.Group{Stream: r.id, Epoch: "a"}, 10, r.ms, r.ms, frame.CauseKernelDrop); ok {
		t.Error("a bound is no cause of a number")
	}
	r.check()
}

// equal content is not equal identity: a device that sends the same value for hours has sent every number.
func TestTrapEqualValues(t *testing.T) {
	r := newRig(t, Policy{})
	for n := range uint64(500) {
		r.ms += 1000
		if o := r.arrive(send{seq: n, fp: 7}); o.Status != Stored {
			t.Fatalf("%+v", o)
		}
	}
}

// a shed snapshot is an entry with its number, not a hole.
func TestTrapShedding(t *testing.T) {
	r := newRig(t, Policy{})
	g := &frame.Group{Stream: r.id, Epoch: "a", HasFirst: true}
	for n := range uint64(100) {
		r.ms += 1000
		if n%10 == 3 {
			if e, at, ok := r.l.Reject(g, n, r.ms, r.ms, frame.CauseShedSnapshot); !ok || e != 1 || at != n {
				t.Fatalf("%d %d %v", e, at, ok)
			}
			continue
		}
		r.arrive(send{seq: n, epoch: "a", first: ptr(uint64(0))})
	}
	r.heartbeat(Heartbeat{Subject: Subject{Epoch: "a"}, Next: 100})
	r.settle()
	rep := r.report(1)
	if a := rep.Ledger.A; a.Shed != 10 || a.Lost != 0 || rep.Verdict != Explained {
		t.Errorf("%+v %v", a, rep.Verdict)
	}
	if len(rep.Gaps) != 10 || rep.Gaps[0].Cause != "shed.snapshot" || rep.Gaps[0].Confidence != ConfidenceExact {
		t.Errorf("%+v", rep.Gaps)
	}
}

// three frames lost at the tail are found by the heartbeat alone; at the head by the declared first number alone.
func TestTailAndHeadLoss(t *testing.T) {
	r := newRig(t, Policy{})
	r.run("a", 4, 96)
	if rep := r.report(1); len(rep.Gaps) != 0 || rep.Head.Basis != BasisFirstSeen || rep.Tail.Basis != BasisLastSeen {
		t.Errorf("%+v", rep)
	}
	r.heartbeat(Heartbeat{Subject: Subject{Epoch: "a"}, Next: 100})
	if got, want := gapLines(r.report(1)), []string{"97-99 OPEN 0"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	r.arrive(send{seq: 100, epoch: "a", first: ptr(uint64(1))})
	if got, want := gapLines(r.report(1)), []string{"1-3 OPEN 0", "97-99 OPEN 0"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	r.check()
}

// a declared reboot in the middle; the old tail says that it is only what was seen, and the values lead to their epochs for ever.
func TestDeclaredReboot(t *testing.T) {
	r := newRig(t, Policy{})
	r.run("7", 0, 500)
	r.run("8", 0, 3)
	if o := r.arrive(send{seq: 503, epoch: "7"}); o.Epoch != 1 || o.NewEpoch {
		t.Errorf("late frame of the old life: %+v", o)
	}
	if o := r.arrive(send{seq: 4}); o.Epoch != 2 {
		t.Errorf("a frame without a value belongs to the newest: %+v", o)
	}
	if rep := r.report(1); rep.Tail.Basis != BasisLastSeen || *rep.Tail.Last != 503 || rep.Epoch.Source != "declared" {
		t.Errorf("%+v", rep)
	}
	r.check()
}

func TestProtocolZero(t *testing.T) {
	r := newRig(t, Policy{ProtocolZero: true})
	r.run("a", 5, 9)
	rep := r.report(1)
	if rep.Head.Basis != BasisProtocolZero || *rep.Head.First != 0 || rep.Expected != 10 {
		t.Errorf("%+v", rep)
	}
	r.heartbeat(Heartbeat{Subject: Subject{Epoch: "b"}, Next: 7, HasFirst: true, First: 7})
	if rep := r.report(2); rep.Head.Basis != BasisDeclared || *rep.Head.First != 7 {
		t.Errorf("the device's word is stronger: %+v", rep.Head)
	}
	r.check()
}

// Frames without numbers get them here, have no gaps by construction, and prove nothing.
func TestServerNumbered(t *testing.T) {
	r := newRig(t, Policy{})
	g := &frame.Group{Stream: r.id, Unseq: true}
	put := func(fp uint32, ms int64, noTime bool) Outcome {
		return r.l.Arrive(g, r.ms, r.ms, &frame.Item{Fingerprint: fp, TimeNS: ms * 1_000_000, NoTime: noTime})
	}
	for i := range uint64(100) {
		if o := put(uint32(i), t0+int64(i), false); o.Status != Stored || o.Seq != i+1 || o.NewEpoch != (i == 0) {
			t.Fatalf("%+v", o)
		}
	}
	put(99, t0+99, false) // suspected
	put(99, t0+98, false) // another time
	put(50, t0+50, false) // suspected, 52 ago
	put(1, t0+1, false)   // too long ago
	put(7, t0, true)      // no device time:
	put(7, t0, true)      // proves nothing
	rep := r.report(1)
	if rep.Numbering != "server" || rep.Stored != 106 || rep.Duplicates.Suspected != 2 || len(rep.Gaps) != 0 || rep.Verdict != Indeterminate {
		t.Errorf("%+v", rep)
	}
	if o := r.arrive(send{seq: 50}); o.Epoch != 2 || o.Status != Stored {
		t.Errorf("a frame with a number is another counter's: %+v", o)
	}
	if o := put(8, t0, false); o.Epoch != 1 || o.Seq != 107 {
		t.Errorf("%+v", o)
	}
	if o := r.l.Arrive(&frame.Group{Stream: r.id, Unseq: true, Epoch: "boot-2"}, r.ms, r.ms, &frame.Item{}); o.Epoch != 3 || o.Seq != 1 {
		t.Errorf("%+v", o)
	}
	r.check()
}

func TestSkew(t *testing.T) {
	r := newRig(t, Policy{SkewLimitMS: 1000})
	for i, c := range []struct {
		timeMS int64
		noTime bool
		want   bool
	}{{t0, false, false}, {t0 + 1000, false, false}, {t0 + 1001, false, true}, {t0 - 1001, false, true}, {1, false, true}, {1, true, false}, {-1 << 62 / 1_000_000, false, true}} {
		if o := r.arrive(send{seq: uint64(i), epoch: "a", timeMS: c.timeMS, noTime: c.noTime}); o.Skew != c.want || o.Status != Stored {
			t.Errorf("time %d: %+v", c.timeMS-t0, o)
		}
	}
	if s, _ := r.l.Summary(r.id); s.LastTimeNS != (t0+1000)*1_000_000 {
		t.Errorf("an implausible time is the newest: %d", s.LastTimeNS)
	}
	if rep := r.report(1); rep.Skewed != 4 {
		t.Errorf("%d skewed", rep.Skewed)
	}
}

func TestLimits(t *testing.T) {
	r := newRig(t, Policy{MaxEpochs: 2, MaxRuns: 3})
	refusedWith := func(s send, code string) {
		t.Helper()
		before := checkpointOf(t, r.l)
		if o := r.arrive(s); o.Status != Refused || o.Code != code {
			t.Errorf("%+v: %+v, want %s", s, o, code)
		}
		if !slices.Equal(before, checkpointOf(t, r.l)) {
			t.Errorf("%+v was refused and changed the ledger", s)
		}
	}
	for _, n := range []uint64{1, 3, 5} {
		r.arrive(send{seq: n, epoch: "a"})
	}
	refusedWith(send{seq: 7, epoch: "a"}, CodeTooManyRuns)
	if o := r.arrive(send{seq: 6, epoch: "a"}); o.Status != Stored {
		t.Errorf("a number that makes no run more: %+v", o)
	}
	if o := r.arrive(send{seq: 4, epoch: "a"}); o.Status != Stored {
		t.Errorf("a number that joins two: %+v", o)
	}
	r.arrive(send{seq: 0, epoch: "b"})
	refusedWith(send{seq: 0, epoch: "c"}, CodeTooManyEpochs)
	refusedWith(send{seq: MaxSeq + 1, epoch: "a"}, CodeSeqOutOfRange)
	refusedWith(send{seq: 256, bits: 8, epoch: "a"}, CodeSeqOutOfRange)
	refusedWith(send{seq: 5, bits: 24, epoch: "a"}, CodeBadBits)
	refusedWith(send{seq: 5, epoch: strings.Repeat("x", 65)}, CodeBadEpoch)
	refusedWith(send{seq: 5, epoch: "a", first: ptr(uint64(MaxSeq + 1))}, CodeSeqOutOfRange)
	r.id = 99
	refusedWith(send{seq: 5}, CodeUnknownStream)
	r.id = 2
	for _, n := range []uint64{9, 11, 13} {
		r.l.Reject(&frame.Group{Stream: r.id, Epoch: "b"}, n, r.ms, r.ms, frame.CauseRejectedSchema)
	}
	if _, _, ok := r.l.Reject(&frame.Group{Stream: r.id, Epoch: "b"}, 15, r.ms, r.ms, frame.CauseRejectedSchema); ok {
		t.Error("a fourth cause was taken")
	}
	if _, err := r.l.DeclareLost(r.ms, &DeclareLost{Subject: Subject{ID: r.id, Epoch: "b"}, From: 15, To: 20}); codeOf(err) != CodeTooManyCauses {
		t.Error(err)
	}
	r.check()
}

func TestPolicy(t *testing.T) {
	if Defaults() != New(Policy{}).Policy() || Defaults().Validate() != nil || Defaults().MaxEpochs != 1024 || Defaults().GraceMS != 10_000 {
		t.Errorf("%+v", Defaults())
	}
	bad := Policy{GraceMS: -1, MisorderWindow: 1 << 40}
	if bad.Validate() == nil || bad.WithDefaults().Validate() != nil || bad.WithDefaults().MisorderWindow != maxPolicyWindow {
		t.Errorf("%+v", bad.WithDefaults())
	}
}

func TestBirth(t *testing.T) {
	r := newRig(t, Policy{})
	r.run("", 0, 5)
	r.heartbeat(Heartbeat{Birth: true, HasFirst: true})
	r.run("", 0, 2)
	if rep := r.report(2); rep.Epoch.Source != "birth" || rep.Head.Basis != BasisDeclared || rep.Stored != 3 || rep.Epoch.Probation {
		t.Errorf("%+v", rep)
	}
}

func TestStatusNames(t *testing.T) {
	if Stored.String() != "stored" || Refused.String() != "refused" || Status(99).String() != "unknown" || Source(0).String() != "unknown" {
		t.Error(Stored, Refused, Status(99), Source(0))
	}
}
