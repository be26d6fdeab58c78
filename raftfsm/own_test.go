package raftfsm

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

func keyOf(tenant, device string) frame.StreamKey {
	return frame.StreamKey{Tenant: tenant, Device: device, Stream: frame.DefaultStream}
}

// foreign encodes a batch of somebody who asks no door: one frame for each stream, with the number seq, or for the server to number, then one reject each.
func (r *replica) foreign(seq int, keys ...frame.StreamKey) []byte {
	r.t.Helper()
	var b frame.Builder
	b.Reset(frame.Header{ReceiveMS: 1_700_000_000_500})
	for _, key := range keys {
		id, err := b.Stream(key)
		if err != nil {
			r.t.Fatal(err)
		}
		g := frame.Group{Stream: id, Bits: 64, Unseq: seq < 0}
		fields := []frame.Field{{Name: "v", Value: frame.Int(int64(seq))}}
		err = b.Add(g, &frame.Frame{Seq: uint64(max(seq, 0)), TimeNS: 1_700_000_000e9, Class: frame.ClassEvent, Fields: fields})
		if seq >= 0 && err == nil {
			err = b.Reject(frame.Reject{Group: g, Seq: uint64(seq) + 1, Cause: frame.CauseRejectedSchema, Code: "bad", Raw: []byte("?")})
		}
		if err != nil {
			r.t.Fatal(err)
		}
	}
	enc, err := b.Finish(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return enc
}

// TestOwnDevicesInBatches: from cluster version 3 on apply refuses frames of the store's own devices, of whichever part they come in, as a door would; what
// else is in the part is stored. Before, it takes them, as every release that may be in the cluster does.
func TestOwnDevicesInBatches(t *testing.T) {
	keys := []frame.StreamKey{
		keyOf(TenantSystem, DeviceLog), keyOf("default", "d"), keyOf(TenantSystem, DeviceAudit), keyOf("default", "_new"),
		{Tenant: "default", Device: DeviceConflict, Stream: "1"}, keyOf("default", DeviceDeadLetter),
	}
	for _, seq := range []int{-1, 7} {
		t.Run(fmt.Sprint("seq ", seq), func(t *testing.T) {
			r := newChronicle(t)
			r.raiseTo(2)
			if got := r.parts(r.term, Part{Batch: r.foreign(seq, keys...)})[0]; got.Accepted != len(keys) || len(got.Refused) != 0 {
				t.Errorf("cluster version 2: %+v, want all accepted", got)
			}
			if seq >= 0 && r.kept("default", DeviceDeadLetter) < 3 {
				t.Errorf("cluster version 2: %d dead letters, want those of own devices, too", r.kept("default", DeviceDeadLetter))
			}

			r = newChronicle(t)
			r.raiseTo(3)
			for again := range 2 {
				streams := r.state.ledger.Len()
				got := r.parts(r.term, Part{Batch: r.foreign(seq+again, keys...)}, Part{Batch: r.batch("e", again)})
				want := []Refusal{{0, 0, ledger.CodeNameReserved}, {2, 5, ledger.CodeNameReserved}}
				if got[0].Accepted != 1 || !reflect.DeepEqual(got[0].Refused, want) || got[1].Accepted != 1 || len(got[1].Refused) != 0 {
					t.Errorf("cluster version 3: %+v, want one of %d accepted, the rest refused", got, len(keys))
				}
				if made := r.state.ledger.Len() - streams; made > 3 {
					t.Errorf("%d streams came to be, want those of two devices and of a dead letter", made)
				}
			}
			evidence := r.parts(r.term, Part{Batch: r.foreign(seq, keyOf("default", DeviceConflict))})[0]
			if byServer := seq < 0; (evidence.Accepted == 1) != byServer || (len(evidence.Refused) == 0) != byServer {
				t.Errorf("evidence as a leader adds it, or with a number: %+v", evidence)
			}
			if seq >= 0 && r.kept("default", DeviceDeadLetter) != 2 {
				t.Errorf("cluster version 3: %d dead letters, want one for each reject of device d", r.kept("default", DeviceDeadLetter))
			}
		})
	}
}

// TestOwnLogHasOnlyRecords: the frame with number n is record n-1, whatever a member that is at fault forwards.
func TestOwnLogHasOnlyRecords(t *testing.T) {
	r := newChronicle(t)
	r.raiseTo(3)
	size := func() uint64 {
		id, _ := r.state.ledger.ID(keyOf(TenantSystem, DeviceLog))
		_, row, _ := r.state.head.Latest(id)
		return row.Seq
	}
	for n := range 5 {
		r.parts(r.term, Part{Batch: r.foreign(-1, keyOf(TenantSystem, DeviceLog))}, Part{Batch: r.foreign(1<<40, keyOf(TenantSystem, DeviceLog))})
		r.ledgerCommand(ledger.KindHeartbeat, &ledger.Heartbeat{Subject: ledger.Subject{Key: keyOf(TenantSystem, DeviceLog)}, Next: 1 << 20})
		before := size()
		if res := r.chronicle(chronicleCommand{Records: 1}); res.Err != nil || size() != before+1 || int(size()) != r.state.extra[1].(*fakeChronicle).Size {
			t.Fatalf("try %d: %v: the newest frame of the log is %d behind %d, of %d records", n, res.Err, size(), before, r.state.extra[1].(*fakeChronicle).Size)
		}
	}
}

// TestLogBeginsAnew: below its cluster version a member that is at fault can say anything in the name of the log. From the raise on the frame with number n
// of the newest epoch is record n-1 all the same.
func TestLogBeginsAnew(t *testing.T) {
	key := keyOf(TenantSystem, DeviceLog)
	for name, poison := range map[string]func(r *replica){
		"nothing":             func(*replica) {},
		"a frame":             func(r *replica) { r.parts(r.term, Part{Batch: r.foreign(-1, key)}) },
		"a frame far ahead":   func(r *replica) { r.parts(r.term, Part{Batch: r.foreign(1<<40, key)}) },
		"frames of two kinds": func(r *replica) { r.parts(r.term, Part{Batch: r.foreign(3, key)}, Part{Batch: r.foreign(-1, key)}) },
		"a heartbeat": func(r *replica) {
			r.ledgerCommand(ledger.KindHeartbeat, &ledger.Heartbeat{Subject: ledger.Subject{Key: key}, Next: 9})
		},
		"every epoch there may be": func(r *replica) {
			for n := range DefaultPolicy().Ledger.WithDefaults().MaxEpochs + 1 {
				r.ledgerCommand(ledger.KindHeartbeat, &ledger.Heartbeat{Subject: ledger.Subject{Key: key, Epoch: fmt.Sprint("e", n)}, Next: 9})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newChronicle(t)
			r.raiseTo(2)
			poison(r)
			streams := r.state.ledger.Len()
			r.raiseTo(3)
			for range 5 {
				if res := r.chronicle(chronicleCommand{Records: 2}); res.Err != nil || r.halt != nil {
					t.Fatal(res.Err, r.halt)
				}
			}
			r.parts(r.term, Part{Batch: r.foreign(-1, key)})
			r.chronicle(chronicleCommand{Records: 1})
			size := uint64(r.state.extra[1].(*fakeChronicle).Size)
			id, _ := r.state.ledger.ID(key)
			if ordinal, seq, _ := r.state.ledger.HighestStored(id); seq != size || size < 11 || (ordinal != 1) == (name == "nothing") {
				t.Errorf("the newest frame of the log is %d of epoch %d, behind %d records", seq, ordinal, size)
			} else if rows := r.rowsOf(id, ordinal); len(rows) != int(size) {
				t.Errorf("%d frames in epoch %d, %d records", len(rows), ordinal, size)
			} else {
				for i, row := range rows {
					var f frame.Frame
					row.Body.Decode(&f)
					if row.Seq != uint64(i)+1 || !strings.HasPrefix(string(f.Raw), fmt.Sprint(i+1, " ")) {
						t.Errorf("frame %d is %q", row.Seq, f.Raw)
					}
				}
			}
			if made := r.state.ledger.Len() - streams; made > 2 {
				t.Errorf("%d streams came to be", made)
			}
		})
	}
}

// rowsOf are the frames of an epoch in the head.
func (r *replica) rowsOf(id frame.StreamID, ordinal uint32) (rows []segment.Row) {
	r.state.head.Scan(id, ordinal, segment.All(), func(row *segment.Row) bool {
		rows = append(rows, *row)
		return true
	})
	return rows
}

// ledgerCommand commits a command of the ledger.
func (r *replica) ledgerCommand(kind uint16, c interface{ Append([]byte) []byte }) CommandResult {
	return r.log(AppendCommand(nil, kind, ledger.CommandVersion, 0, c.Append(nil))).(CommandResult)
}

// TestOwnDevicesInCommands: the same of everything that may be said of a counter, by name or by number of the stream.
func TestOwnDevicesInCommands(t *testing.T) {
	said := func(s ledger.Subject) map[uint16]interface{ Append([]byte) []byte } {
		return map[uint16]interface{ Append([]byte) []byte }{
			ledger.KindHeartbeat:   &ledger.Heartbeat{Subject: s, Next: 50},
			ledger.KindSeal:        &ledger.Seal{Subject: s, Last: 50},
			ledger.KindDeclareLost: &ledger.DeclareLost{Subject: s, From: 40, To: 41, Reason: "none"},
			ledger.KindVerdict:     &ledger.Verdict{Subject: s, Ordinal: 1, From: 0, To: 1, Identical: true},
		}
	}
	reserved := func(res CommandResult) bool {
		var refused *ledger.CommandError
		return errors.As(res.Err, &refused) && refused.Code == ledger.CodeNameReserved
	}
	r := newChronicle(t)
	r.raiseTo(2)
	r.parts(r.term, Part{Batch: r.foreign(30, keyOf("default", "_own"), keyOf("default", "d"))})
	number := func(device string) frame.StreamID {
		id, _ := r.state.ledger.ID(keyOf("default", device))
		return id
	}
	subjects := []ledger.Subject{
		{Key: keyOf("default", "_own")}, {Key: frame.StreamKey{Device: "_own"}}, {ID: number("_own")}, {ID: number("_own"), Key: keyOf("default", "_own")},
		{ID: number("_own"), Key: keyOf("default", "d")}, {Key: keyOf("default", "_new")}, {ID: 1 << 20, Key: keyOf("default", "_new")},
	}
	for _, s := range subjects {
		for kind, c := range said(s) {
			if res := r.ledgerCommand(kind, c); reserved(res) {
				t.Errorf("cluster version 2: command %d of %+v: %v", kind, s, res.Err)
			}
		}
	}
	r.raiseTo(3)
	before := r.state.ledger.Len()
	for _, s := range append(subjects, ledger.Subject{Key: keyOf(TenantSystem, "_newer")}) {
		for kind, c := range said(s) {
			if res := r.ledgerCommand(kind, c); !reserved(res) || res.JSON != nil {
				t.Errorf("cluster version 3: command %d of %+v: %s, %v", kind, s, res.JSON, res.Err)
			}
		}
	}
	for _, s := range []ledger.Subject{{Key: keyOf("default", "d")}, {ID: number("d")}} {
		if res := r.ledgerCommand(ledger.KindHeartbeat, &ledger.Heartbeat{Subject: s, Next: 60}); res.Err != nil {
			t.Errorf("a device of a client: %v", res.Err)
		}
	}
	if r.state.ledger.Len() != before {
		t.Errorf("%d streams, were %d", r.state.ledger.Len(), before)
	}
}

// TestChronicleIsToldOfVoters: at the place of the log at which they change, without a command; and of which cluster it is.
func TestChronicleIsToldOfVoters(t *testing.T) {
	r := newChronicle(t)
	r.raiseTo(3)
	fake := r.state.extra[1].(*fakeChronicle)
	if fake.Cluster != "c" || !slices.Equal(fake.Voters, []string{"n1.a", "n2.b"}) {
		t.Errorf("it knows %+v", fake)
	}
	r.configure("n2.b")
	if !slices.Equal(fake.Voters, []string{"n2.b"}) {
		t.Errorf("it knows %+v", fake)
	}
}
