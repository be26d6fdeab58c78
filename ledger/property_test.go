package ledger

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"pgregory.net/rapid"
)

// world is a device, a bad network, the ledger and the model, all told the same story.
type world struct {
	t     *rapid.T
	r     *rig
	twin  *Ledger // gets the same calls, but is restored from a checkpoint now and then
	m     model
	rule  Rule    // of the device
	lives []*life // of the device
	late  []sent
	watch watch
}

// life is one epoch of the device.
type life struct {
	value string
	bits  uint8
	start uint64
	next  uint64 // the device's own count
	seen  uint64 // newest number that was delivered
	heard int    // frames delivered in order
}

// sent is a frame on its way.
type sent struct {
	life   *life
	n      uint64
	fp     uint32
	timeMS int64
}

func (w *world) now() *life { return w.lives[len(w.lives)-1] }

func (w *world) reboot() {
	bits := rapid.SampledFrom([]uint8{64, 64, 8, 16, 32}).Draw(w.t, "bits")
	start := rapid.Uint64Range(0, 250).Draw(w.t, "start")
	if bits == 64 && rapid.IntRange(0, 3).Draw(w.t, "far") == 0 {
		start = MaxSeq - 2000
	}
	w.lives = append(w.lives, &life{value: fmt.Sprint("boot-", len(w.lives)+1), bits: bits, start: start, next: start, seen: start})
}

// both runs a call on the ledger, which is frozen before, and on its twin.
func (w *world) both(call func(l *Ledger)) {
	w.watch.freeze(w.r.t, w.r.l)
	call(w.r.l)
	w.unchanged(3)
	call(w.twin)
}

// unchanged holds the newest frozen checkpoints against what was there.
func (w *world) unchanged(newest int) {
	if err := w.watch.compare(newest); err != nil {
		w.t.Fatal(err)
	}
}

// newRule may give the device another rule before a life is heard of for the first time. Its first number is at most the life's, and near it.
func (w *world) newRule(v *life) {
	if _, known := w.known(v); known || w.near(v) && rapid.IntRange(0, 2).Draw(w.t, "new rule") > 0 {
		return
	}
	w.rule, w.m.first, w.m.window = Rule{}, nil, w.r.l.policy.MisorderWindow
	if rapid.Bool().Draw(w.t, "rule has first") {
		first := v.start - rapid.Uint64Range(0, min(v.start, 20)).Draw(w.t, "before the start")
		w.rule.First, w.m.first = &first, &first
	}
	if rapid.Bool().Draw(w.t, "rule has window") {
		window := rapid.Uint64Range(60, 300).Draw(w.t, "window")
		w.rule.MisorderWindow, w.m.window = &window, window
	}
	w.both(func(l *Ledger) { l.SetRule(testKey.Tenant, testKey.Device, w.rule) })
}

// near reports whether the first number that the rule declares, if it does, is one for this life: others would make more numbers missing than the model can hold.
func (w *world) near(v *life) bool {
	return w.m.first == nil || *w.m.first <= v.start && v.start-*w.m.first <= 250
}

func (w *world) group(v *life) *frame.Group {
	return &frame.Group{Stream: w.r.id, Epoch: v.value, Bits: v.bits}
}

func wire(bits uint8, n uint64) uint64 {
	if bits == 64 {
		return n
	}
	return n & (1<<bits - 1)
}

func (w *world) deliver(s sent) {
	w.newRule(s.life)
	it := frame.Item{Seq: wire(s.life.bits, s.n), TimeNS: s.timeMS * 1_000_000, Class: frame.ClassEvent, Fingerprint: s.fp}
	var got Outcome
	w.both(func(l *Ledger) { got = l.Arrive(w.group(s.life), w.r.ms, w.r.ms, &it) })
	e, ordinal := w.m.epoch(s.life.value)
	w.m.opened(e, math.MaxInt64, w.r.ms)
	want := e.frame(s.n, s.fp, w.r.ms)
	if got.Status != want || got.Seq != s.n || got.Epoch != uint32(ordinal) || got.WrapAmbiguous || got.Probation {
		w.t.Fatalf("frame %d of %s (%d bits): %+v, want %v in epoch %d", s.n, s.life.value, s.life.bits, got, want, ordinal)
	}
	if s.n > s.life.seen || s.life.heard == 0 {
		s.life.seen = s.n
		s.life.heard++
	}
}

