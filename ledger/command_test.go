package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/google/go-cmp/cmp"
)

var (
	someHeartbeat = Heartbeat{
		Subject: Subject{ID: 7, Key: testKey, Epoch: "boot-3", Bits: 16}, Next: 300, HasFirst: true, First: 2,
		HasTime: true, TimeNS: -5, HasPrev: true, Prev: "boot-2", PrevLast: 1 << 40, Birth: true,
	}
	someSeal    = Seal{Subject: Subject{Key: testKey}, Last: MaxSeq, HasCount: true, Count: MaxSeq + 1}
	someLoss    = DeclareLost{Subject: Subject{ID: 1 << 31, Bits: 8}, From: 250, To: 3, Reason: "edge ring overflow: 6 frames"}
	someVerdict = Verdict{Subject: Subject{ID: 1}, Ordinal: 1<<32 - 1, From: 5, To: 900, Identical: true}
)

func TestCommandBodies(t *testing.T) {
	if got, err := ParseHeartbeat(1, someHeartbeat.Append(nil)); err != nil || got != someHeartbeat {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := ParseHeartbeat(1, (&Heartbeat{}).Append(nil)); err != nil || got != (Heartbeat{}) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := ParseSeal(1, someSeal.Append(nil)); err != nil || got != someSeal {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := ParseDeclareLost(1, someLoss.Append(nil)); err != nil || got != someLoss {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := ParseVerdict(1, someVerdict.Append(nil)); err != nil || got != someVerdict {
		t.Errorf("%+v, %v", got, err)
	}
}

// Every cut, every added byte and every other version of a body is an error, and the two kinds of error stay apart.
func TestDamagedCommandBodies(t *testing.T) {
	l := New(Policy{})
	for kind, body := range map[uint16][]byte{
		KindHeartbeat: someHeartbeat.Append(nil), KindSeal: someSeal.Append(nil),
		KindDeclareLost: someLoss.Append(nil), KindVerdict: someVerdict.Append(nil),
	} {
		for n := range len(body) {
			refusal(t, l, kind, body[:n], CodeBadCommand)
		}
		refusal(t, l, kind, append(bytes.Clone(body), 0), CodeBadCommand)
		if _, err := l.Apply(1, 1, t0, kind, 2, body); !errors.Is(err, ErrVersion) {
			t.Errorf("kind %d version 2: %v", kind, err)
		}
	}
	if _, err := l.Apply(1, 1, t0, 31, 1, nil); !errors.Is(err, ErrVersion) {
		t.Errorf("kind 31: %v", err)
	}
	if l.Len() != 0 {
		t.Error("damaged commands changed the ledger")
	}
}

func refusal(t *testing.T, l *Ledger, kind uint16, body []byte, code string) {
	t.Helper()
	_, err := l.Apply(1, 1, t0, kind, 1, body)
	var ce *CommandError
	if !errors.As(err, &ce) || ce.Code != code {
		t.Errorf("kind %d %x: %v, want %s", kind, body, err, code)
	} else if ce.Message == "" || ce.Hint == "" {
		t.Errorf("%s without a message or a hint: %+v", code, ce)
	}
}

// command is anything with a body.
type command interface{ Append([]byte) []byte }

func kindOf(c command) uint16 {
	switch c.(type) {
	case *Heartbeat:
		return KindHeartbeat
	case *Seal:
		return KindSeal
	case *DeclareLost:
		return KindDeclareLost
	}
	return KindVerdict
}

// TestApply runs commands as they come from the log and holds their JSON, or their refusal, against the table. A refused command leaves the ledger as it was.
func TestApply(t *testing.T) {
	in := func(epoch string) Subject { return Subject{Key: testKey, Epoch: epoch} }
	narrow := func(epoch string, bits uint8) Subject { return Subject{Key: testKey, Epoch: epoch, Bits: bits} }
	for _, c := range []struct {
		name string
		prep func(r *rig)
		cmd  command
		want string // JSON, or a code
	}{
		{"heartbeat before all frames", nil, &Heartbeat{Subject: in("a"), Next: 10, HasFirst: true, First: 5},
			`{"epoch":1,"next_seq":10,"news":true,"opened":true,"expected":5,"stored":0,"missing":5}`},
		{"heartbeat finds the tail", run("a", 0, 6), &Heartbeat{Subject: in("a"), Next: 10},
			`{"epoch":1,"next_seq":10,"news":true,"expected":10,"stored":7,"missing":3}`},
		{"heartbeat behind", run("a", 0, 6), &Heartbeat{Subject: in("a"), Next: 3},
			`{"epoch":1,"next_seq":7,"news":false,"expected":7,"stored":7,"missing":0}`},
		{"heartbeat of nothing", nil, &Heartbeat{Subject: in("a")},
			`{"epoch":1,"next_seq":0,"news":true,"opened":true,"expected":0,"stored":0,"missing":0}`},
		{"heartbeat names the epoch that frames opened", run("", 0, 6), &Heartbeat{Subject: in("boot-1"), Next: 8},
			`{"epoch":1,"next_seq":8,"news":true,"expected":8,"stored":7,"missing":1}`},
		{"heartbeat of another life than the frames'", run("", 500, 506), &Heartbeat{Subject: in("boot-1"), Next: 8},
			`{"epoch":2,"next_seq":8,"news":true,"opened":true,"expected":0,"stored":0,"missing":0}`},
		{"heartbeat with the epoch before", run("a", 0, 6), &Heartbeat{Subject: in("b"), Next: 0, HasPrev: true, Prev: "a", PrevLast: 9},
			`{"epoch":2,"next_seq":0,"news":true,"opened":true,"expected":0,"stored":0,"missing":0,"previous":{"epoch":1,"missing":3}}`},
		{"heartbeat with the epoch before, not named", run("a", 0, 6), &Heartbeat{Subject: in("b"), Next: 0, HasPrev: true, PrevLast: 6},
			`{"epoch":2,"next_seq":0,"news":true,"opened":true,"expected":0,"stored":0,"missing":0,"previous":{"epoch":1,"missing":0}}`},
		{"heartbeat against the epoch before", run("a", 0, 6), &Heartbeat{Subject: in("b"), Next: 0, HasPrev: true, Prev: "a", PrevLast: 3},
			`{"epoch":2,"next_seq":0,"news":true,"opened":true,"expected":0,"stored":0,"missing":0,"ignored":["prev_last_seq"]}`},
		{"birth", run("", 0, 6), &Heartbeat{Subject: in(""), Next: 0, Birth: true},
			`{"epoch":2,"next_seq":0,"news":true,"opened":true,"expected":0,"stored":0,"missing":0}`},
		{"narrow heartbeat", run("a", 250, 300), &Heartbeat{Subject: narrow("a", 8), Next: 303 & 255},
			`{"epoch":1,"next_seq":303,"news":true,"expected":53,"stored":51,"missing":2}`},
		{"narrow heartbeat at the wrap", run("a", 250, 255), &Heartbeat{Subject: narrow("a", 8), Next: 0},
			`{"epoch":1,"next_seq":256,"news":true,"expected":6,"stored":6,"missing":0}`},
		{"heartbeat after the seal, life not named", sealed("", 6), &Heartbeat{Subject: in(""), Next: 9},
			`{"epoch":2,"next_seq":9,"news":true,"opened":true,"expected":0,"stored":0,"missing":0}`},
		{"heartbeat after the seal", sealed("a", 6), &Heartbeat{Subject: in("a"), Next: 9}, CodeContradiction},
		{"heartbeat with a first above next", nil, &Heartbeat{Subject: in("a"), Next: 4, HasFirst: true, First: 5}, CodeBadRange},
		{"heartbeat beyond the numbers", nil, &Heartbeat{Subject: in("a"), Next: MaxSeq + 2}, CodeSeqOutOfRange},
		{"heartbeat at the end of the numbers", run("a", MaxSeq-1, MaxSeq), &Heartbeat{Subject: in("a"), Next: MaxSeq + 1},
			`{"epoch":1,"next_seq":9223372036854775808,"news":true,"expected":2,"stored":2,"missing":0}`},
		{"heartbeat that no counter reached", run("a", 0, 6), &Heartbeat{Subject: in("a"), Next: 1 << 50}, CodeImplausibleJump},
		{"narrow heartbeat that does not fit", nil, &Heartbeat{Subject: narrow("a", 8), Next: 256}, CodeSeqOutOfRange},
		{"heartbeat of 7 bits", nil, &Heartbeat{Subject: narrow("a", 7), Next: 2}, CodeBadBits},
		{"heartbeat with a control character", nil, &Heartbeat{Subject: in("a\n"), Next: 2}, CodeBadEpoch},
		{"heartbeat of no device", nil, &Heartbeat{Next: 2}, CodeUnknownStream},
		{"heartbeat of a bad device", nil, &Heartbeat{Subject: Subject{Key: frame.StreamKey{Device: "a\x00"}}, Next: 2}, CodeBadName},
		{"heartbeat of an unknown id", nil, &Heartbeat{Subject: Subject{ID: 99}, Next: 2}, CodeUnknownStream},
		{"heartbeat of two devices", run("a", 0, 6), &Heartbeat{Subject: Subject{ID: 2, Key: frame.StreamKey{Device: "other"}}, Next: 2}, CodeStreamMismatch},
		{"heartbeat of a source without numbers", unnumbered, &Heartbeat{Subject: in(""), Next: 2}, CodeNoNumbers},

		{"seal", run("a", 0, 6), &Seal{Subject: in("a"), Last: 8, HasCount: true, Count: 9},
			`{"epoch":1,"last_seq":8,"expected":9,"stored":7,"missing":2}`},
		{"seal with another count", run("a", 3, 6), &Seal{Subject: in("a"), Last: 6, HasCount: true, Count: 7},
			`{"epoch":1,"last_seq":6,"expected":4,"stored":4,"missing":0,"count_mismatch":3}`},
		{"seal again", sealed("a", 6), &Seal{Subject: in("a"), Last: 6},
			`{"epoch":1,"last_seq":6,"expected":7,"stored":7,"missing":0,"again":true}`},
		{"seal at another number", sealed("a", 6), &Seal{Subject: in("a"), Last: 7}, CodeContradiction},
		{"seal below what is stored", run("a", 0, 6), &Seal{Subject: in("a"), Last: 5}, CodeContradiction},
		{"seal of an epoch of which nothing arrived", nil, &Seal{Subject: in("a"), Last: 5, HasCount: true, Count: 6},
			`{"epoch":1,"last_seq":5,"expected":0,"stored":0,"missing":0,"count_mismatch":6}`},
		{"narrow seal", run("a", 250, 300), &Seal{Subject: narrow("a", 16), Last: 301},
			`{"epoch":1,"last_seq":301,"expected":52,"stored":51,"missing":1}`},

		{"declare lost", run("a", 0, 6), &DeclareLost{Subject: in("a"), From: 5, To: 9, Reason: "ring"},
			`{"epoch":1,"from":5,"to":9,"declared":3,"stored":2,"already":0}`},
		{"declare lost twice", lostBefore, &DeclareLost{Subject: in("a"), From: 7, To: 12, Reason: "other words"},
			`{"epoch":1,"from":7,"to":12,"declared":3,"stored":0,"already":3}`},
		{"declare lost what is there", run("a", 0, 6), &DeclareLost{Subject: in("a"), From: 0, To: 6},
			`{"epoch":1,"from":0,"to":6,"declared":0,"stored":7,"already":0}`},
		{"declare lost before all frames", nil, &DeclareLost{Subject: in("a"), From: 0, To: 99},
			`{"epoch":1,"from":0,"to":99,"declared":100,"stored":0,"already":0}`},
		{"declare lost over the wrap", run("a", 200, 300), &DeclareLost{Subject: narrow("a", 8), From: 301 & 255, To: 303 & 255},
			`{"epoch":1,"from":301,"to":303,"declared":3,"stored":0,"already":0}`},
		{"declare lost backwards", nil, &DeclareLost{Subject: in("a"), From: 9, To: 5}, CodeBadRange},
		{"declare lost what no counter reached", run("a", 0, 6), &DeclareLost{Subject: in("a"), From: 9, To: 1 << 50}, CodeImplausibleJump},
		{"declare lost far below", run("a", 1<<50, 1<<50), &DeclareLost{Subject: in("a"), From: 9, To: 1<<50 - 1}, CodeImplausibleJump},
		{"declare lost with a long reason", nil, &DeclareLost{Subject: in("a"), Reason: strings.Repeat("x", 257)}, CodeBadCommand},
		{"declare lost with a reason that is no text", nil, &DeclareLost{Subject: in("a"), Reason: "\xff"}, CodeBadReason},
		{"declare lost after the seal", sealed("a", 6), &DeclareLost{Subject: in("a"), From: 6, To: 7}, CodeContradiction},

		{"verdict on an unknown device", nil, &Verdict{Subject: Subject{Key: frame.StreamKey{Device: "x"}}, Ordinal: 1}, CodeUnknownStream},
		{"verdict on an unknown epoch", run("a", 0, 6), &Verdict{Subject: in(""), Ordinal: 2}, CodeUnknownEpoch},
		{"verdict on nothing", run("a", 0, 6), &Verdict{Subject: in(""), Ordinal: 1, To: 100}, CodeNotUnverified},
		{"verdict backwards", run("a", 0, 6), &Verdict{Subject: in(""), Ordinal: 1, From: 1}, CodeBadRange},
		{"verdict", unverified, &Verdict{Subject: in(""), Ordinal: 1, From: 0, To: 3, Identical: true}, `{"epoch":1,"settled":2,"unverified":2}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, Policy{})
			if c.prep != nil {
				c.prep(r)
			}
			before := checkpointOf(t, r.l)
			got, err := r.l.Apply(1, 1, r.ms, kindOf(c.cmd), CommandVersion, c.cmd.Append(nil))
			var ce *CommandError
			switch {
			case errors.As(err, &ce):
				if ce.Code != c.want || ce.Hint == "" {
					t.Errorf("%+v, want %s", ce, c.want)
				}
				if !bytes.Equal(before, checkpointOf(t, r.l)) {
					t.Error("a refused command changed the ledger")
				}
			case err != nil:
				t.Fatal(err)
			case string(got) != c.want:
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			r.check()
		})
	}
}

func run(epoch string, first, last uint64) func(*rig) {
	return func(r *rig) { r.run(epoch, first, last) }
}

func sealed(epoch string, last uint64) func(*rig) {
	return func(r *rig) {
		r.run(epoch, 0, last)
		r.seal(Seal{Subject: Subject{Epoch: epoch}, Last: last})
	}
}

func lostBefore(r *rig) {
	r.run("a", 0, 6)
	r.lost(DeclareLost{Subject: Subject{Epoch: "a"}, From: 8, To: 10, Reason: "ring"})
}

func unnumbered(r *rig) {
	r.l.Arrive(&frame.Group{Stream: r.id, Unseq: true}, r.ms, r.ms, &frame.Item{})
}

func unverified(r *rig) {
	r.run("", 0, 300)
	for _, n := range []uint64{1, 3, 3, 200} {
		if o := r.arrive(send{seq: n, noTime: true}); o.Status != Unverified {
			r.t.Fatalf("%+v", o)
		}
	}
}

// A refused command changes nothing, whatever it was: random commands, bytes compared.
func TestRefusedCommandsChangeNothing(t *testing.T) {
	r := newRig(t, Policy{MaxEpochs: 3})
	r.run("a", 0, 50)
	r.seal(Seal{Subject: Subject{Epoch: "a"}, Last: 50})
	r.run("b", 10, 30)
	r.arrive(send{seq: 31, bits: 16, epoch: "c"})
	for i, c := range []command{
		&Heartbeat{Subject: Subject{ID: r.id, Epoch: "d"}, Next: 3},
		&Heartbeat{Subject: Subject{ID: r.id, Epoch: "a"}, Next: 60},
		&Heartbeat{Subject: Subject{ID: r.id, Epoch: "c"}, Next: 1 << 50},
		&Seal{Subject: Subject{ID: r.id, Epoch: "b"}, Last: 3},
		&DeclareLost{Subject: Subject{ID: r.id, Epoch: "c"}, From: 1 << 40, To: 1 << 50},
		&DeclareLost{Subject: Subject{ID: r.id, Epoch: "d"}, From: 1, To: 5},
		&Verdict{Subject: Subject{ID: r.id}, Ordinal: 1, From: 1, To: 5},
	} {
		before := checkpointOf(t, r.l)
		if out, err := r.l.Apply(1, 1, r.ms, kindOf(c), 1, c.Append(nil)); err == nil {
			t.Errorf("command %d is not refused: %s", i, out)
		}
		if !bytes.Equal(before, checkpointOf(t, r.l)) {
			t.Errorf("command %d was refused and changed the ledger", i)
		}
	}
}

func TestSection(t *testing.T) {
	var section interface {
		Name() string
		Commands() (first, last uint16)
		LimitBytes() int64
	} = New(Policy{})
	first, last := section.Commands()
	if section.Name() != "ledger" || first != 16 || last != 31 || section.LimitBytes() <= 0 {
		t.Error(section.Name(), first, last, section.LimitBytes())
	}
	for _, kind := range []uint16{KindHeartbeat, KindSeal, KindDeclareLost, KindVerdict} {
		if kind < first || kind > last {
			t.Errorf("kind %d is outside", kind)
		}
	}
}

// A command for a name that nobody defined makes it a stream, on every node with the same id.
func TestCommandDefinesStream(t *testing.T) {
	a, b := New(Policy{}), New(Policy{})
	for i := range 3 {
		h := Heartbeat{Subject: Subject{Key: frame.StreamKey{Device: fmt.Sprint("d", i)}, Epoch: "e"}, Next: 5}
		for _, l := range []*Ledger{a, b} {
			if _, err := l.Heartbeat(t0, &h); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := frame.StreamKey{Tenant: "default", Device: "d1", Stream: "0"}
	id, ok := a.ID(want)
	if key, _ := a.Key(id); !ok || key != want {
		t.Errorf("%v is %v", id, key)
	}
	if diff := cmp.Diff(checkpointOf(t, a), checkpointOf(t, b)); diff != "" {
		t.Error("two ledgers differ")
	}
}

// A heartbeat's value names the epoch that frames without one opened, and leads there from then on.
func TestHeartbeatNamesTheEpoch(t *testing.T) {
	r := newRig(t, Policy{})
	r.run("", 0, 6)
	r.heartbeat(Heartbeat{Subject: Subject{Epoch: "boot-1"}, Next: 8})
	if v, _ := r.l.EpochValue(r.id, 1); v != "boot-1" || r.report(1).Epoch.Source != "declared" {
		t.Errorf("%q, %+v", v, r.report(1).Epoch)
	}
	if o := r.arrive(send{seq: 8, epoch: "boot-1"}); o.Epoch != 1 || o.NewEpoch {
		t.Errorf("%+v", o)
	}
}

// Each duplicate that waits is settled once.
func TestVerdictsAreCounted(t *testing.T) {
	r := newRig(t, Policy{})
	unverified(r) // 1, 3 twice, 200
	verdict := func(from, to uint64, identical bool) uint64 {
		res, err := r.l.Verdict(r.ms, &Verdict{Subject: Subject{ID: r.id}, Ordinal: 1, From: from, To: to, Identical: identical})
		if err != nil {
			return 0
		}
		return res.Settled
	}
	if a, b, c, d := verdict(0, 3, true), verdict(0, 3, false), verdict(0, 3, true), verdict(4, 300, true); a != 2 || b != 1 || c != 0 || d != 1 {
		t.Errorf("settled %d, %d, %d and %d", a, b, c, d)
	}
	if d := r.report(1).Duplicates; d != (Duplicates{Identical: 3, Conflict: 1}) {
		t.Errorf("%+v", d)
	}
}

// TestWatermarkSaidAgain: a device that says the same next number again has numbered nothing meanwhile. What it says after that was overtaken, or is less
// than it said before, is no news of its end.
func TestWatermarkSaidAgain(t *testing.T) {
	for _, renews := range []bool{false, true} {
		r := newRig(t, Policy{})
		r.l.Renew(renews)
		r.run("b", 1, 5)
		beat := func(next uint64) string {
			r.ms += 60_000
			r.heartbeat(Heartbeat{Subject: Subject{Epoch: "b"}, Next: next})
			return r.report(1).Tail.DeclaredAt
		}
		first := beat(6)
		again, less := beat(6), beat(5)
		if (again == first) == renews || less != again || renews && again != formatMS(t0+5000+120_000) {
			t.Errorf("renewed: %t, said at %s, again at %s, less at %s", renews, first, again, less)
		}
	}
}
