package raftfsm

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// replica is an FSM with a hand-written log.
type replica struct {
	*FSM
	t     *testing.T
	index uint64
	term  uint64
	halt  error
	logs  []*raft.Log // all that was applied
}

func newReplica(t *testing.T) *replica {
	r := &replica{t: t, term: 3}
	restored := func(*segment.Manifest) {}
	r.FSM = NewFSM(NewState(fakeSections), slog.New(slog.DiscardHandler), NewMetrics(prometheus.NewRegistry()), restored, func(err error) { r.halt = err })
	r.configure("n1.a")
	r.command(KindFound, found{ClusterID: "c", History: 1})
	r.command(KindTick, Tick{Voters: 1, Readings: []Reading{{Node: "n1", ClockMS: 1_700_000_000_000}}})
	return r
}

func (r *replica) log(data []byte) any { return r.entry(raft.LogCommand, data) }

func (r *replica) entry(kind raft.LogType, data []byte) any {
	r.index++
	l := &raft.Log{Index: r.index, Term: r.term, Type: kind, Data: data}
	r.logs = append(r.logs, l)
	result := r.Apply(l)
	for sealed := r.state.oldest(); sealed != nil; sealed = r.state.oldest() {
		r.state.flushed(sealed, r.state.manifest, 0) // as if a flusher ran
	}
	return result
}

// one is the entry at the index of the replica, alone.
func (r *replica) one(data []byte) []*raft.Log {
	return []*raft.Log{{Index: r.index, Term: r.term, Type: raft.LogCommand, Data: data}}
}

// configure commits a configuration of voters.
func (r *replica) configure(servers ...string) {
	var c raft.Configuration
	for _, s := range servers {
		c.Servers = append(c.Servers, raft.Server{ID: raft.ServerID(s), Address: raft.ServerAddress(s)})
	}
	r.entry(raft.LogConfiguration, raft.EncodeConfiguration(c))
}

func (r *replica) command(kind uint16, body any) CommandResult {
	r.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.log(AppendCommand(nil, kind, commandVersion, 0, b)).(CommandResult)
}

// batch encodes frames of one device, numbered seq with the value v; a negative seq is left to the server.
func (r *replica) batch(device string, seqs ...int) []byte {
	r.t.Helper()
	return r.batchOf(device, 0, seqs...)
}

