package proof

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/vfs"
)

// TestCensusFloorGone: a node whose floor is gone says nothing of the census, does not sign, and signs with the next.
func TestCensusFloorGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.start(t)
		late := r.nodes[1]
		r.store("d1", 5)
		r.pass(time.Second)
		r.change(func() { late.gone[r.log.index+1] = true }) // the index of the cut
		r.seal(r.nodes[0])
		r.pass(time.Minute)
		st := late.sealer.Status()
		if late.signed() || !strings.Contains(st.Objection, "census") || st.Checked != 1 || len(st.Differences) != 0 {
			t.Errorf("it signs, or says something else than that it has no census: %+v", st)
		}
		r.store("d1", 5)
		r.seal(r.nodes[0])
		r.settled(r.nodes...)
	})
}

// TestSlowNodeTakesTheCensus: the others were faster, and the cut is done with. It counts the census all the same while the floor is there, and
// signs.
func TestSlowNodeTakesTheCensus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.start(t)
		slow := r.nodes[2]
		r.store("d1", 5)
		r.change(func() { slow.behind = copyOf(r.log.s) })
		r.seal(r.nodes[0])
		r.change(func() { slow.behind, slow.floor = nil, r.nodes[0].floor })
		r.settled(slow)
		if r.times(KindRoots) != 2 {
			t.Errorf("roots were said %d times", r.times(KindRoots))
		}
	})
}

// TestLateNodeCountsInOnePass: a node that was away for many seals opens each segment once, not once for each ordinal, and eight files at once.
func TestLateNodeCountsInOnePass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		r.nodes[0].start()
		r.nodes[1].start()
		t.Cleanup(func() { r.nodes[0].kill(); r.nodes[1].kill() })
		const seals = atOnce + 5
		for range seals {
			r.store("d1", 3)
			r.seal(r.nodes[0])
		}
		late := r.nodes[2]
		for index := range r.ledgers {
			late.gone[index] = index != r.nodes[0].floor
		}
		var open, most atomic.Int32
		late.fs.Inject(func(op vfs.Op) error {
			if name, tmp := strings.CutSuffix(op.Name, leaves.TempExtension); tmp && strings.HasSuffix(name, ".strips") {
				switch op.Kind {
				case vfs.OpCreate:
					most.Store(max(most.Load(), open.Add(1)))
				case vfs.OpRename:
					open.Add(-1)
				}
			}
			return nil
		})
		late.start()
		defer late.kill()
		r.settled(late)
		if r.peek(&late.opened) != seals || strings.Count(late.output.String(), "msg=counted") != 2 {
			t.Errorf("it opened %d segments, there are %d:\n%s", r.peek(&late.opened), seals, late.output.String())
		}
		if most.Load() != 1 { // filesOfProof of openfiles.go counts on it
			t.Errorf("%d files of strips were open at once", most.Load())
		}
		if err := late.check(); err != nil || late.sealer.Status().Checked != seals {
			t.Errorf("%v %+v", err, late.sealer.Status())
		}
	})
}

// TestSegmentMissing: what cannot be counted yet is tried again, not often, and the census is not lost over it.
func TestSegmentMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 2)
		r.start(t)
		r.store("d1", 5)
		n := r.nodes[1]
		r.change(func() {
			r.log.cut()
			r.flush()
			n.broken[r.manifest.Segments()[0].Name] = errors.New("it is being pulled")
		})
		r.pass(time.Minute)
		if r.peek(&n.opened) < 5 || r.peek(&n.opened) > 20 {
			t.Errorf("in a minute it tried %d times", r.peek(&n.opened))
		}
		if why := n.sealer.Status(); len(why.Pending) != 1 || len(why.Pending[0].Reported) != 1 {
			t.Errorf("%+v", why)
		}
		r.change(func() { n.gone[n.floor] = true; clear(n.broken) }) // two flushes later
		r.until("sealed", func() bool { return r.state().SealedThrough() == 1 })
		if r.state().CountedThrough() != 1 {
			t.Error("the census is lost")
		}
		r.settled(r.nodes...)
	})
}
