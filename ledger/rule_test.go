package ledger

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/gaplessdb/gapless/frame"
)

// saga is frames and words of one device whose counter is read by inference: losses, swaps, jumps back, new lives, in 16 or 64 bits.
type saga struct {
	t    *rapid.T
	bits uint8
	next uint64
	*clock
}

type clock struct{ ms int64 }

// frame is the next thing that the device's counter shows.
func (s *saga) frame() frame.Item {
	s.ms += rapid.Int64Range(1, 2000).Draw(s.t, "wait")
	n, timeMS := s.next, s.ms
	switch rapid.IntRange(0, 9).Draw(s.t, "what") {
	case 0:
		n += rapid.Uint64Range(1, 40).Draw(s.t, "lost")
		s.next = n + 1
	case 1:
		n -= min(n, rapid.Uint64Range(1, 300).Draw(s.t, "back"))
		timeMS -= rapid.Int64Range(0, 60_000).Draw(s.t, "older")
	case 2:
		n = rapid.Uint64Range(0, 30).Draw(s.t, "anew")
		s.next = n + 1
	default:
		s.next++
	}
	return frame.Item{Seq: wire(s.bits, n), TimeNS: timeMS * 1_000_000, Class: frame.ClassEvent, Fingerprint: uint32(n*2654435761) + uint32(timeMS)}
}

// word is a heartbeat, or the verdict on a duplicate, for a ledger and its twin: both must answer alike.
func (s *saga) word(t *testing.T, key frame.StreamKey, l, twin *Ledger) {
	var do func(l *Ledger) (any, error)
	if rapid.Bool().Draw(s.t, "heartbeat") {
		h := Heartbeat{Subject: Subject{Key: key}, Next: s.next + rapid.Uint64Range(0, 150).Draw(s.t, "ahead")}
		if rapid.Bool().Draw(s.t, "named") {
			h.Epoch = rapid.SampledFrom([]string{"boot 1", "boot 2"}).Draw(s.t, "boot")
		}
		if s.bits == 16 && rapid.Bool().Draw(s.t, "narrow") {
			h.Bits, h.Next = 16, h.Next&0xffff
		}
		do = func(l *Ledger) (any, error) { return l.Heartbeat(s.ms, &h) }
	} else {
		v := Verdict{Subject: Subject{Key: key}, Ordinal: uint32(rapid.IntRange(1, 3).Draw(s.t, "epoch")), To: rapid.Uint64Range(0, 30).Draw(s.t, "to")}
		do = func(l *Ledger) (any, error) { return l.Verdict(s.ms, &v) }
	}
	internIn(t, l, key)
	internIn(t, twin, key)
	got, gotErr := do(l)
	want, wantErr := do(twin)
	if diff := cmp.Diff(want, got); diff != "" || fmt.Sprint(gotErr) != fmt.Sprint(wantErr) {
		s.t.Fatalf("%s: %v, want %v\n%s", key.Device, gotErr, wantErr, diff)
	}
}

func drawRule(t *rapid.T) Rule {
	number := func(name string, low, high uint64) *uint64 {
		if rapid.Bool().Draw(t, "no "+name) {
			return nil
		}
		return ptr(rapid.Uint64Range(low, high).Draw(t, name))
	}
	r := Rule{RestartBelow: number("below", 0, 20), RestartDrop: number("drop", 0, 200), MisorderWindow: number("window", 1, 150)}
	if rapid.Bool().Draw(t, "has zero") {
		r.ProtocolZero = ptr(rapid.Bool().Draw(t, "zero"))
	}
	return r
}

// asPolicy is the policy that makes of all devices what the rule makes of one.
func asPolicy(p Policy, r Rule) Policy {
	for _, v := range []struct {
		to *uint64
		by *uint64
	}{{&p.RestartBelow, r.RestartBelow}, {&p.RestartDrop, r.RestartDrop}, {&p.MisorderWindow, r.MisorderWindow}} {
		if v.by != nil {
			*v.to = *v.by
		}
	}
	if r.ProtocolZero != nil {
		p.ProtocolZero = *r.ProtocolZero
	}
	return p
}