// patience is how far a counter may run ahead of what was delivered without becoming ambiguous.
func (v *life) patience() uint64 {
	switch {
	case v.bits == 64:
		return 1 << 40
	case v.heard < 5 || v.bits == 8:
		return 15
	}
	return 400
}

func (w *world) send() {
	v := w.now()
	for range rapid.IntRange(1, 12).Draw(w.t, "frames") {
		w.r.ms += 1000
		s := sent{v, v.next, uint32(v.next*2654435761) | 1, w.r.ms}
		v.next++
		fate := rapid.IntRange(0, 11).Draw(w.t, "fate")
		if fate < 6 || s.n-v.seen >= v.patience() || v.heard == 0 && v.bits < 64 {
			w.deliver(s)
			continue
		}
		switch fate {
		case 6: // lost
		case 7:
			w.late = append(w.late, s)
		case 8:
			w.deliver(s)
			w.deliver(s)
		case 9:
			w.deliver(s)
			s.fp ^= 0x5a5a
			w.deliver(s)
		case 10:
			w.reject(s, rapid.SampledFrom([]frame.Cause{frame.CauseRejectedCRC, frame.CauseRejectedSchema, frame.CauseShedSnapshot}).Draw(w.t, "cause"))
		case 11:
			v.next += rapid.Uint64Range(0, min(v.patience()/3, 300)).Draw(w.t, "lost") // a burst
			w.r.ms += int64(v.next-s.n-1) * 1000
		}
	}
}

func (w *world) reject(s sent, cause frame.Cause) {
	w.newRule(s.life)
	var ok bool
	w.both(func(l *Ledger) { _, _, ok = l.Reject(w.group(s.life), wire(s.life.bits, s.n), w.r.ms, w.r.ms, cause) })
	if cause == frame.CauseRejectedCRC {
		e, known := w.known(s.life)
		near := known && s.n+w.m.window >= e.lo && s.n <= e.hi+w.m.window
		if ok != near {
			w.t.Fatalf("reject of %d for %v: %v, want %v", s.n, cause, ok, near)
		}
		if near {
			e.explain(s.n, s.n, cause)
		}
		return
	}
	e, _ := w.m.epoch(s.life.value)
	if !ok {
		w.t.Fatalf("reject of %d for %v is not attributed", s.n, cause)
	}
	w.m.opened(e, math.MaxInt64, w.r.ms)
	e.explain(s.n, s.n, cause)
	e.include(s.n, s.n, w.r.ms)
}

func (w *world) known(v *life) (*modelEpoch, bool) {
	for _, e := range w.m.epochs {
		if e.value == v.value {
			return e, true
		}
	}
	return nil, false
}

// straggle delivers a frame that was held back, or one again that was delivered long ago.
func (w *world) straggle() {
	if len(w.late) == 0 {
		return
	}
	i := rapid.IntRange(0, len(w.late)-1).Draw(w.t, "which")
	s := w.late[i]
	if s.life.bits == 8 && (s.n+15 < s.life.seen || s.life != w.now()) || s.life.bits < 64 && s.n+1000 < s.life.seen {
		w.late = slices.Delete(w.late, i, i+1) // its wrap would be ambiguous
		return
	}
	w.deliver(s)
	if rapid.Bool().Draw(w.t, "once") {
		w.late = slices.Delete(w.late, i, i+1)
	}
}

func (w *world) heartbeat() {
	v := w.now()
	w.newRule(v)
	h := Heartbeat{Subject: Subject{ID: w.r.id, Epoch: v.value}, Next: v.next}
	if rapid.Bool().Draw(w.t, "says first") {
		h.HasFirst, h.First = true, v.start
	}
	if len(w.lives) > 1 && rapid.Bool().Draw(w.t, "says previous") {
		prev := w.lives[len(w.lives)-2]
		if e, known := w.known(prev); known && prev.next > prev.start {
			h.HasPrev, h.Prev, h.PrevLast = true, prev.value, prev.next-1
			defer func() {
				if e.seal != nil || h.PrevLast+1 < e.hi {
					return
				}
				e.successor = &h.PrevLast
				e.raise(h.PrevLast+1, w.r.ms)
			}()
		}
	}
	body := h.Append(nil)
	w.both(func(l *Ledger) {
		if _, err := l.Apply(1, 1, w.r.ms, KindHeartbeat, 1, body); err != nil {
			w.t.Fatalf("%+v: %v", h, err)
		}
	})
	e, _ := w.m.epoch(v.value)
	if h.HasFirst {
		e.isNew = false
		e.declareFirst(v.start, w.r.ms)
	}
	w.m.opened(e, int64(v.next), w.r.ms)
	e.next(v.next, w.r.ms)
}

