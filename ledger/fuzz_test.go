package ledger

import (
	"bytes"
	"errors"
	"reflect"
	"sync"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger/canon"
)

// fuzzBody holds a parser against its encoder: what is accepted has just these bytes, what is not has one of the two errors.
func fuzzBody[C any](f *testing.F, kind uint16, parse func(uint8, []byte) (C, error), some command) {
	f.Add(uint8(1), some.Append(nil))
	f.Add(uint8(2), []byte{})
	f.Fuzz(func(t *testing.T, version uint8, body []byte) {
		c, err := parse(version, body)
		if err != nil {
			var ce *CommandError
			if !errors.Is(err, ErrVersion) && !errors.As(err, &ce) {
				t.Fatalf("%v", err)
			}
			return
		}
		if got := any(&c).(command).Append(nil); !bytes.Equal(got, body) {
			t.Fatalf("%x encodes as %x", body, got)
		}
		r := newRig(t, Policy{})
		r.script("0..200")
		before := checkpointOf(t, r.l)
		if _, err := r.l.Apply(1, 1, r.ms, kind, version, body); err != nil && r.l.Len() == 1 && !bytes.Equal(before, checkpointOf(t, r.l)) {
			t.Fatalf("refused and changed: %v", err)
		}
		r.check()
	})
}

func FuzzParseHeartbeat(f *testing.F)   { fuzzBody(f, KindHeartbeat, ParseHeartbeat, &someHeartbeat) }
func FuzzParseSeal(f *testing.F)        { fuzzBody(f, KindSeal, ParseSeal, &someSeal) }
func FuzzParseDeclareLost(f *testing.F) { fuzzBody(f, KindDeclareLost, ParseDeclareLost, &someLoss) }
func FuzzParseVerdict(f *testing.F)     { fuzzBody(f, KindVerdict, ParseVerdict, &someVerdict) }

// FuzzRestore gives arbitrary content a checksum that fits. What is accepted is the only form of its ledger, and can be used.
func FuzzRestore(f *testing.F) {
	f.Add(checkpointOf(f, everything(f)))
	f.Add(checkpointOf(f, New(Policy{})))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 4 {
			return
		}
		l := New(Policy{})
		r := bytes.NewReader(resealed(b))
		err := l.Restore(r)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
				t.Fatal(err)
			}
			return
		}
		exercise(l)
	})
}

// play runs a random sequence of calls that the bytes spell, and before each of them calls before. It never looks at what they answer: that is the
// property test's.
func play(l *Ledger, script []byte, ms int64, before func()) int64 {
	d := &decoder{canon.Decoder{Src: script}}
	pick := func(n uint64) uint64 { return d.Uvarint() % n }
	epochs := []string{"", "", "a", "b", "c"}
	bits := []uint8{64, 0, 8, 16, 32, 7}
	causes := []frame.Cause{frame.CauseRejectedCRC, frame.CauseRejectedSchema, frame.CauseShedQuota, frame.CauseExpired, frame.CauseNeverArrived}
	keys := []frame.StreamKey{testKey, {Tenant: "t", Device: "b", Stream: "0"}, {Tenant: "u", Device: "b", Stream: "1"}}
	last := [3]uint64{}
	for d.Err == nil && d.At < len(d.Src) {
		before()
		which := pick(3)
		id, _ := l.Intern(keys[which])
		sub := Subject{ID: id, Epoch: epochs[pick(5)], Bits: bits[pick(6)]}
		g := frame.Group{Stream: id, Epoch: sub.Epoch, Bits: sub.Bits, Unseq: pick(20) == 0, HasFirst: pick(10) == 0, First: pick(300)}
		near := func() uint64 { // mostly near the newest number, sometimes anywhere
			if pick(12) == 0 {
				last[which] = d.Uvarint()
			} else {
				last[which] += pick(5) - pick(2)*pick(150)
			}
			if sub.Bits > 0 && sub.Bits < 64 {
				return last[which] & (1<<sub.Bits - 1)
			}
			return last[which] & MaxSeq
		}
		ms += int64(pick(3000))
		switch pick(12) {
		case 0:
			_, _ = l.Heartbeat(ms, &Heartbeat{Subject: sub, Next: near(), HasFirst: g.HasFirst, First: g.First, Birth: pick(9) == 0, HasPrev: pick(4) == 0, PrevLast: near()})
		case 1:
			_, _ = l.Seal(ms, &Seal{Subject: sub, Last: near(), HasCount: true, Count: pick(1000)})
		case 2:
			from := near()
			_, _ = l.DeclareLost(ms, &DeclareLost{Subject: sub, From: from, To: from + pick(30), Reason: sub.Epoch})
		case 3:
			_, _ = l.Verdict(ms, &Verdict{Subject: sub, Ordinal: uint32(pick(5)), To: pick(5000), Identical: pick(2) == 0})
		case 4:
			l.Reject(&g, near(), ms, ms, causes[pick(5)])
		case 5:
			l.Tick(ms, pick(5) == 0)
		case 6:
			l.Request(id, uint32(pick(4)), pick(100), pick(400), ms)
		default:
			age := int64(pick(4)) * int64(pick(100_000))
			l.Arrive(&g, ms-int64(pick(50)), ms, &frame.Item{Seq: near(), TimeNS: (ms - age) * 1_000_000, NoTime: pick(4) == 0, Fingerprint: uint32(pick(3))})
		}
	}
	return ms
}

