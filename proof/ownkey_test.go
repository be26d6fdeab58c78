package proof

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/vfs"
)

// gauge reads one metric of a node, without labels.
func (n *node) gauge(name string) float64 {
	n.r.t.Helper()
	families, err := n.registry.Gather()
	if err != nil {
		n.r.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "gapless_proof_"+name {
			return f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	n.r.t.Fatalf("no metric %s", name)
	return 0
}

// lose removes key files.
func (n *node) lose(names ...string) {
	n.r.t.Helper()
	for _, name := range names {
		if err := errors.Join(n.fs.Remove(name), n.fs.SyncDir(".")); err != nil {
			n.r.t.Fatal(err)
		}
	}
}

// TestForeignKey: a server in whose name somebody made a key known says that, before and after a restart, whether it has a key of its own or none. It
// does not say that it lost a file.
func TestForeignKey(t *testing.T) {
	for name, late := range map[string]bool{"before it had a key": false, "before the log had its key": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 3)
				n := r.nodes[2]
				if late {
					r.leader = -1
					n.start()
					r.until("it has a key", func() bool { return len(n.keyNames()) == 1 })
					n.kill()
					r.leader = 0
				}
				r.change(func() {
					if code := r.log.apply(KindKey, keyCommandOf(t, keyOf(t, 77), n.server)); code != "" {
						t.Fatal(code)
					}
				})
				before := n.keyNames()
				for range 2 {
					n.output.reset()
					n.start()
					r.pass(time.Minute)
					st := n.sealer.Status()
					if !strings.Contains(st.Objection, "somebody made a key known in this server's name") || strings.Contains(st.Objection, "bring the file back") {
						t.Errorf("objection %q", st.Objection)
					}
					if got := strings.Count(n.output.String(), "level=ERROR"); got != 1 {
						t.Errorf("%d errors in\n%s", got, n.output.String())
					}
					if n.gauge("foreign_key") != 1 || n.gauge("signs") != 0 || !slices.Equal(n.keyNames(), before) {
						t.Errorf("foreign %v, signs %v, key files %v", n.gauge("foreign_key"), n.gauge("signs"), n.keyNames())
					}
					n.kill()
				}
			})
		})
	}
}

// TestLostKey: a node that lost the file of its key says what it needs, in its status and as a metric, and goes on when the file is back. Of a node
// that is alone it does not ask for a replacement, which nobody could do.
func TestLostKey(t *testing.T) {
	for _, size := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, size)
			r.start(t)
			r.settled(r.nodes...)
			n := r.nodes[size-1]
			if st := n.sealer.Status(); st.Objection != "" || n.gauge("signs") != 1 {
				t.Errorf("it is well: %q, signs %v", st.Objection, n.gauge("signs"))
			}
			n.kill()
			key, _, err := n.sealer.keys.newest()
			if err != nil {
				t.Fatal(err)
			}
			n.lose(keyName(1))
			n.start()
			r.pass(time.Minute)
			st := n.sealer.Status()
			if !strings.Contains(st.Objection, "its file is not here") || strings.Contains(st.Objection, "gapless ctl replace") != (size > 1) {
				t.Errorf("of %d: objection %q", size, st.Objection)
			}
			if n.gauge("foreign_key") != 0 || n.gauge("signs") != 0 || len(n.keyNames()) != 0 {
				t.Errorf("foreign %v, signs %v, key files %v", n.gauge("foreign_key"), n.gauge("signs"), n.keyNames())
			}
			n.save(1, key.key)
			r.until("it signs", func() bool { return n.gauge("signs") == 1 && n.sealer.Status().Objection == "" })
		})
	}
}

// TestReplayedState: a state from before a rotation, or from before the first key, is no reason to make a key, to miss one, or to destroy one.
func TestReplayedState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		n := r.nodes[2]
		empty := r.state()
		r.start(t)
		r.settled(r.nodes...)
		first := r.state()
		if err := n.sealer.Rotate("ops"); err != nil {
			t.Fatal(err)
		}
		r.until("known", n.hasOwn)
		for _, old := range []*Section{empty, first, nil} { // nil: as the log is
			n.kill()
			n.output.reset()
			r.change(func() { n.behind, n.replays = old, true; clear(r.said) })
			n.start()
			r.pass(time.Minute)
			if got := n.output.String(); strings.Contains(got, "not here") || strings.Contains(got, "key/") || r.times(KindKey) > 0 {
				t.Errorf("%d KEY, it says\n%s", r.times(KindKey), got)
			}
			if names := n.keyNames(); !slices.Equal(names, []string{keyName(2)}) {
				t.Errorf("key files %v", names)
			}
			if err := n.sealer.Rotate("ops"); !errors.Is(err, ErrRotating) {
				t.Errorf("a rotation: %v", err)
			}
			r.change(func() { n.behind, n.replays = nil, false })
			r.until("it signs", func() bool { return n.hasOwn() && n.gauge("signs") == 1 })
		}
	})
}

// TestLostKeyReplay: with a state from before the first key, a node whose file is lost makes no other one under its name.
func TestLostKeyReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3)
		n := r.nodes[2]
		empty := r.state()
		r.start(t)
		r.settled(r.nodes...)
		n.kill()
		n.lose(keyName(1))
		r.change(func() { n.behind, n.replays = empty, true })
		n.start()
		r.pass(time.Minute)
		r.change(func() { n.behind, n.replays = nil, false })
		r.pass(time.Minute)
		if names := n.keyNames(); len(names) != 0 || !strings.Contains(n.sealer.Status().Objection, "its file is not here") {
			t.Errorf("key files %v, objection %q", names, n.sealer.Status().Objection)
		}
	})
}

// TestSpoiledNewest: a damaged key file that the log never heard of is not worth a replacement.
func TestSpoiledNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.start(t)
		r.settled(r.nodes...)
		n := r.nodes[0]
		n.kill()
		if err := vfs.WriteFile(n.fs, keyName(2), []byte("gapless/key/v1\nseed ")); err != nil {
			t.Fatal(err)
		}
		n.start()
		r.pass(time.Minute)
		if got := n.output.String(); !strings.Contains(got, "proof-2.key is damaged") || !strings.Contains(got, "remove that file") || strings.Contains(got, "replace") {
			t.Errorf("it says\n%s", got)
		}
		if n.gauge("signs") != 1 {
			t.Error("it does not sign with the one before")
		}
		n.lose(keyName(2))
		r.store("d1", 1)
		r.seal(n)
		r.settled(n)
	})
}
