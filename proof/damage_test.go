package proof

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/vfs"
)

// TestDamagedStrips: a file that rots is found when it is read, and counted again: at the start, and while the node runs.
func TestDamagedStrips(t *testing.T) {
	for name, offset := range map[string]int64{"at its beginning": 3, "in a record": 60} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 1)
				r.start(t)
				for range 3 {
					r.store("d1", 10)
					r.seal(r.nodes[0])
				}
				n := r.nodes[0]
				if err := n.fs.Flip("proof/"+leaves.FileName(leaves.Strips, 2), offset, 1); err != nil {
					t.Fatal(err)
				}
				if err := n.check(); n.sealer.archive.Suspect(err) == nil {
					t.Fatal("the damage was not found")
				}
				r.until("counted again, and compared", func() bool {
					st := n.sealer.Status()
					return n.check() == nil && st.Objection == "" && st.Checked == 3
				})
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.start(t)
		n := r.nodes[0]
		for range 3 {
			r.store("d1", 10)
			r.seal(n)
		}
		n.kill()
		if err := n.fs.Flip("proof/"+leaves.FileName(leaves.Strips, 1), 3, 1); err != nil {
			t.Fatal(err)
		}
		for _, leftover := range []string{"00000000000000000009.strips.tmp", "00000000000000000001.strips.other"} {
			if _, err := n.fs.Create("proof/" + leftover); err != nil {
				t.Fatal(err)
			}
		}
		n.start()
		r.until("counted again", func() bool { return n.sealer.Status().Checked == 3 && n.check() == nil })
		if names, err := n.fs.List("proof"); err != nil || strings.Contains(strings.Join(names, " "), ".tmp") || strings.Contains(strings.Join(names, " "), ".other") {
			t.Errorf("left behind: %q %v", names, err)
		}
	})
}

// TestHashStore: hashes of the log that are damaged, behind, or of another log are made again.
func TestHashStore(t *testing.T) {
	const file = "proof/" + storeName
	for name, plant := range map[string]func(n *node) error{
		"a damaged header": func(n *node) error { return n.fs.Flip(file, 3, 0) },
		"a damaged hash":   func(n *node) error { return n.fs.Flip(file, 36+5, 0) },
		"gone":             func(n *node) error { return n.fs.Remove(file) },
		"behind": func(n *node) error {
			f, err := n.fs.OpenReadWrite(file)
			if err != nil {
				return err
			}
			return errors.Join(f.Truncate(36*3), f.Close())
		},
		"another log": func(n *node) error { // of the same length, right in itself
			if err := n.fs.Remove(file); err != nil {
				return err
			}
			s, err := openStore(n.fs, "proof")
			if err != nil {
				return err
			}
			for range n.r.log.records {
				if err := s.Append([32]byte{1}); err != nil {
					return err
				}
			}
			return s.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 1)
				r.start(t)
				n := r.nodes[0]
				for range 3 {
					r.store("d1", 10)
					r.seal(n)
				}
				n.kill()
				if err := plant(n); err != nil {
					t.Fatal(err)
				}
				n.start()
				r.until("the hashes are those of the log", func() bool {
					root, err := n.sealer.Store().Root(r.state().LogSize())
					return err == nil && root == r.state().LogRoot() && n.sealer.readUpTo() == r.state().LogSize()
				})
				r.store("d1", 1)
				r.seal(n)
			})
		})
	}
}

// TestFailingDisk: it is reported, the others go on, and the node takes part again once the disk is well.
func TestFailingDisk(t *testing.T) {
	for name, hook := range map[string]func(vfs.Op) error{
		"full":       func(op vfs.Op) error { return onlyIf(op.Kind.Allocates(), syscall.ENOSPC) },
		"no writing": func(op vfs.Op) error { return onlyIf(op.Kind.Changes(), syscall.EIO) },
		"no reading": func(op vfs.Op) error { return onlyIf(op.Kind == vfs.OpRead, syscall.EIO) },
		"nothing":    func(vfs.Op) error { return syscall.EIO },
		"no syncs":   func(op vfs.Op) error { return onlyIf(op.Kind == vfs.OpSync, vfs.DropOnSync()) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 3)
				r.start(t)
				r.store("d1", 5)
				r.seal(r.nodes[0])
				r.settled(r.nodes...)
				sick := r.nodes[2]
				sick.fs.Inject(hook)
				r.store("d1", 5)
				r.seal(r.nodes[0])
				r.pass(time.Minute)
				if sick.signed() || !strings.Contains(sick.output.String(), "level=WARN") || sick.sealer.Status().Objection == "" {
					t.Errorf("it signs, or says nothing:\n%s", sick.output.String())
				}
				sick.fs.Inject(nil)
				r.settled(sick)
				if err := sick.check(); err != nil {
					t.Error(err)
				}
				names, err := sick.fs.List("proof")
				if err != nil || strings.Contains(strings.Join(names, " "), ".tmp") {
					t.Errorf("left behind: %q %v", names, err)
				}
			})
		})
	}
}

// TestNothingLeftBehind: a file that cannot be finished is gone at once, not at the next attempt, which may never come.
func TestNothingLeftBehind(t *testing.T) {
	for nth := 1; nth <= 2; nth++ { // the census, the strips
		r := newRig(t, 1)
		n := r.nodes[0]
		if err := n.open(); err != nil {
			t.Fatal(err)
		}
		n.fs.Inject(vfs.FailNth(vfs.OpRename, nth, syscall.EIO))
		r.store("d1", 5)
		r.change(func() { r.log.cut(); r.flush() })
		if err := n.step(); !errors.Is(err, syscall.EIO) {
			t.Errorf("rename %d: %v", nth, err)
		}
		if names, err := n.fs.List("proof"); err != nil || strings.Contains(strings.Join(names, " "), leaves.TempExtension) {
			t.Errorf("left behind after rename %d: %q %v", nth, names, err)
		}
		if err := n.sealer.Close(); err != nil {
			t.Error(err)
		}
	}
}

func onlyIf(is bool, err error) error {
	if is {
		return err
	}
	return nil
}

// TestArchiveIsTidied: old censuses go, those that are wanted stay.
func TestArchiveIsTidied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.start(t)
		for range 10 {
			r.store("d1", 1)
			r.seal(r.nodes[0])
		}
		r.settled(r.nodes...)
		r.pass(5 * time.Second)
		names, err := r.nodes[0].fs.List("proof")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(strings.Join(names, " "), ".census"); got != keptCensuses {
			t.Errorf("%d censuses are kept: %q", got, names)
		}
	})
	a := newArchive(vfs.NewMem(), "proof", 0, nil)
	if err := a.open(); err != nil {
		t.Fatal(err)
	}
	for index := range uint64(9) {
		w, err := a.create(leaves.Census, index)
		if err == nil {
			_, err = w.Finish()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := a.tidy(func(index uint64) bool { return index == 2 }); err != nil {
		t.Fatal(err)
	}
	for index := range uint64(9) {
		if _, here := a.Has(leaves.Census, index); here != (index == 2 || index > 4) {
			t.Errorf("census %d is here: %t", index, here)
		}
	}
}
