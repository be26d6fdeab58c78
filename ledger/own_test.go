package ledger

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// What is frozen and not changed is not copied, and what is copied is copied once.
func TestFreezeCopiesOnce(t *testing.T) {
	l, ids := manyStreams(t, 2, 64)
	arrive := func(n uint64) {
		l.Arrive(&frame.Group{Stream: ids[0]}, t0, t0, &frame.Item{Seq: n, TimeNS: t0 * 1_000_000})
	}
	a, b := l.stream(ids[0]), l.stream(ids[1])
	l.Freeze()
	arrive(3)
	c := l.stream(ids[0])
	arrive(4)
	switch {
	case c == a || c.cur == a.cur || c.cur.ring == a.cur.ring:
		t.Error("the stream was not copied")
	case l.stream(ids[0]) != c:
		t.Error("the stream was copied twice")
	case l.stream(ids[1]) != b:
		t.Error("a stream that did not change was copied")
	case testing.AllocsPerRun(100, func() { arrive(l.stream(ids[0]).cur.next) }) != 0:
		t.Error("frames cost memory")
	}
}

// An old epoch is copied when it changes, and not when another one does.
func TestFreezeCopiesEpochsThatChange(t *testing.T) {
	r := newRig(t, Policy{})
	for _, epoch := range []string{"a", "b", "c"} {
		r.run(epoch, 0, 3)
		r.run(epoch, 6, 9)
	}
	before := *r.l.stream(r.id)
	w := &watch{}
	w.freeze(t, r.l)
	r.run("c", 10, 12)
	r.arrive(send{seq: 4, epoch: "a"})
	after := r.l.stream(r.id)
	for i, copied := range []bool{true, false, true} {
		if (before.epochs[i] != after.epochs[i]) != copied {
			t.Errorf("epoch %d: copied is %v", i+1, !copied)
		}
	}
	if after.cur != after.epochs[2] {
		t.Error("the current epoch is not the stream's own")
	}
	if err := w.compare(1); err != nil {
		t.Error(err)
	}
}

// Whatever writes to an epoch that is not the current one leaves what was frozen as it was.
func TestFreezeAndOldEpochs(t *testing.T) {
	a, b := Subject{Epoch: "a"}, Subject{Epoch: "b"}
	group := func(r *rig) *frame.Group { return &frame.Group{Stream: r.id, Epoch: "a"} }
	for name, write := range map[string]func(r *rig){
		"late frame":        func(r *rig) { r.arrive(send{seq: 150, epoch: "a"}) },
		"duplicate":         func(r *rig) { r.arrive(send{seq: 199, epoch: "a"}) },
		"old one":           func(r *rig) { r.arrive(send{seq: 3, epoch: "a"}) },
		"heartbeat":         func(r *rig) { r.heartbeat(Heartbeat{Subject: a, Next: 205}) },
		"previous by value": func(r *rig) { r.heartbeat(Heartbeat{Subject: b, Next: 300, HasPrev: true, Prev: "a", PrevLast: 250}) },
		"previous":          func(r *rig) { r.heartbeat(Heartbeat{Subject: b, Next: 300, HasPrev: true, PrevLast: 250}) },
		"previous of an old one": func(r *rig) {
			r.run("c", 0, 0)
			r.heartbeat(Heartbeat{Subject: b, Next: 300, HasPrev: true, PrevLast: 250})
		},
		"unnumbered": func(r *rig) {
			r.l.Arrive(&frame.Group{Stream: r.id, Epoch: "u", Unseq: true}, r.ms, r.ms, &frame.Item{Fingerprint: 8})
		},
		"seal":         func(r *rig) { r.seal(Seal{Subject: a, Last: 210}) },
		"loss":         func(r *rig) { r.lost(DeclareLost{Subject: a, From: 150, To: 151}) },
		"reject":       func(r *rig) { r.l.Reject(group(r), 152, r.ms, r.ms, frame.CauseShedQuota) },
		"request":      func(r *rig) { r.l.Request(r.id, 2, 150, 152, r.ms) },
		"tick":         func(r *rig) { r.settle() },
		"tick in part": func(r *rig) { r.l.SetPolicy(Policy{FinalisePerTick: 1}); r.l.Tick(r.ms+20_000, false) },
		"verdict": func(r *rig) {
			if _, err := r.l.Verdict(r.ms, &Verdict{Subject: Subject{ID: r.id}, Ordinal: 2, From: 5, To: 5, Identical: true}); err != nil {
				t.Error(err)
			}
		},
		"ring": func(r *rig) { r.run("c", 0, 0); r.run("d", 0, 0); r.run("e", 0, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Policy{})
			r.l.Arrive(&frame.Group{Stream: r.id, Epoch: "u", Unseq: true}, r.ms, r.ms, &frame.Item{Fingerprint: 7})
			r.run("a", 0, 149)
			r.run("a", 160, 199)
			r.arrive(send{seq: 155, epoch: "a"})
			r.arrive(send{seq: 5, epoch: "a"})
			r.run("b", 0, 9)
			w := &watch{}
			w.freeze(t, r.l)
			write(r)
			if err := w.compare(1); err != nil {
				t.Error(err)
			}
			was, now := restored(t, w.frozen[0].atOnce).stream(r.id), r.l.stream(r.id)
			if bytes.Equal(was.epochs[0].append(was.epochs[1].append(nil)), now.epochs[0].append(now.epochs[1].append(nil))) {
				t.Error("no old epoch changed")
			}
			r.check()
		})
	}
}

// TestCloneSharesNothingThatIsWritten finds a pointer that somebody adds and forgets in clone.
func TestCloneSharesNothingThatIsWritten(t *testing.T) {
	e := &epoch{value: "a", ring: new([ringSize]uint32), said: &said{}, pace: &pace{}, rare: &rare{}}
	e.cov.AddRange(1, 2)
	e.cov.AddRange(5, 6)
	e.rare.open.push(openGap{})
	e.rare.facts.push(fact{})
	e.rare.unsettled.push(unsettled{})
	own := e.clone()
	if !reflect.DeepEqual(e.cov.tail, own.cov.tail) || e.rare.open.count != own.rare.open.count || *e.pace != *own.pace {
		t.Error("the clone is not equal")
	}
	var walk func(path string, a, b reflect.Value)
	walk = func(path string, a, b reflect.Value) {
		switch a.Kind() {
		case reflect.Pointer:
			if a.IsNil() || a.Pointer() == b.Pointer() {
				t.Errorf("%s is nil in the test, or shared", path)
				return
			}
			walk(path, a.Elem(), b.Elem())
		case reflect.Slice, reflect.Map, reflect.Chan, reflect.Func, reflect.Interface:
			if a.Pointer() == b.Pointer() {
				t.Errorf("%s is shared", path)
			}
		case reflect.Struct:
			for i := range a.NumField() {
				walk(path+"."+a.Type().Field(i).Name, a.Field(i), b.Field(i))
			}
		}
	}
	walk("epoch", reflect.ValueOf(e).Elem(), reflect.ValueOf(own).Elem())
}
