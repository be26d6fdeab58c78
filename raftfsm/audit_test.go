package raftfsm

import (
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// kept counts the frames of a system device.
func (r *replica) kept(tenant, device string) int {
	id, _ := r.state.ledger.ID(frame.StreamKey{Tenant: tenant, Device: device, Stream: frame.DefaultStream})
	return int(r.state.head.Count(id))
}

// full is a replica of cluster version 1 that has one stream, and may have no more.
func full(t *testing.T) *replica {
	r := newReplica(t)
	r.parts(r.term, Part{Batch: r.batch("d", 0, 1)})
	p := DefaultPolicy()
	p.Ledger.MaxStreams = 1
	if res := r.command(KindPolicy, p); res.Err != nil {
		t.Fatal(res.Err)
	}
	return r
}

// TestSystemFramesBeyondMaxStreams: from cluster version 2 on the limit of streams holds back those of users, and none of the store's own. Below,
// where older releases apply the same log, it holds back all of them.
func TestSystemFramesBeyondMaxStreams(t *testing.T) {
	r := full(t)
	conflict := func(value int64) { r.parts(r.term, Part{Batch: r.batchOf("d", value, 1)}) }
	conflict(7)
	if n := r.kept("default", DeviceConflict); n != 0 || r.state.recorder.dropped != 1 || r.state.ledger.Len() != 1 {
		t.Errorf("cluster version 1: %d frames of evidence, %d dropped, %d streams, want none, 1 and 1", n, r.state.recorder.dropped, r.state.ledger.Len())
	}
	r.raiseTo(2) // itself audited
	r.fake(7)
	conflict(8)
	if audits, evidence := r.kept(TenantSystem, DeviceAudit), r.kept("default", DeviceConflict); audits != 2 || evidence != 1 || r.state.recorder.dropped != 1 {
		t.Errorf("cluster version 2: %d audit frames, %d of evidence, %d dropped, want 2, 1 and 1 as before", audits, evidence, r.state.recorder.dropped)
	}
	if got := r.parts(r.term, Part{Batch: r.batch("e", 0)})[0]; got.Accepted != 0 || len(got.Refused) != 1 || got.Refused[0].Code != ledger.CodeUnknownStream {
		t.Errorf("a stream of a user beyond the limit: %+v", got)
	}
}

// TestLeadersEvidenceBeyondMaxStreams: what the leader found out of an old duplicate comes as a batch, and is kept like what apply derives.
func TestLeadersEvidenceBeyondMaxStreams(t *testing.T) {
	r := full(t)
	evidence := func() PartResult {
		t.Helper()
		var first frame.Item
		var rd frame.Reader
		if err := rd.Reset(r.batch("d", 0)); err != nil {
			t.Fatal(err)
		}
		var g frame.Group
		rd.NextGroup(&g)
		rd.Next(&first)
		var b frame.Builder
		b.Reset(frame.Header{ReceiveMS: 1_700_000_000_500})
		if err := AddConflict(&b, frame.StreamKey{Tenant: "default", Device: "d", Stream: frame.DefaultStream}, &Unsettled{Epoch: 1, Item: first}); err != nil {
			t.Fatal(err)
		}
		batch, err := b.Finish(nil)
		if err != nil {
			t.Fatal(err)
		}
		return r.parts(r.term, Part{Batch: batch})[0]
	}
	if got := evidence(); got.Accepted != 0 || len(got.Refused) != 1 {
		t.Errorf("cluster version 1: %+v, want it refused", got)
	}
	r.raise()
	if got := evidence(); got.Accepted != 1 || r.kept("default", DeviceConflict) != 1 {
		t.Errorf("cluster version 2: %+v, want it kept", got)
	}
}

// TestAuditsHaveALimit: between two ticks so many commands leave a frame of the audit, and a record in the proof's log; what is beyond is counted once. A
// policy is recorded all the same.
func TestAuditsHaveALimit(t *testing.T) {
	r := newChronicle(t)
	r.raiseTo(3)
	tick := func() { r.command(KindTick, Tick{ElapsedMS: 1000, Voters: 1}) }
	count := func() (frames, records int, dropped uint64) {
		return r.kept(TenantSystem, DeviceAudit), r.kept(TenantSystem, DeviceLog), r.state.recorder.dropped
	}
	tick()
	frames, records, _ := count()
	for i := range maxAudits + 30 {
		r.fake(i)
	}
	check := func(when string, moreFrames, moreRecords int, dropped uint64) {
		t.Helper()
		if f, l, d := count(); f != frames+moreFrames || l != records+moreRecords || d != dropped || r.state.extra[1].(*fakeChronicle).Size != l {
			t.Errorf("%s: %d frames, %d records, %d dropped, want %d, %d, %d", when, f-frames, l-records, d, moreFrames, moreRecords, dropped)
		}
	}
	check("a flood of changes", maxAudits, maxAudits, 30)
	if res := r.command(KindPolicy, DefaultPolicy()); res.Err != nil {
		t.Fatal(res.Err)
	}
	check("a policy behind it", maxAudits, maxAudits+1, 31)
	tick()
	r.fake(1)
	check("the next second", maxAudits+1, maxAudits+2, 31)
}
