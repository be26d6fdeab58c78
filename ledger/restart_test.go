package ledger

import (
	"testing"

	"pgregory.net/rapid"
)

// TestRestartsAgainstTruth: a device without epoch values counts from 0 again after each of its reboots, frames are lost, doubled and swapped, also across a
// reboot. Its clock runs on. Every frame has to land in the epoch of its own life, under its own number.
func TestRestartsAgainstTruth(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type frame struct {
			life   int
			n      uint64
			timeMS int64
		}
		r := newRig(t, Policy{})
		now := t0
		sent := []frame{}
		for life := range rapid.IntRange(1, 4).Draw(rt, "lives") {
			skip := rapid.Uint64Range(0, 5).Draw(rt, "lost at the start")
			for n := range rapid.Uint64Range(250, 400).Draw(rt, "frames") {
				now += 1000
				// Numbers below 150 are not lost once the life began, so that no restart falls into a hole of the life before.
				if n < skip || n > 150 && rapid.IntRange(0, 9).Draw(rt, "fate") == 0 {
					continue
				}
				sent = append(sent, frame{life, n, now})
			}
			now += rapid.Int64Range(1, 60_000).Draw(rt, "reboot")
		}
		for i := range sent { // swap a frame with one of the next five
			if j := i + rapid.IntRange(-20, 5).Draw(rt, "swap"); j > i && j < len(sent) {
				sent[i], sent[j] = sent[j], sent[i]
			}
		}
		stored := map[int]uint64{}
		for _, f := range sent {
			r.ms = max(r.ms, f.timeMS)
			o := r.arrive(send{seq: f.n, timeMS: f.timeMS})
			if o.Status != Stored || int(o.Epoch) != f.life+1 || o.Seq != f.n {
				rt.Fatalf("frame %d of life %d: %+v", f.n, f.life, o)
			}
			stored[f.life]++
			if rapid.IntRange(0, 9).Draw(rt, "again") == 0 {
				if o := r.arrive(send{seq: f.n, timeMS: f.timeMS}); o.Status != Duplicate || int(o.Epoch) != f.life+1 {
					rt.Fatalf("frame %d of life %d again: %+v", f.n, f.life, o)
				}
			}
		}
		for life, rep := range r.reports() {
			if rep.Stored != stored[life] || rep.Epoch.Probation || rep.Tail.Basis != BasisLastSeen {
				rt.Fatalf("life %d: %d stored, want %d, %+v", life, rep.Stored, stored[life], rep.Epoch)
			}
		}
		r.check()
	})
}