func (w *world) declareLost() {
	v := w.now()
	if v.next == v.start {
		return
	}
	if v.bits < 64 { // whole numbers far behind the newest need one near it first
		w.heartbeat()
	}
	w.newRule(v)
	from := rapid.Uint64Range(v.start, v.next-1).Draw(w.t, "from")
	to := rapid.Uint64Range(from, min(v.next-1, from+20)).Draw(w.t, "to")
	c := DeclareLost{Subject: Subject{ID: w.r.id, Epoch: v.value}, From: from, To: to, Reason: "ring overflow"}
	var res *DeclareLostResult
	w.both(func(l *Ledger) {
		var err error
		if res, err = l.DeclareLost(w.r.ms, &c); err != nil {
			w.t.Fatalf("%+v: %v", c, err)
		}
	})
	e, _ := w.m.epoch(v.value)
	w.m.opened(e, int64(to+1), w.r.ms)
	stored := uint64(0)
	for n := from; n <= to; n++ {
		if _, have := e.has[n]; have {
			stored++
		}
	}
	declared := e.explain(from, to, frame.CauseDeclaredLost)
	e.include(from, to, w.r.ms)
	e.next(to+1, w.r.ms)
	if res.Declared != declared || res.Stored != stored || res.Declared+res.Stored+res.Already != to-from+1 {
		w.t.Fatalf("declared lost %d..%d: %+v, want %d declared, %d stored", from, to, res, declared, stored)
	}
}

func (w *world) seal() {
	v := w.now()
	if v.next == v.start {
		return
	}
	w.newRule(v)
	c := Seal{Subject: Subject{ID: w.r.id, Epoch: v.value}, Last: v.next - 1, HasCount: rapid.Bool().Draw(w.t, "count"), Count: v.next - v.start}
	w.both(func(l *Ledger) {
		if _, err := l.Seal(w.r.ms, &c); err != nil {
			w.t.Fatalf("%+v: %v", c, err)
		}
	})
	e, _ := w.m.epoch(v.value)
	w.m.opened(e, int64(v.next), w.r.ms)
	e.begin(v.next)
	e.seal = &c.Last
	e.raise(v.next, w.r.ms)
	if c.HasCount {
		e.count = &c.Count
	}
	w.reboot()
}

func (w *world) tick() {
	w.r.ms += rapid.Int64Range(0, w.m.graceMS*2).Draw(w.t, "wait")
	w.both(func(l *Ledger) { l.Tick(w.r.ms, false) })
	w.m.tick(w.r.ms)
}

func (w *world) restore() {
	b := checkpointOf(w.r.t, w.twin)
	l := New(Policy{})
	before := rapid.Bool().Draw(w.t, "rule before")
	if before {
		l.SetRule(testKey.Tenant, testKey.Device, w.rule)
	}
	if err := l.Restore(bytes.NewReader(b)); err != nil {
		w.t.Fatal(err)
	}
	if !before {
		l.SetRule(testKey.Tenant, testKey.Device, w.rule)
	}
	w.twin = l
}

// compare holds the gap report against the model, number by number, and the balance against zero.
func (w *world) compare() {
	if err := w.r.l.Check(); err != nil {
		w.t.Fatal(err)
	}
	reps, _ := w.r.l.Report(w.r.id, ReportOptions{GapLimit: 1 << 20})
	if len(reps) != len(w.m.epochs) {
		w.t.Fatalf("%d epochs, want %d", len(reps), len(w.m.epochs))
	}
	for i, e := range w.m.epochs {
		compareEpoch(w.t, &reps[i], e)
	}
	w.compareHighest()
	if !bytes.Equal(checkpointOf(w.r.t, w.r.l), checkpointOf(w.r.t, w.twin)) {
		w.t.Fatal("the ledger and its restored twin differ")
	}
	if w.r.l.Root() != w.twin.Root() {
		w.t.Fatal("equal ledgers have other roots")
	}
}