func (r *replica) batchOf(device string, value int64, seqs ...int) []byte {
	r.t.Helper()
	var b frame.Builder
	b.Reset(frame.Header{ReceiveMS: 1_700_000_000_500})
	id, err := b.Stream(frame.StreamKey{Tenant: "default", Device: device, Stream: "0"})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, seq := range seqs {
		g := frame.Group{Stream: id, Bits: 64, Unseq: seq < 0}
		f := frame.Frame{Seq: uint64(max(seq, 0)), TimeNS: 1_700_000_000e9 + int64(seq), Class: frame.ClassEvent,
			Fields: []frame.Field{{Name: "v", Value: frame.Int(value + int64(seq))}}}
		if err := b.Add(g, &f); err != nil {
			r.t.Fatal(err)
		}
	}
	enc, err := b.Finish(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return enc
}

// parts commits parts in one entry made for the given term.
func (r *replica) parts(term uint64, parts ...Part) []PartResult {
	r.t.Helper()
	body := binary.AppendUvarint(nil, uint64(len(parts)))
	assigned := map[frame.StreamKey]frame.StreamID{}
	next := r.state.ledger.NextID()
	for i := range parts {
		batch, err := frame.Rebase(nil, parts[i].Batch, func(d frame.Def) (frame.StreamID, bool) {
			if id, ok := r.state.ledger.ID(d.Key); ok {
				return id, false
			}
			id, again := assigned[d.Key]
			if !again {
				id, assigned[d.Key] = next, next
				next += ledger.IDStep
			}
			return id, !again
		})
		if err != nil {
			r.t.Fatal(err)
		}
		body = appendPart(body, &parts[i], batch)
	}
	results, ok := r.log(AppendCommand(nil, KindBatch, commandVersion, term, body)).([]PartResult)
	if !ok {
		r.t.Fatalf("batch was not applied: %v", r.state.halted)
	}
	return results
}

func (r *replica) frames(device string) (n uint64) {
	id, _ := r.state.ledger.ID(frame.StreamKey{Tenant: "default", Device: device, Stream: "0"})
	_, row, ok := r.state.head.Latest(id)
	if ok {
		n = row.Seq + 1
	}
	return n
}

func TestBatchOutcomes(t *testing.T) {
	r := newReplica(t)
	got := r.parts(r.term, Part{Batch: r.batch("d", 0, 1, 2, 4)})[0]
	if got.Accepted != 4 || got.Position.Index != r.index || got.Position.History != 1 || got.Position.Ordinal != 3 {
		t.Errorf("first batch: %+v", got)
	}
	if got = r.parts(r.term, Part{Batch: r.batch("d", 1, 2, 3)})[0]; got.Accepted != 1 || got.Duplicate != 2 {
		t.Errorf("two repeated and a late frame: %+v", got)
	}
	if got = r.parts(r.term, Part{Batch: r.batchOf("d", 100, 2)})[0]; got.Conflict != 1 || got.Accepted != 0 {
		t.Errorf("same number, other bytes: %+v", got)
	}
	if n := r.frames(DeviceConflict); n == 0 {
		t.Error("the conflicting frame left no evidence")
	}
	if got = r.parts(r.term, Part{Batch: r.batch("s", -1, -1)})[0]; got.Accepted != 2 || got.Unnumbered != 2 {
		t.Errorf("frames without numbers: %+v", got)
	}
}

func TestBatchOfAnotherTermIsRefused(t *testing.T) {
	r := newReplica(t)
	got := r.parts(r.term-1, Part{Batch: r.batch("d", 0)})[0]
	if !errors.Is(got.Err, ErrStale) || got.Accepted != 0 {
		t.Errorf("a batch numbered by an earlier leader: %+v, %v", got, got.Err)
	}
	if _, ok := r.state.ledger.ID(frame.StreamKey{Tenant: "default", Device: "d", Stream: "0"}); ok {
		t.Error("its definitions were applied")
	}
}

func TestIdempotencyKey(t *testing.T) {
	r := newReplica(t)
	part := Part{Tenant: "default", Key: "k", Sum: sha256.Sum256([]byte("body")), Batch: r.batch("s", -1, -1)}
	first := r.parts(r.term, part)[0]
	again := r.parts(r.term, part)[0]
	if !again.Replayed || again.Accepted != 2 || again.Position != first.Position {
		t.Errorf("the same key and body: %+v after %+v", again, first)
	}
	if n := r.frames("s"); n != 3 && n != 2 { // server numbers start at 0 or 1
		t.Errorf("%d frames stored", n)
	}
	part.Sum[0] ^= 1
	if other := r.parts(r.term, part)[0]; !errors.Is(other.Err, ErrKeyMismatch) {
		t.Errorf("the same key with another body: %+v, %v", other, other.Err)
	}
	part.Tenant = "other"
	if other := r.parts(r.term, part)[0]; other.Err != nil || other.Replayed {
		t.Errorf("the same key of another tenant: %+v, %v", other, other.Err)
	}
}

func TestIdempotencyWindow(t *testing.T) {
	d := newIdempotency()
	for i := range 5000 {
		d.record(&Part{Tenant: "t", Key: fmt.Sprint(i)}, PartResult{Accepted: i}, 100)
	}
	if _, ok := d.seen(&Part{Tenant: "t", Key: "4899"}); ok {
		t.Error("a key older than the window is remembered")
	}
	a, ok := d.seen(&Part{Tenant: "t", Key: "4900"})
	if !ok || a.Result.Accepted != 4900 || len(d.tenants["t"].answers) != 100 {
		t.Errorf("oldest key of the window: %+v, %v, %d remembered", a, ok, len(d.tenants["t"].answers))
	}
	var buf bytes.Buffer
	if err := d.Freeze()(&buf); err != nil {
		t.Fatal(err)
	}
	restored := newIdempotency()
	if err := restored.Restore(bytes.NewReader(buf.Bytes())); err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	restored.Freeze()(&again)
	if !bytes.Equal(buf.Bytes(), again.Bytes()) {
		t.Error("a restored section has another checkpoint")
	}
}

func TestUnknownCommandHalts(t *testing.T) {
	for name, data := range map[string][]byte{
		"kind":     AppendCommand(nil, 999, 1, 0, nil),
		"version":  AppendCommand(nil, KindMember, 99, 0, []byte("{}")),
		"extra":    AppendCommand(nil, kindFake, 99, 0, []byte("{}")),
		"checksum": append(AppendCommand(nil, KindTick, 1, 0, []byte("{}")), 'x'),
	} {
		t.Run(name, func(t *testing.T) {
			r := newReplica(t)
			before := r.state.Index()
			r.log(data)
			if r.halt == nil || !errors.Is(r.state.Halted(), ErrHalt) {
				t.Fatalf("not halted: %v", r.halt)
			}
			r.log(AppendCommand(nil, KindTick, 1, 0, []byte(`{"voters":1}`)))
			if r.state.Index() != before {
				t.Errorf("applied index moved from %d to %d after the halt", before, r.state.Index())
			}
		})
	}
}

// TestReplicasAgree applies one log to two replicas, entry by entry and all at once, and compares everything.
func TestReplicasAgree(t *testing.T) {
	a := newReplica(t)
	for i := range 50 {
		a.parts(a.term, Part{Batch: a.batch(fmt.Sprint("d", i%7), i, i+1, i+5)}, Part{Batch: a.batchOf("d0", 7, i)}, Part{Batch: a.batch("s", -1)})
		a.command(KindTick, Tick{ElapsedMS: 1000, Voters: 1, Readings: []Reading{{ClockMS: 1_700_000_000_000 + int64(i)*20_000}}})
	}
	checkpoints := func(s *State) (all [][]byte) {
		for _, sec := range s.Sections() {
			var b bytes.Buffer
			if err := sec.Freeze()(&b); err != nil {
				t.Fatal(err)
			}
			all = append(all, b.Bytes())
		}
		return all
	}
	want := checkpoints(a.state)
	restored := NewState(fakeSections)
	for i, sec := range restored.Sections() {
		if err := sec.Restore(bytes.NewReader(want[i])); err != nil {
			t.Fatalf("restoring %s: %v", sec.Name(), err)
		}
	}
	for i, got := range checkpoints(restored) {
		if !bytes.Equal(got, want[i]) {
			t.Errorf("section %s differs after a restore", restored.Sections()[i].Name())
		}
	}
}

func TestMembersRaiseNeedsEveryMember(t *testing.T) {
	const beyond = SupportedVersion + 1
	r := newReplica(t)
	r.configure("n1.x", "n2.x")
	r.command(KindMember, Member{Node: "n2", Server: "n2.x", Versions: 1})
	r.command(KindMember, Member{Node: "n1", Server: "n1.x", Versions: beyond})
	if res := r.command(KindRaise, map[string]int{"version": 2}); res.Err == nil {
		t.Error("raised although n2 supports 1 only")
	}
	r.command(KindMember, Member{Node: "n2", Server: "n2.x", Versions: beyond})
	for v := 2; v <= beyond; v++ {
		if res := r.command(KindRaise, map[string]int{"version": v}); r.state.members.Version() != v {
			t.Errorf("not raised: %v", res.Err)
		}
	}
	if !errors.Is(r.halt, ErrHalt) || !errors.Is(r.state.Halted(), ErrHalt) { // the members said that they know it; this binary does not
		t.Errorf("a binary that knows version %d goes on at version %d: %v", SupportedVersion, beyond, r.halt)
	}
}

func TestPolicyChangeNamesItsRevision(t *testing.T) {
	r := newReplica(t)
	p := DefaultPolicy()
	p.RecorderPerTick = 5
	if res := r.command(KindPolicy, p); res.Err != nil || r.state.policy.policy.RecorderPerTick != 5 {
		t.Fatalf("first change: %v", res.Err)
	}
	var refused *RefusedError
	if res := r.command(KindPolicy, p); !errors.As(res.Err, &refused) || refused.Code != "policy_changed" {
		t.Errorf("a change made on an old revision: %v", res.Err)
	}
}

// TestStreamMadeMeanwhile: a heartbeat makes the stream between the numbering of a batch and its apply.
func TestStreamMadeMeanwhile(t *testing.T) {
	r := newReplica(t)
	key := frame.StreamKey{Tenant: "default", Device: "d", Stream: "0"}
	numbered := func() []byte {
		batch, err := frame.Rebase(nil, r.batch("d", 0, 1), func(d frame.Def) (frame.StreamID, bool) {
			if id, ok := r.state.ledger.ID(d.Key); ok {
				return id, false
			}
			return r.state.ledger.NextID(), true
		})
		if err != nil {
			t.Fatal(err)
		}
		return AppendCommand(nil, KindBatch, commandVersion, r.term, appendPart([]byte{1}, &Part{}, batch))
	}
	early := numbered()
	hb := ledger.Heartbeat{Subject: ledger.Subject{Key: key}, Next: 5}
	if res := r.log(AppendCommand(nil, ledger.KindHeartbeat, ledger.CommandVersion, 0, hb.Append(nil))).(CommandResult); res.Err != nil {
		t.Fatal(res.Err)
	}
	results, ok := r.log(early).([]PartResult)
	if !ok || !errors.Is(results[0].Err, ErrStale) || results[0].Accepted != 0 {
		t.Fatalf("a batch whose numbers are stale: %+v, halted: %v", results, r.state.halted)
	}
	if again := r.log(numbered()).([]PartResult)[0]; again.Accepted != 2 {
		t.Errorf("numbered again: %+v", again)
	}
}

// TestUndefinedStreamIsStale: the entry that was to define the number never came into the log.
func TestUndefinedStreamIsStale(t *testing.T) {
	r := newReplica(t)
	batch, err := frame.Rebase(nil, r.batch("d", 0), func(frame.Def) (frame.StreamID, bool) { return 7, false })
	if err != nil {
		t.Fatal(err)
	}
	results := r.log(AppendCommand(nil, KindBatch, commandVersion, r.term, appendPart([]byte{1}, &Part{}, batch))).([]PartResult)
	if !errors.Is(results[0].Err, ErrStale) {
		t.Errorf("frames of a number that nothing defined: %+v", results[0])
	}
}

func TestReplayDoesNotSettleAgain(t *testing.T) {
	r := newReplica(t)
	seqs := make([]int, 200)
	for i := range seqs {
		seqs[i] = i
	}
	r.parts(r.term, Part{Batch: r.batch("d", seqs...)})
	part := Part{Tenant: "default", Key: "k", Batch: r.batch("d", 0, 1)}
	if first := r.parts(r.term, part)[0]; len(first.Unsettled) != 2 {
		t.Fatalf("old duplicates: %+v", first)
	}
	if again := r.parts(r.term, part)[0]; !again.Replayed || len(again.Unsettled) != 0 {
		t.Errorf("a replayed answer asks to settle again: %+v", again)
	}
}

func TestPolicyRanges(t *testing.T) {
	p := DefaultPolicy()
	p.Ledger.GraceMS = -1
	body, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var refused *RefusedError
	if _, err := ParsePolicy(body); !errors.As(err, &refused) || refused.Code != "bad_policy" {
		t.Errorf("a negative grace: %v, want bad_policy", err)
	}
	if p, err := ParsePolicy([]byte(`{}`)); err != nil || p.Ledger != ledger.Defaults() || p.IdempotencyKeys == 0 {
		t.Errorf("an empty policy: %+v, %v, want the defaults", p, err)
	}
}
