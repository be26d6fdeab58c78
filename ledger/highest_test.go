package ledger

import (
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

func TestHighestStored(t *testing.T) {
	for _, c := range []struct {
		name    string
		do      func(r *rig)
		ordinal uint32 // 0: nothing is stored
		seq     uint64
	}{
		{"nothing was said", func(*rig) {}, 0, 0},
		{"nothing is stored", func(r *rig) { r.heartbeat(Heartbeat{Next: 7}) }, 0, 0},
		{"number 0", func(r *rig) { r.run("a", 0, 0) }, 1, 0},
		{"the highest, not the newest to come", func(r *rig) { r.run("a", 0, 5); r.run("a", 9, 9); r.run("a", 7, 7) }, 1, 9},
		{"what a heartbeat says is not stored", func(r *rig) { r.run("a", 0, 5); r.heartbeat(Heartbeat{Subject: Subject{Epoch: "a"}, Next: 50}) }, 1, 5},
		{"the newest epoch, though its numbers are lower", func(r *rig) { r.run("a", 0, 500); r.run("b", 3, 4) }, 2, 4},
		{"a late frame of an older epoch", func(r *rig) { r.run("a", 0, 5); r.run("b", 3, 4); r.run("a", 6, 9) }, 2, 4},
		{"an epoch of which nothing came yet", func(r *rig) {
			r.run("a", 0, 5)
			r.heartbeat(Heartbeat{Subject: Subject{Epoch: "b"}, Next: 3, HasFirst: true})
		}, 1, 5},
		{"an epoch in probation is one", func(r *rig) { r.script("0..300 7 301..310") }, 2, 7},
		{"without numbers", func(r *rig) {
			for range 3 {
				r.l.Arrive(&frame.Group{Stream: r.id, Unseq: true}, r.ms, r.ms, &frame.Item{})
			}
		}, 1, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, Policy{})
			c.do(r)
			ordinal, seq, ok := r.l.HighestStored(r.id)
			if ok != (c.ordinal > 0) || ordinal != c.ordinal || seq != c.seq {
				t.Errorf("%d, %d, %v, want %d, %d", ordinal, seq, ok, c.ordinal, c.seq)
			}
		})
	}
	if _, _, ok := New(Policy{}).HighestStored(1); ok {
		t.Error("an unknown stream has a highest number")
	}
}
