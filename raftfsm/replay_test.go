package raftfsm

import (
	"crypto/sha256"
	"math/rand/v2"
	"testing"
)

// TestReplayStoresNothingTwice commits a request before a flush point and, as its sender heard nothing, again behind it. A node that starts
// again knows of the first only what the floor says, and replays the second.
func TestReplayStoresNothingTwice(t *testing.T) {
	r := newReplica(t)
	request := func(key string) Part {
		return Part{Tenant: "default", Key: key, Sum: sha256.Sum256([]byte(key)), Batch: r.batch("unnumbered", -1, -1, -1)}
	}
	r.parts(r.term, request("first"), request("second"))
	r.log(AppendCommand(nil, KindFlush, commandVersion, 0, nil))
	if again := r.parts(r.term, request("first"))[0]; !again.Replayed {
		t.Fatalf("the same request again: %+v", again)
	}
	d := newDisk(t)
	for _, life := range []string{"first", "second"} {
		state := d.run(t, r.logs, rand.New(rand.NewPCG(1, 1)), len(r.logs), func() {})
		state.View(func(v View) {
			if v.Floor == 0 || v.Index != r.index {
				t.Fatalf("%s life: floor %d, index %d of %d", life, v.Floor, v.Index, r.index)
			}
			if n := v.Manifest.Frames() + uint64(v.Head.Frames()); n != 6 {
				t.Errorf("%s life: %d frames are stored, 6 were sent", life, n)
			}
		})
		d.open(t)
	}
}
