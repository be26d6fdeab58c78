package proof

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

// step does what the three tasks of a node do until there is nothing to do, or a disk stands in the way, in one goroutine.
func (n *node) step() error {
	for ctx := context.Background(); ; {
		before := n.progress()
		look := n.Look()
		if _, err := n.sealer.censuses(ctx, &look); err != nil {
			return err
		}
		again, err := n.sealer.count(ctx, &look)
		if err != nil {
			return err
		}
		look = n.Look()
		if _, err := n.sealer.clerk(ctx, &look); err != nil {
			return err
		}
		if !again && n.progress() == before {
			return nil
		}
	}
}

// progress is another one after each thing that a node has done.
func (n *node) progress() string {
	st := n.sealer.Status()
	return fmt.Sprint(n.sealer.readUpTo(), st.LogSize, st.Checked, st.Objection, st.Checkpoint, len(st.Differences))
}

// life opens a node, takes part in some seals, and closes it again.
func (n *node) life(seals int) error {
	if err := n.open(); err != nil {
		return err
	}
	for range seals {
		n.r.store("d1", 70)
		n.r.store("d2", 3)
		n.r.mu.Lock()
		n.r.log.cut()
		n.r.flush()
		n.r.mu.Unlock()
		if err := n.step(); err != nil {
			return err
		}
	}
	return n.sealer.Close()
}

// replicated is the state that survives a crash, because others have it.
type replicated struct {
	section []byte
	records [][]byte
}

func (r *rig) replicated() replicated {
	return replicated{frozen(r.t, r.log.s), slices.Clone(r.log.records)}
}

// crashRig has one node on a file system, and the state of a moment.
func crashRig(t testing.TB, fs vfs.FS, from *rig, at replicated) *rig {
	r := newRig(t, 1)
	r.nodes[0].fs = fs.(*vfs.Mem)
	if from == nil {
		return r
	}
	if err := r.log.s.Restore(bytes.NewReader(at.section)); err != nil {
		t.Fatal(err)
	}
	r.log.records, r.log.index, r.log.ms = at.records, from.log.index, from.log.ms
	r.ledger, r.ledgers, r.manifest, r.files = from.ledger, from.ledgers, from.manifest, from.files
	r.nodes[0].floor = from.nodes[0].floor
	return r
}

// recovered checks what a node makes of what is left: everything that the log says, it has found itself, and nothing else.
func recovered(t testing.TB, fs vfs.FS, from *rig, at replicated) error {
	r := crashRig(t, fs, from, at)
	n := r.nodes[0]
	if err := n.open(); err != nil {
		return err
	}
	defer n.sealer.Close()
	if err := n.step(); err != nil {
		return err
	}
	if st := n.sealer.Status(); st.Objection != "" || len(st.Differences)+len(st.Pending) > 0 || st.Checked != st.Sealed || st.Sealed != st.Ordinal-1 || !n.signed() {
		return fmt.Errorf("the node says %+v", st)
	}
	if root, err := n.sealer.Store().Root(r.log.s.LogSize()); err != nil || root != r.log.s.LogRoot() {
		return fmt.Errorf("root %s of the log here, %s there: %w", root, r.log.s.LogRoot(), err)
	}
	names, err := fs.List("proof")
	if err != nil || slices.ContainsFunc(names, func(name string) bool { return len(name) > 4 && name[len(name)-4:] == ".tmp" }) {
		return fmt.Errorf("left behind: %q %w", names, err)
	}
	return n.check()
}

// TestCrashes cuts the power after every operation of two whole seals and a rest.
func TestCrashes(t *testing.T) {
	var r *rig
	seals := 0
	vfs.EachCrash(t, vfs.Trial{
		Workload: func(fs vfs.FS) error {
			r = crashRig(t, fs, nil, replicated{})
			r.leader = 0
			return r.nodes[0].life(2)
		},
		Check: func(fs vfs.FS) error {
			seals++
			return recovered(t, fs, r, r.replicated())
		},
		Seeds: 2, Points: 60, Recovery: 2,
	})
	if seals < 100 {
		t.Errorf("%d checks prove little", seals)
	}
}

// TestFaults fails every operation of two seals, in every way that vfs knows; whatever the node did until then, it starts again on a healthy disk.
func TestFaults(t *testing.T) {
	var r *rig
	vfs.EachFault(t, vfs.Trial{
		Workload: func(fs vfs.FS) error {
			r = crashRig(t, fs, nil, replicated{})
			return r.nodes[0].life(2)
		},
		Check: func(fs vfs.FS) error { return recovered(t, fs, r, r.replicated()) },
		Seeds: 1, Points: 40,
	})
}