// TestRuleIsThePolicyOfOneDevice feeds two devices to a ledger in which one has a rule. That one must be accounted for as in a ledger with the rule as its
// policy, the other as in one without rules, while rules and policy change, and whichever is restored first.
func TestRuleIsThePolicyOfOneDevice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		policy := Policy{RestartDrop: rapid.SampledFrom([]uint64{0, 0, 50}).Draw(rt, "drop of all"), ProtocolZero: rapid.Bool().Draw(rt, "zero of all")}
		ruled, plain := testKey, testKey
		plain.Device = "mill-08"
		x, asRule, without := New(policy), New(policy), New(policy)
		rule := Rule{}
		feed := func(key frame.StreamKey, s *saga, twin *Ledger) {
			if rapid.IntRange(0, 9).Draw(rt, "word") == 0 {
				s.word(t, key, x, twin)
				return
			}
			it := s.frame()
			first := frame.Group{Stream: internIn(t, x, key), Bits: s.bits}
			second := frame.Group{Stream: internIn(t, twin, key), Bits: s.bits}
			got, want := x.Arrive(&first, s.ms, s.ms, &it), twin.Arrive(&second, s.ms, s.ms, &it)
			if got != want {
				rt.Fatalf("%s %+v: %+v, want %+v", key.Device, it.Seq, got, want)
			}
		}
		sagas, now := [2]*saga{}, &clock{t0}
		for i := range sagas {
			sagas[i] = &saga{t: rt, bits: rapid.SampledFrom([]uint8{64, 64, 16}).Draw(rt, "bits"), clock: now}
		}
		for range rapid.IntRange(1, 120).Draw(rt, "steps") {
			switch rapid.IntRange(0, 24).Draw(rt, "do") {
			case 0:
				rule = drawRule(rt)
				x.SetRule(ruled.Tenant, ruled.Device, rule)
				asRule.SetPolicy(asPolicy(policy, rule))
			case 1:
				policy.RestartBelow = rapid.Uint64Range(0, 3).Draw(rt, "below of all")
				x.SetPolicy(policy)
				without.SetPolicy(policy)
				asRule.SetPolicy(asPolicy(policy, rule))
			case 2:
				x = again(rt, t, x, ruled, rule)
			case 3, 4, 5, 6, 7:
				feed(plain, sagas[0], without)
			default:
				feed(ruled, sagas[1], asRule)
			}
		}
		compareReports(rt, x, asRule, ruled)
		compareReports(rt, x, without, plain)
		if err := x.Check(); err != nil {
			rt.Fatal(err)
		}
	})
}

// again is the ledger after a restart: the rule comes before or after the checkpoint.
func again(rt *rapid.T, t *testing.T, l *Ledger, key frame.StreamKey, rule Rule) *Ledger {
	restored := New(Policy{})
	before := rapid.Bool().Draw(rt, "rule before")
	if before {
		restored.SetRule(key.Tenant, key.Device, rule)
	}
	if err := restored.Restore(bytes.NewReader(checkpointOf(t, l))); err != nil {
		rt.Fatal(err)
	}
	if !before {
		restored.SetRule(key.Tenant, key.Device, rule)
	}
	return restored
}

func internIn(t *testing.T, l *Ledger, key frame.StreamKey) frame.StreamID {
	t.Helper()
	id, err := l.Intern(key)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func compareReports(rt *rapid.T, got, want *Ledger, key frame.StreamKey) {
	reports := func(l *Ledger) []EpochReport {
		id, _ := l.ID(key)
		reps, _ := l.Report(id, ReportOptions{})
		return reps
	}
	if diff := cmp.Diff(reports(want), reports(got)); diff != "" {
		rt.Fatalf("%s: -want +got\n%s", key.Device, diff)
	}
}

// TestRuleFirstIsTheDevicesWord: with a declared first number in its rule a device is accounted for as if each of its frames and heartbeats said it.
func TestRuleFirstIsTheDevicesWord(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		first := rapid.Uint64Range(0, 40).Draw(rt, "first")
		said, ruled := New(Policy{}), New(Policy{})
		ruled.SetRule(testKey.Tenant, testKey.Device, Rule{First: &first})
		s := &saga{t: rt, bits: rapid.SampledFrom([]uint8{64, 64, 16}).Draw(rt, "bits"), clock: &clock{t0}, next: first}
		for range rapid.IntRange(1, 80).Draw(rt, "steps") {
			// A heartbeat's word is taken for an epoch that only continues a counter after an ambiguous wrap, too. A rule speaks of beginnings.
			if s.bits == 64 && rapid.IntRange(0, 9).Draw(rt, "heartbeat") == 0 {
				next := max(s.next, first)
				h := Heartbeat{Subject: Subject{Key: testKey, Epoch: rapid.SampledFrom([]string{"", "", "boot 2"}).Draw(rt, "boot")}, Next: next}
				b := h
				b.HasFirst, b.First = true, first
				got, gotErr := ruled.Heartbeat(s.ms, &h)
				want, wantErr := said.Heartbeat(s.ms, &b)
				if diff := cmp.Diff(want, got); diff != "" || (gotErr == nil) != (wantErr == nil) {
					rt.Fatalf("heartbeat %+v: %v, want %v\n%s", h, gotErr, wantErr, diff)
				}
				continue
			}
			it := s.frame()
			g := frame.Group{Stream: internIn(t, ruled, testKey), Bits: s.bits}
			got := ruled.Arrive(&g, s.ms, s.ms, &it)
			g = frame.Group{Stream: internIn(t, said, testKey), Bits: s.bits, HasFirst: true, First: first}
			if want := said.Arrive(&g, s.ms, s.ms, &it); got != want {
				rt.Fatalf("%d: %+v, want %+v", it.Seq, got, want)
			}
		}
		compareReports(rt, ruled, said, testKey)
	})
}

