package proof

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// asked counts what calls for a seal came to.
type asked struct {
	answered, refused, late int
}

// ask asks for a seal on demand every second, of one node after the other, and waits for every answer, 30 s at most.
func (r *rig) ask(times int) (got asked) {
	var mu sync.Mutex // protects got
	var calls sync.WaitGroup
	for i := range times {
		r.store("d1", 5)
		calls.Go(func() {
			ctx, cancel := context.WithTimeout(r.t.Context(), 30*time.Second)
			defer cancel()
			_, err := r.nodes[i%len(r.nodes)].sealer.Seal(ctx)
			var refused *Refusal
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				got.answered++
			case errors.As(err, &refused) && refused.Code == CodeProofLimit:
				got.refused++
			default:
				got.late++
			}
		})
		r.pass(time.Second)
	}
	calls.Wait()
	return got
}

// TestSealsFasterThanHashing: who asks for a seal faster than the nodes hash one is answered, or refused at once, and checkpoints come all the while.
func TestSealsFasterThanHashing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.began = time.Now()
		r.start(t)
		r.settled(r.nodes...)
		r.change(func() { r.hashing = 1500 * time.Millisecond })
		const times = 100
		if got := r.ask(times); got.late > 0 || got.answered < times/2 {
			t.Errorf("%+v", got)
		}
		r.settled(r.nodes...)
		if s := r.state(); s.Newest().Counted != s.SealedThrough() || s.SealedThrough() < times/2 {
			t.Errorf("%d seals, counted through %d in the newest checkpoint", s.SealedThrough(), s.Newest().Counted)
		}
	})
}

// TestSignsWhileItHashes: where a seal ends in time before the one before it is compared, each is signed all the same, not only the last one.
func TestSignsWhileItHashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.began = time.Now()
		r.start(t)
		r.settled(r.nodes...)
		r.change(func() { r.interval, r.hashing = time.Second, 5*time.Second })
		for range 60 {
			r.store("d1", 5)
			r.pass(time.Second)
			if s := r.state(); s.SealedThrough() > s.Newest().Seal+1 {
				t.Fatalf("sealed through %d, signed through %d", s.SealedThrough(), s.Newest().Seal)
			}
		}
		if r.state().SealedThrough() < 5 {
			t.Errorf("sealed through %d", r.state().SealedThrough())
		}
	})
}

// TestSealOnDemandUnsigned: while no majority signs, as after two of three disks were replaced, seals on demand do not fill the log, and one a minute ends
// all the same. Once a majority signs again they do as ever.
func TestSealOnDemandUnsigned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.began = time.Now()
		r.start(t)
		r.seal(r.nodes[0])
		r.settled(r.nodes...)
		cannotRead := func(int64, []byte) []byte { return []byte("no record") }
		r.change(func() { r.nodes[1].tamper, r.nodes[2].tamper = cannotRead, cannotRead })
		before := r.state()
		const minutes = 5
		got := r.ask(minutes * 60)
		s := r.state()
		if ended := int(s.Ordinal() - before.Ordinal()); ended < minutes || ended > mostWaiting+minutes || got.answered > 0 || got.refused == 0 {
			t.Errorf("%d ended in %d minutes, %+v", ended, minutes, got)
		}
		if s.Newest().Size != before.Newest().Size || s.SealedThrough() != s.Ordinal()-1 {
			t.Errorf("sealed through %d of %d, signed %d records", s.SealedThrough(), s.Ordinal()-1, s.Newest().Size)
		}
		r.change(func() { r.nodes[1].tamper, r.nodes[2].tamper = nil, nil })
		r.settled(r.nodes...)
		if got := r.ask(10); got.answered != 10 {
			t.Errorf("%+v", got)
		}
	})
}
