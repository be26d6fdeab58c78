package proof

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/proof/record"
)

// cutTimes are the commit times of the ends of the seals in the log.
func (r *rig) cutTimes() (list []time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.log.records {
		if p, err := record.Parse(b); err != nil {
			r.t.Fatal(err)
		} else if seal, ok := p.(*record.Seal); ok {
			at, err := record.ParseTime(seal.At)
			if err != nil {
				r.t.Fatal(err)
			}
			list = append(list, at)
		}
	}
	return list
}

// TestSealsOnDemand: fifty callers at three nodes, again and again, end one seal a second together, each after its call.
func TestSealsOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.began = time.Now()
		r.start(t)
		r.settled(r.nodes...)
		const callers, times = 50, 4
		done := make(chan error)
		for i := range callers {
			go func() {
				var err error
				for range times {
					open := r.state().Ordinal()
					look, sealed := r.nodes[i%3].sealer.Seal(t.Context())
					if err = errors.Join(err, sealed); look.Section.newest.Counted < open {
						err = errors.Join(err, errors.New("the census is older than the call"))
					}
				}
				done <- err
			}()
		}
		for range callers {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		cuts := r.cutTimes()
		if len(cuts) < times || len(cuts) > 3*times { // a call may just have missed one, and each command moves the clock of this log
			t.Errorf("%d seals for %d calls in a row", len(cuts), times)
		}
		for i := 1; i < len(cuts); i++ {
			if between := cuts[i].Sub(cuts[i-1]); between < betweenSeals {
				t.Errorf("%s between two seals", between)
			}
		}
		if said := r.times(KindCut); said > 3*len(cuts) {
			t.Errorf("%d cuts were proposed for %d seals: a node proposes one at a time", said, len(cuts))
		}
	})
}

// TestSealWaitsForFlush: while the leader refuses a cut because of a flush, who asked waits, as long as it wants to, and is told what for.
func TestSealWaitsForFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.start(t)
		r.settled(r.nodes...)
		r.change(func() { r.flushing = 5 })
		start := time.Now()
		if r.seal(r.nodes[0]); time.Since(start) < 5*seldom || r.times(KindCut) != 6 {
			t.Errorf("after %s and %d cuts", time.Since(start), r.times(KindCut))
		}
		r.change(func() { r.flushing = 1 << 30 })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := r.nodes[0].sealer.Seal(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "the end of seal 2") ||
			!strings.Contains(err.Error(), "a flush was under way") {
			t.Errorf("%v", err)
		}
	})
}

// TestSealRefusedEarly: with four ordinals that wait for their SEAL none is added on demand, and none by time.
func TestSealRefusedEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.nodes[0].start() // alone: no majority counts
		defer r.nodes[0].kill()
		for range mostWaiting {
			r.change(func() { r.log.cut(); r.flush() })
		}
		before := r.times(KindCut)
		var refused *Refusal
		if _, err := r.nodes[0].sealer.Seal(t.Context()); !errors.As(err, &refused) || refused.Code != CodeProofLimit || r.times(KindCut) != before {
			t.Errorf("%v", err)
		}
	})
}

// TestCutInTimeWithoutTheLog: a leader that cannot read the log, or cannot make its key known, ends seals for the others all the same.
func TestCutInTimeWithoutTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.interval = time.Hour
		r.nodes[0].tamper = func(int64, []byte) []byte { return []byte("no record") }
		r.start(t)
		r.pass(2 * time.Second)
		for ordinal := uint32(1); ordinal <= 3; ordinal++ {
			r.tick(time.Hour)
			r.until("sealed", func() bool { return r.state().CountedThrough() == ordinal })
		}
		r.settled(r.nodes[1:]...)
		if r.nodes[0].signed() {
			t.Error("it signs what it cannot read")
		}
	})
}