// policies for random histories: limits small enough to be met.
var policies = []Policy{
	{}, {MaxEpochs: 4, MaxRuns: 6}, {RestartBelow: 20, FinalisePerTick: 2, GraceMS: 1500}, {RestartDrop: 90, ProtocolZero: true}, {MaxJump: 50, MisorderWindow: 9},
}

// FuzzHistory: whatever comes, the balance is zero, every list is in order, a ledger restored from a checkpoint in the middle goes on to the same
// bytes as one that was not, and so does one that is watched: frozen before every call, while all that was frozen stays as it was.
func FuzzHistory(f *testing.F) {
	f.Add(uint8(0), uint16(20), []byte("a seed of a history, long enough for some frames to arrive and others not to"))
	f.Add(uint8(3), uint16(0), bytes.Repeat([]byte{0, 2, 3, 1, 7, 0, 0, 8, 1, 4, 9}, 60))
	f.Fuzz(func(t *testing.T, policy uint8, cut uint16, script []byte) {
		history(t, policy, cut, script, cut%4 == 0) // to watch is slow
	})
}

func history(t testing.TB, policy uint8, cut uint16, script []byte, watched bool) {
	p := policies[int(policy)%len(policies)]
	a, b := New(p), New(p)
	at := min(int(cut), len(script))
	w := &watch{}
	freeze := func() {
		if !watched {
			return
		}
		w.freeze(t, a)
		if err := w.compare(3); err != nil {
			t.Fatal(err)
		}
	}
	ms := play(a, script[:at], t0, freeze)
	play(b, script[:at], t0, func() {})
	middle := b.Freeze()
	play(a, script[at:], ms, freeze)
	play(b, script[at:], ms, func() {})
	b = New(p)
	var checkpoint bytes.Buffer
	if err := middle(&checkpoint); err != nil {
		t.Fatal(err)
	}
	if err := b.Restore(&checkpoint); err != nil {
		t.Fatal(err)
	}
	play(b, script[at:], ms, func() {})
	if err := w.compare(len(w.frozen)); err != nil {
		t.Fatal(err)
	}
	for _, l := range []*Ledger{a, b} {
		if err := l.Check(); err != nil {
			t.Fatal(err)
		}
	}
	if b := a.TotalBalance(); b.Balance != 0 || b.Drift != 0 {
		t.Fatalf("%+v", b)
	}
	if !bytes.Equal(checkpointOf(t, a), checkpointOf(t, b)) {
		t.Fatal("the ledger that was restored in the middle went another way")
	}
	if sum := a.TenantBalance("t"); sum.Stored+a.TenantBalance("u").Stored != a.TotalBalance().Stored {
		t.Fatal("tenants do not add up to the total")
	}
}

// FuzzHistory without a fuzzer: some thousand random histories, some of them frozen all the time.
func TestRandomHistories(t *testing.T) {
	next := scripts(42)
	for i := range 3000 {
		script := next()
		history(t, uint8(i), uint16(script[0])<<3, script, i/5%20 == 0)
	}
}

// scripts makes random ones for play.
func scripts(seed uint64) func() []byte {
	next := func() uint64 {
		seed ^= seed << 13
		seed ^= seed >> 7
		seed ^= seed << 17
		return seed
	}
	return func() []byte {
		script := make([]byte, 40+next()%1500)
		for k := range script {
			script[k] = byte(next() >> 33)
			if next()%8 > 0 {
				script[k] &= 0x7f
			}
		}
		return script
	}
}

// Readers change nothing: many at once, under the race detector, and the bytes are the same.
func TestReadersDoNotWrite(t *testing.T) {
	l := everything(t)
	before := checkpointOf(t, l)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for id := range l.names.order.all() {
				key, _ := l.Key(id)
				reports, _ := l.Report(id, ReportOptions{})
				for _, rep := range reports {
					l.Coverage(id, rep.Epoch.Ordinal, 0, 10)
					l.EpochBalance(id, rep.Epoch.Ordinal)
				}
				l.Summary(id)
				l.Grade(id)
				l.Digest(id)
				l.Balance(id)
				l.TenantBalance(key.Tenant)
				if _, err := l.Gaps(GapQuery{Tenant: key.Tenant, Limit: 3}); err != nil {
					t.Error(err)
				}
			}
			l.Root()
			l.TotalBalance()
			if err := l.Check(); err != nil {
				t.Error(err)
			}
			if !bytes.Equal(before, checkpointOf(t, l)) {
				t.Error("reading changed the ledger")
			}
		})
	}
	wg.Wait()
}

// The checkpoint has every field but Ledger.rules and stream.rule, which are the registry's, Ledger.changes and Ledger.renews: a field that somebody adds and forgets there shows here.
func TestCheckpointKnowsEveryField(t *testing.T) {
	for typ, fields := range map[reflect.Type]int{
		reflect.TypeFor[Ledger](): 9, reflect.TypeFor[Policy](): 12, reflect.TypeFor[stream](): 12, reflect.TypeFor[epoch](): 19, reflect.TypeFor[said](): 13,
		reflect.TypeFor[pace](): 13, reflect.TypeFor[rare](): 22, reflect.TypeFor[openGap](): 3, reflect.TypeFor[fact](): 3, reflect.TypeFor[unsettled](): 2,
		reflect.TypeFor[deadline](): 4, reflect.TypeFor[Runs](): 2, reflect.TypeFor[queue](): 3, reflect.TypeFor[table](): 3,
	} {
		if typ.NumField() != fields {
			t.Errorf("%v has %d fields, the checkpoint was written for %d", typ, typ.NumField(), fields)
		}
	}
}
