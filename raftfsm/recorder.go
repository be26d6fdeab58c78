package raftfsm

import (
	"fmt"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// Devices of the system recorders. Their frames are derived inside apply, live in the tenant they concern, are numbered by the
// server, and never cause frames about themselves.
const (
	DeviceConflict   = "_conflict" // a frame whose number was stored before with other bytes
	DeviceDeadLetter = "_dlq"      // what a door refused although its number was readable
	DeviceAudit      = "_audit"    // who changed what of the replicated settings
)

// TenantSystem has the frames that concern the cluster and no tenant.
const TenantSystem = "_system"

// maxAudits bounds the audit frames between two ticks, and with them the records of audits in the proof's log. They have a limit of their own, so that a flood
// of conflicts drops none of them.
const maxAudits = 1000

// recorder limits what the system recorders together write between two ticks. What exceeds the limit is counted: GET /v1/cluster and a
// metric show it.
type recorder struct {
	used    int
	audits  int
	dropped uint64 // since the beginning of the history
}

func (r *recorder) begin() { r.used, r.audits = 0, 0 }

// take counts one frame against a limit.
func (r *recorder) take(used *int, limit int) bool {
	if *used >= limit {
		r.dropped++
		return false
	}
	*used++
	return true
}

// recordConflict keeps the second frame of a number as evidence.
func (a *batchApply) recordConflict(id frame.StreamID, receiveMS int64, out *ledger.Outcome, it *frame.Item) {
	if key, ok := a.state.ledger.Key(id); ok {
		fields, raw := conflictFrame(key, &Unsettled{Stream: id, Epoch: out.Epoch, Seq: out.Seq, Item: *it})
		a.record(key.Tenant, DeviceConflict, receiveMS, fields, raw)
	}
}

// AddConflict adds the evidence frame of a conflict that the leader found to a client batch.
func AddConflict(b *frame.Builder, key frame.StreamKey, u *Unsettled) error {
	id, err := b.Stream(frame.StreamKey{Tenant: key.Tenant, Device: DeviceConflict, Stream: frame.DefaultStream})
	if err != nil {
		return err
	}
	fields, raw := conflictFrame(key, u)
	return b.Add(frame.Group{Stream: id, Bits: 64, Unseq: true}, &frame.Frame{TimeNS: u.Item.TimeNS, Class: frame.ClassEvent, Fields: fields, Raw: raw})
}

// maxEvidenceBytes leaves room for the fields around the evidence in a frame of 1 MiB.
const maxEvidenceBytes = frame.MaxFrameBytes - 8<<10

// conflictFrame is the evidence: whose number it was, and the canonical bytes of the frame that was not stored under it. Bytes that
// exceed a frame are cut, and the size they had is said.
func conflictFrame(key frame.StreamKey, u *Unsettled) (fields []frame.Field, raw []byte) {
	var f frame.Frame
	u.Item.Decode(&f)
	raw = frame.AppendCanonical(nil, key, u.Epoch, u.Seq, &f)
	size := len(raw)
	raw = raw[:min(size, maxEvidenceBytes)]
	return []frame.Field{
		{Name: "device", Value: frame.String(key.Device)},
		{Name: "epoch", Value: frame.Int(int64(u.Epoch))},
		{Name: "seq", Value: frame.Int(int64(u.Seq))},
		{Name: "size", Value: frame.Int(int64(size))},
		{Name: "stream", Value: frame.String(key.Stream)},
	}, raw
}

// recordDeadLetter keeps what a door refused, as it came.
func (a *batchApply) recordDeadLetter(receiveMS int64, rej *frame.Reject, epoch uint32, seq uint64) {
	key, ok := a.state.ledger.Key(rej.Group.Stream)
	if !ok {
		return
	}
	a.record(key.Tenant, DeviceDeadLetter, receiveMS, []frame.Field{
		{Name: "cause", Value: frame.String(rej.Cause.String())},
		{Name: "code", Value: frame.String(rej.Code)},
		{Name: "device", Value: frame.String(key.Device)},
		{Name: "epoch", Value: frame.Int(int64(epoch))},
		{Name: "seq", Value: frame.Int(int64(seq))},
		{Name: "stream", Value: frame.String(key.Stream)},
	}, rej.Raw)
}

// record keeps one frame of a recorder of bad input, unless there are too many.
func (a *batchApply) record(tenant, device string, receiveMS int64, fields []frame.Field, raw []byte) {
	s := a.state
	if s.recorder.take(&s.recorder.used, s.policy.policy.RecorderPerTick) {
		a.derive(tenant, device, receiveMS, fields, raw)
	}
}

// derive makes one frame of a system device and stores it like any other.
func (a *batchApply) derive(tenant, device string, receiveMS int64, fields []frame.Field, raw []byte) (out ledger.Outcome) {
	s := a.state
	intern := s.ledger.Intern
	if s.ownDevice(device) {
		intern = s.ledger.InternOwn
	}
	id, err := intern(frame.StreamKey{Tenant: tenant, Device: device, Stream: frame.DefaultStream})
	if err != nil {
		s.recorder.dropped++
		return out
	}
	it, g, err := deriveItem(id, receiveMS, fields, raw)
	if err != nil {
		s.recorder.dropped++
		return out
	}
	out = s.ledger.Arrive(&g, receiveMS, s.clock.NowMS, &it)
	if out.Status == ledger.Stored {
		a.store(&g, receiveMS, &out, &it)
	}
	return out
}

// deriveItem encodes one server-numbered frame as a batch of its own, so that the head holds it like every other.
func deriveItem(id frame.StreamID, receiveMS int64, fields []frame.Field, raw []byte) (it frame.Item, g frame.Group, err error) {
	var b frame.Builder
	b.Reset(frame.Header{Replicated: true, ReceiveMS: receiveMS})
	g = frame.Group{Stream: id, Bits: 64, Unseq: true}
	f := frame.Frame{TimeNS: receiveMS * 1e6, Class: frame.ClassEvent, Fields: fields, Raw: raw}
	if err := b.Add(g, &f); err != nil {
		return it, g, fmt.Errorf("raftfsm: deriving a system frame: %w", err)
	}
	enc, err := b.Finish(nil)
	if err != nil {
		return it, g, fmt.Errorf("raftfsm: deriving a system frame: %w", err)
	}
	var rd frame.Reader
	if err := rd.Reset(enc); err != nil {
		return it, g, fmt.Errorf("raftfsm: deriving a system frame: %w", err)
	}
	rd.NextGroup(&g)
	rd.Next(&it)
	return it, g, nil
}
