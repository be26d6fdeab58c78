package proof

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestThreeSeal: all count, a majority agrees, all sign.
func TestThreeSeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.start(t)
		for i := range 5 {
			r.store("d1", 10)
			if i != 2 { // the third ordinal lacks a device, the fourth is empty
				r.store("d2", 3)
			}
			look := r.seal(r.nodes[i%3])
			if look.Section.Newest().Counted != uint32(i)+1 {
				t.Errorf("sealed %d, the checkpoint has %+v", i+1, look.Section.Newest())
			}
		}
		r.seal(r.nodes[0])
		r.settled(r.nodes...)
		for _, n := range r.nodes {
			if st := n.sealer.Status(); st.Sealed != 6 || st.Checked != 6 || st.Objection != "" || len(st.Pending)+len(st.Differences) > 0 || len(st.Checkpoint.Signers) != 3 {
				t.Errorf("%s: %+v", n.server, st)
			}
			if err := n.check(); err != nil {
				t.Error(err)
			}
			if c, at, ok := n.sealer.CensusOf(r.state().newest.Index); !ok || c.Seal != 6 || c.Totals.Stored != 5*10+4*3 || c.Totals.Open != 4+3 || at != r.state().LogSize()-1 {
				t.Errorf("the newest census is %+v at %d", c, at)
			}
			if out := n.output.String(); strings.Contains(out, "level=ERROR") || strings.Contains(out, "level=WARN") {
				t.Error(out)
			}
		}
		r.log.checkNote("n1", "n2", "n3")
		n := r.nodes[0]
		n.kill()
		if n.sealer.compared = 0; !strings.Contains(n.sealer.objection(r.state().Current()), "is not compared here yet") {
			t.Error("it signs a census that it has not compared")
		}
	})
}

// TestCutInTime: the leader ends an ordinal when its time is up, in commit time, and none while the one before has no SEAL.
func TestCutInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.interval = time.Hour
		r.start(t)
		r.pass(2 * time.Second)
		open := func() uint32 { return r.nodes[0].sealer.Status().Ordinal }
		r.tick(59 * time.Minute)
		r.pass(2 * time.Second)
		if open() != 1 {
			t.Error("cut before its time")
		}
		r.tick(time.Minute)
		r.until("cut", func() bool { return open() == 2 })
		r.settled(r.nodes...)
		r.change(func() {
			r.log.voters = []string{"n8.x", "n9.y"} // who say nothing
		})
		for range 3 {
			r.tick(2 * time.Hour)
			r.pass(2 * time.Second)
		}
		if open() != 3 {
			t.Errorf("ordinal %d is open; one had to end, and no more before it has its SEAL", open())
		}
		r.change(func() { r.log.voters = three })
		r.until("sealed", func() bool { return r.nodes[0].sealer.Status().Sealed >= 2 })
		r.pass(2 * time.Second)
		r.settled(r.nodes...)
		if cuts := r.times(KindCut); cuts != int(open())-1 {
			t.Errorf("%d cuts were proposed, %d ordinals have ended", cuts, open()-1)
		}
	})
}

// TestVotersGo: the reports that are there are a majority of those that stay. Somebody says it again.
func TestVotersGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		r.log.voters = append([]string{"n7.x", "n8.y", "n9.z"}, three[:2]...)
		r.start(t)
		r.store("d1", 5)
		r.change(func() { r.log.cut(); r.flush() })
		r.until("both have spoken", func() bool { return len(r.nodes[0].sealer.Status().Pending[0].Reported) == 2 })
		r.pass(time.Minute)
		if r.state().SealedThrough() != 0 {
			t.Fatal("two of five sealed")
		}
		r.change(func() { r.log.voters = three; r.log.s.At(1, clusterID, three) })
		r.until("sealed", func() bool { return r.state().CountedThrough() == 1 })
		r.settled(r.nodes...)
	})
}

// TestContextEndsEverything: every wait ends with its context, and says for what it waited.
func TestContextEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.nodes[0].start() // alone: no majority counts
		n := r.nodes[0]
		defer n.kill()
		r.store("d1", 5)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		if _, err := n.sealer.Seal(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 nodes have said its root (n1.a)") {
			t.Errorf("a seal without a majority: %v", err)
		}
		if err := n.sealer.Followed(ctx, 100); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("records that never come: %v", err)
		}
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("it took %s", took)
		}
		r.change(func() { r.leader = -1 })
		if _, err := n.sealer.Seal(t.Context()); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without a leader: %v", err)
		}
	})
}

// TestSealRefused: what no seal can come of is said at once.
func TestSealRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		r.start(t)
		r.change(func() { r.version = 2 })
		n := r.nodes[0]
		if _, err := n.sealer.Seal(t.Context()); !errors.Is(err, ErrInactive) {
			t.Errorf("before the version: %v", err)
		}
		r.change(func() {
			r.version = 3
			r.nodes[0].policy = []byte(`{"revision":9}`)
		})
		if _, err := n.sealer.Seal(t.Context()); !errors.Is(err, ErrNoCensus) {
			t.Errorf("with two censuses: %v", err)
		}
		r.nodes[1].kill()
		r.change(func() {
			for range maxCuts {
				r.log.cut()
				r.flush()
			}
		})
		var refused *Refusal
		if _, err := n.sealer.Seal(t.Context()); !errors.As(err, &refused) || refused.Code != CodeProofLimit {
			t.Errorf("with %d ordinals that wait: %v", maxCuts, err)
		}
	})
}

// TestSealsAtOnce share a cut.
func TestSealsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.start(t)
		r.store("d1", 5)
		done := make(chan error)
		look := r.nodes[0].Look()
		for range 5 {
			go func() {
				_, err := r.nodes[0].sealer.wait(t.Context(), look.Section.Ordinal())
				done <- err
			}()
		}
		r.seal(r.nodes[0])
		for range 5 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if err := r.nodes[1].sealer.propose(t.Context(), KindCut, cutCommand{1}); !tooLate(err) {
			t.Errorf("a second cut of the same ordinal: %v", err)
		}
	})
}