// TestRuleFindsItsStreams: a rule is the device's, in all its streams, those that come later too, and nobody else's.
func TestRuleFindsItsStreams(t *testing.T) {
	l := New(Policy{})
	keys := map[string]frame.StreamKey{
		"before":       {Tenant: "t", Device: "mill-07", Stream: "a"},
		"other":        {Tenant: "t", Device: "mill-070", Stream: "a"},
		"smaller":      {Tenant: "t", Device: "mill-06", Stream: "a"},
		"other tenant": {Tenant: "u", Device: "mill-07", Stream: "a"},
	}
	for _, key := range keys {
		internIn(t, l, key)
	}
	l.SetRule("t", "mill-07", Rule{First: ptr(uint64(2))})
	keys["after"] = frame.StreamKey{Tenant: "t", Device: "mill-07", Stream: "b"}
	internIn(t, l, keys["after"])
	for i, taken := range []bool{false, true} {
		if taken {
			l.SetRule("t", "mill-07", Rule{})
		}
		for name, key := range keys {
			id := internIn(t, l, key)
			g := frame.Group{Stream: id, Epoch: fmt.Sprint("boot ", i), Bits: 64}
			l.Arrive(&g, t0, t0, &frame.Item{Seq: 5, NoTime: true})
			reps, _ := l.Report(id, ReportOptions{Epoch: uint32(i + 1)})
			want := uint64(1)
			if !taken && (name == "before" || name == "after") {
				want = 4
			}
			if got := reps[0].Expected; got != want {
				t.Errorf("taken away: %v: stream %s expects %d, want %d", taken, name, got, want)
			}
		}
	}
	if len(l.rules) != 0 {
		t.Errorf("rules %v are left", l.rules)
	}
}

// TestRuleOfCommands: heartbeat, seal, declared loss and reject open epochs too, and what a rule says of the first number must fit what they say.
func TestRuleOfCommands(t *testing.T) {
	open := map[string]func(r *rig) error{
		"heartbeat": func(r *rig) error {
			_, err := r.l.Heartbeat(r.ms, &Heartbeat{Subject: Subject{ID: r.id, Epoch: "b"}, Next: 10})
			return err
		},
		"seal": func(r *rig) error {
			_, err := r.l.Seal(r.ms, &Seal{Subject: Subject{ID: r.id, Epoch: "b"}, Last: 9})
			return err
		},
		"declare-lost": func(r *rig) error {
			_, err := r.l.DeclareLost(r.ms, &DeclareLost{Subject: Subject{ID: r.id, Epoch: "b"}, From: 8, To: 9})
			return err
		},
		"reject": func(r *rig) error {
			g := frame.Group{Stream: r.id, Epoch: "b", Bits: 64}
			if _, _, ok := r.l.Reject(&g, 9, r.ms, r.ms, frame.CauseRejectedSchema); !ok {
				return fmt.Errorf("not attributed")
			}
			return nil
		},
	}
	for name, do := range open {
		r := newRig(t, Policy{})
		r.l.SetRule(testKey.Tenant, testKey.Device, Rule{First: ptr(uint64(4))})
		if err := do(r); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if rep := r.report(1); *rep.Head.First != 4 || rep.Head.Basis != BasisDeclared || rep.Expected != 6 || rep.Contradictions != 0 {
			t.Errorf("%s: first is %d (%s), %d expected, %d contradictions", name, *rep.Head.First, rep.Head.Basis, rep.Expected, rep.Contradictions)
		}
		r.check()
		beyond := newRig(t, Policy{})
		beyond.l.SetRule(testKey.Tenant, testKey.Device, Rule{First: ptr(uint64(11))})
		if err := do(beyond); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if rep := beyond.report(1); name != "reject" && rep.Head.Basis != BasisFirstSeen {
			t.Errorf("%s: a first number beyond the last one is believed: %+v", name, rep.Head)
		}
		far := newRig(t, Policy{MaxJump: 5})
		far.l.SetRule(testKey.Tenant, testKey.Device, Rule{First: ptr(uint64(1))})
		if err := do(far); name != "reject" && (err == nil || !strings.Contains(err.Error(), "more than 5")) {
			t.Errorf("%s: an epoch of 9 numbers with max_jump 5: %v", name, err)
		}
	}
}

