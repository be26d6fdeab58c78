package ledger

import (
	"bytes"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// t0 is the commit time at which tests begin, ms.
const t0 = int64(1_790_000_000_000)

var testKey = frame.StreamKey{Tenant: "t", Device: "mill-07", Stream: "0"}

// bench is a ledger with one stream and a clock that both device and cluster share.
type rig struct {
	t  testing.TB
	l  *Ledger
	id frame.StreamID
	ms int64 // now
}

func newRig(t testing.TB, p Policy) *rig {
	t.Helper()
	r := &rig{t: t, l: New(p), ms: t0}
	r.l.Tick(t0, false)
	id, err := r.l.Intern(testKey)
	if err != nil {
		t.Fatal(err)
	}
	r.id = id
	return r
}

// send is a frame; the zero Time is now.
type send struct {
	seq    uint64
	epoch  string
	bits   uint8
	first  *uint64
	timeMS int64
	noTime bool
	fp     uint32 // 0: made from seq and time
}

func (r *rig) arrive(s send) Outcome {
	g := frame.Group{Stream: r.id, Epoch: s.epoch, Bits: s.bits}
	if s.first != nil {
		g.HasFirst, g.First = true, *s.first
	}
	if s.timeMS == 0 {
		s.timeMS = r.ms
	}
	if s.fp == 0 {
		s.fp = uint32(s.seq*2654435761) | 1
		if !s.noTime { // the time is content
			s.fp += uint32(s.timeMS) << 1
		}
	}
	it := frame.Item{Seq: s.seq, TimeNS: s.timeMS * 1_000_000, NoTime: s.noTime, Class: frame.ClassEvent, Fingerprint: s.fp}
	return r.l.Arrive(&g, r.ms, r.ms, &it)
}

// run sends first..last in order, a second apart, and fails unless all are stored.
func (r *rig) run(epoch string, first, last uint64) {
	r.t.Helper()
	for n := first; n <= last; n++ {
		r.ms += 1000
		if o := r.arrive(send{seq: n, epoch: epoch}); o.Status != Stored || o.Seq != n {
			r.t.Fatalf("frame %d: %+v", n, o)
		}
	}
}

func (r *rig) reports() []EpochReport {
	r.t.Helper()
	reps, ok := r.l.Report(r.id, ReportOptions{})
	if !ok {
		r.t.Fatal("stream is unknown")
	}
	return reps
}

func (r *rig) report(ordinal int) EpochReport {
	r.t.Helper()
	reps := r.reports()
	if len(reps) < ordinal {
		r.t.Fatalf("%d epochs, want number %d", len(reps), ordinal)
	}
	return reps[ordinal-1]
}

// settle lets all graces end.
func (r *rig) settle() {
	r.ms += r.l.policy.GraceMS
	for r.l.Tick(r.ms, false) > 0 {
	}
}

func (r *rig) check() {
	r.t.Helper()
	if err := r.l.Check(); err != nil {
		r.t.Fatal(err)
	}
}

func checkpointOf(t testing.TB, l *Ledger) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := l.Checkpoint(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func restored(t testing.TB, b []byte) *Ledger {
	t.Helper()
	l := New(Policy{})
	if err := l.Restore(bytes.NewReader(b)); err != nil {
		t.Fatal(err)
	}
	return l
}

func ptr[T any](v T) *T { return &v }

// heartbeat, seal and lost are commands for the rig's stream.
func (r *rig) heartbeat(h Heartbeat) *HeartbeatResult {
	r.t.Helper()
	h.ID = r.id
	res, err := r.l.Heartbeat(r.ms, &h)
	if err != nil {
		r.t.Fatal(err)
	}
	return res
}

func (r *rig) seal(c Seal) *SealResult {
	r.t.Helper()
	c.ID = r.id
	res, err := r.l.Seal(r.ms, &c)
	if err != nil {
		r.t.Fatal(err)
	}
	return res
}

func (r *rig) lost(c DeclareLost) *DeclareLostResult {
	r.t.Helper()
	c.ID = r.id
	res, err := r.l.DeclareLost(r.ms, &c)
	if err != nil {
		r.t.Fatal(err)
	}
	return res
}
