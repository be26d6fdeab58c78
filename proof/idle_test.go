package proof

import (
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/vfs"
)

// TestNothingSpins: without a change a node looks once a second in each of its three tasks, and commits nothing: idle, without a leader, with a state
// that lags behind what it said, with a key that is refused, with roots that differ.
func TestNothingSpins(t *testing.T) {
	for name, plant := range map[string]func(r *rig){
		"idle":              func(*rig) {},
		"no leader":         func(r *rig) { r.leader = -1 },
		"not active":        func(r *rig) { r.version = 2 },
		"a state that lags": func(r *rig) { r.nodes[1].behind = copyOf(r.log.s) },
		"a refused key": func(r *rig) {
			for _, n := range r.nodes { // the second one makes another, once
				if err := keyOf(r.t, 0).Save(n.fs, keyName(1)); err != nil {
					r.t.Fatal(err)
				}
			}
		},
		"no vote in the log": func(r *rig) { r.log.voters = []string{"n1.a", "n2.b", "n9.x"} },
		"a broken disk":      func(r *rig) { r.nodes[1].fs.Inject(vfs.FailKind(vfs.OpWrite, syscall.EIO)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 2)
				plant(r)
				for _, n := range r.nodes {
					if err := n.open(); err == nil {
						n.start()
						defer n.kill()
					}
				}
				r.store("d1", 5)
				r.mu.Lock()
				if r.log.apply(KindCut, cutCommand{1}) == "" {
					r.flush()
				}
				r.signal()
				r.mu.Unlock()
				r.pass(30 * time.Second)
				r.mu.Lock()
				n := r.nodes[1]
				looks, said := n.looks, total(r.said)
				r.mu.Unlock()
				const seconds = 100
				r.pass(seconds * time.Second)
				r.mu.Lock()
				defer r.mu.Unlock()
				if got := n.looks - looks; got > 5*seconds {
					t.Errorf("%d looks in %d s", got, seconds)
				}
				if got := total(r.said) - said; name == "idle" && got > 0 || got > 3*2*seconds {
					t.Errorf("%d commands in %d s", got, seconds)
				}
			})
		})
	}
}

func total(said map[uint16]int) (n int) {
	for _, k := range said {
		n += k
	}
	return n
}

// TestBusyLog: a log that moves all the time costs a bounded number of looks.
func TestBusyLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.start(t)
		r.settled(r.nodes...)
		r.mu.Lock()
		looks := r.nodes[0].looks
		r.mu.Unlock()
		for range 10_000 {
			r.tick(0)
			r.pass(100 * time.Microsecond)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if got := r.nodes[0].looks - looks; got > 350 {
			t.Errorf("%d looks in a second of 10,000 changes", got)
		}
	})
}

// TestBusyLogBadDisk: what fails is tried again once in an interval, and said once in five seconds, however fast the log moves.
func TestBusyLogBadDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.start(t)
		r.settled(r.nodes...)
		n := r.nodes[0]
		n.fs.Inject(vfs.FailKind(vfs.OpWrite, syscall.EIO))
		r.store("d1", 5)
		r.change(func() { r.log.s.Audited(1, 1, "", "x", "", "", nil); r.log.take(); r.log.cut(); r.flush() })
		for range 10_000 {
			r.tick(0)
			r.pass(time.Millisecond)
		}
		if got := strings.Count(n.output.String(), "level=WARN"); got < 2 || got > 10 {
			t.Errorf("%d warnings in 10 s", got)
		}
		n.fs.Inject(nil)
		r.until("sealed", func() bool { return r.state().SealedThrough() == 1 })
		r.settled(n)
	})
}