func TestRuleValidate(t *testing.T) {
	for name, r := range map[string]Rule{
		"restart_below is 9223372036854775808":   {RestartBelow: ptr(uint64(1 << 63))},
		"restart_drop is 9223372036854775808":    {RestartDrop: ptr(uint64(1 << 63))},
		"misorder_window is 0":                   {MisorderWindow: ptr(uint64(0))},
		"misorder_window is 1048577":             {MisorderWindow: ptr(uint64(1<<20 + 1))},
		"first is 9223372032559808512, it must ": {First: ptr(uint64(MaxSeq - 1<<32 + 1))},
	} {
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	full := Rule{ptr(uint64(0)), ptr(uint64(MaxSeq)), ptr(uint64(1)), ptr(false), ptr(uint64(MaxSeq - 1<<32))}
	if err := full.Validate(); err != nil {
		t.Error(err)
	}
	if !full.Equal(full.Clone()) || full.Equal(Rule{}) || full.IsZero() || !(Rule{}).Equal(Rule{}) || !(Rule{}).IsZero() {
		t.Error("Equal, Clone or IsZero is wrong")
	}
}

// TestCheckpointHasNoRules: rules belong to the registry's checkpoint.
func TestCheckpointHasNoRules(t *testing.T) {
	plain, ruled := newRig(t, Policy{}), newRig(t, Policy{})
	for _, r := range []*rig{plain, ruled} {
		r.run("boot", 0, 300)
		r.l.Freeze()
	}
	ruled.l.SetRule(testKey.Tenant, testKey.Device, Rule{RestartDrop: ptr(uint64(3))})
	ruled.l.SetRule("t", "nobody yet", Rule{RestartDrop: ptr(uint64(3))})
	if !bytes.Equal(checkpointOf(t, plain.l), checkpointOf(t, ruled.l)) || plain.l.Root() != ruled.l.Root() {
		t.Error("a rule shows in the checkpoint or the digest")
	}
}

// TestRuleWindowIsUsedEverywhere: each judgement that depends on how far numbers may come out of order asks the device's rule.
func TestRuleWindowIsUsedEverywhere(t *testing.T) {
	late := func(seq uint64, bits uint8) func(r *rig) Outcome {
		return func(r *rig) Outcome { return r.arrive(send{seq: seq, bits: bits, noTime: true, fp: 7}) }
	}
	for name, c := range map[string]struct {
		window uint64
		before func(r *rig)
		do     func(r *rig) Outcome
		is     func(o Outcome) bool // under the rule; under the policy's window it is not so
	}{
		"a damaged number is explained nearby only": {10, func(r *rig) { r.run("", 0, 50) }, func(r *rig) Outcome {
			g := frame.Group{Stream: r.id, Bits: 64}
			_, n, ok := r.l.Reject(&g, 70, r.ms, r.ms, frame.CauseRejectedCRC)
			return Outcome{Seq: n, Late: ok}
		}, func(o Outcome) bool { return !o.Late }},
		"a proven conflict far behind begins a restart": {50, func(r *rig) {
			r.run("", 0, 200)
			late(100, 64)(r)
			if _, err := r.l.Verdict(r.ms, &Verdict{Subject: Subject{ID: r.id}, Ordinal: 1, From: 100, To: 100}); err != nil {
				t.Fatal(err)
			}
		}, late(101, 64), func(o Outcome) bool { return o.NewEpoch }},
		"a probation lapses after as many frames": {5, func(r *rig) {
			r.run("", 1000, 1300)
			r.arrive(send{seq: 3})
			r.run("", 1301, 1310)
		}, func(r *rig) Outcome { return r.arrive(send{seq: 4}) }, func(o Outcome) bool { return o.NewEpoch }},
		"a whole number behind a narrow one is late": {1, func(r *rig) {
			for n := uint64(100); n < 110; n++ {
				r.ms += 1000
				r.arrive(send{seq: n, bits: 8})
			}
		}, late(95, 64), func(o Outcome) bool { return o.WrapAmbiguous }},
	} {
		for _, ruled := range []bool{true, false} {
			r := newRig(t, Policy{})
			if ruled {
				r.l.SetRule(testKey.Tenant, testKey.Device, Rule{MisorderWindow: &c.window})
			}
			c.before(r)
			if o := c.do(r); c.is(o) != ruled {
				t.Errorf("%s: rule %v: %+v", name, ruled, o)
			}
			r.check()
		}
	}
}