func (w *world) compareHighest() {
	wantOrdinal, wantSeq := uint32(0), uint64(0)
	for i, e := range w.m.epochs {
		if len(e.has) > 0 {
			wantOrdinal, wantSeq = uint32(i+1), e.top
		}
	}
	if ordinal, seq, ok := w.r.l.HighestStored(w.r.id); ordinal != wantOrdinal || seq != wantSeq || ok != (wantOrdinal > 0) {
		w.t.Fatalf("highest stored is %d of epoch %d, want %d of epoch %d", seq, ordinal, wantSeq, wantOrdinal)
	}
}

func compareEpoch(t *rapid.T, rep *EpochReport, e *modelEpoch) {
	numbers, state := e.missing()
	got := []uint64{}
	for k, g := range rep.Gaps {
		if k > 0 && rep.Gaps[k-1].To+1 == g.From && rep.Gaps[k-1].State == g.State && rep.Gaps[k-1].Cause == g.Cause && g.Reason == rep.Gaps[k-1].Reason {
			t.Fatalf("gaps %+v and %+v are one", rep.Gaps[k-1], g)
		}
		for n := g.From; n <= g.To; n++ {
			got = append(got, n)
			is := string(g.State)
			if g.Cause != "" {
				is += " " + g.Cause
			}
			if is != state[n] {
				t.Fatalf("%s: number %d is %s, want %s", e.value, n, is, state[n])
			}
		}
	}
	if !slices.Equal(got, numbers) {
		t.Fatalf("%s: gaps %v, want %v", e.value, got, numbers)
	}
	a := rep.Ledger.A
	if rep.Expected != e.hi-e.lo || rep.Stored != uint64(len(e.has)) || a.Balance != 0 || a.Drift != 0 || a.Expected-a.Stored != uint64(len(numbers)) {
		t.Fatalf("%s: %d expected, %d stored, %+v, want %d and %d", e.value, rep.Expected, rep.Stored, a, e.hi-e.lo, len(e.has))
	}
	if rep.GapsTotal != uint64(len(rep.Gaps)) {
		t.Fatalf("%s: %d gaps counted, %d listed", e.value, rep.GapsTotal, len(rep.Gaps))
	}
	if rep.Head.Basis != e.headBasis() || rep.Tail.Basis != e.tailBasis() || rep.Verdict.String() != e.verdict() {
		t.Fatalf("%s: %s..%s %v %v, want %s..%s %s", e.value, rep.Head.Basis, rep.Tail.Basis, rep.Verdict, rep.Reasons, e.headBasis(), e.tailBasis(), e.verdict())
	}
	want := [...]uint64{e.identical, e.conflict, e.unverified, e.lateClosed, e.reordered, e.againstOwnWord}
	have := [...]uint64{rep.Duplicates.Identical, rep.Duplicates.Conflict, rep.Duplicates.Unverified, rep.LateClosed, rep.Reordered, rep.Contradictions}
	if have != want {
		t.Fatalf("%s: identical, conflict, unverified, late, reordered, contradictions %v, want %v", e.value, have, want)
	}
}

// TestAgainstModel tells random histories of loss, reorder, duplication, conflicts, reboots, narrow counters, watermarks, seals, declared losses, rejects,
// rules of the device and restores from checkpoints, and compares after every step. Before every call the ledger is frozen: what is written of that later must be what was there.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		policy := Policy{GraceMS: rapid.Int64Range(1, 20_000).Draw(rt, "grace")}
		w := &world{t: rt, r: newRig(t, policy)}
		w.twin = restored(t, checkpointOf(t, w.r.l))
		w.m = model{graceMS: w.r.l.policy.GraceMS, window: w.r.l.policy.MisorderWindow}
		w.reboot()
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			switch rapid.IntRange(0, 13).Draw(rt, "do") {
			case 0:
				w.reboot()
			case 1, 2:
				w.straggle()
			case 3, 4:
				w.heartbeat()
			case 5:
				w.declareLost()
			case 6:
				w.seal()
			case 7:
				w.tick()
			case 8:
				w.restore()
			default:
				w.send()
			}
			w.compare()
		}
		w.unchanged(len(w.watch.frozen))
	})
}
