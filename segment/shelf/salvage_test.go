package shelf

import (
	"syscall"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

// What was damaged only on its way from the disk comes back without a peer.
func TestWholeCopyComesBackFromQuarantine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		s := shelfOf(t, m, small(), seg(0))
		m.Inject(vfs.FailNth(vfs.OpRead, 1, syscall.EIO))
		if err := readable(s, seg(0)); err == nil {
			t.Fatal("no error")
		}
		wantMissing(t, s, seg(0), WhyDamaged)
		startPull(t, s, newNetwork().fetch, peers()).complete(manifest(seg(0)))
		wantReadable(t, s, seg(0))
	})
}

// A copy that cannot be looked at for a while is not given up.
func TestSalvageGoesOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		s := shelfOf(t, m, small(), seg(0))
		m.Inject(vfs.FailNth(vfs.OpRead, 1, syscall.EIO))
		_ = readable(s, seg(0))
		m.Inject(func(op vfs.Op) error {
			if op.Kind == vfs.OpOpen && op.Name == seg(0).copy(1) {
				return syscall.EMFILE
			}
			return nil
		})
		p := startPull(t, s, newNetwork().fetch, peers())
		waitSecond()
		m.Inject(nil)
		p.complete(manifest(seg(0)))
	})
}

// A new copy in quarantine takes no older one's name.
func TestCopiesAreCounted(t *testing.T) {
	m := vfs.NewMem()
	put(t, m, seg(0))
	must(t, vfs.MakeDir(m, testDir+"/"+quarantineName))
	for _, n := range []int{2, 9, 10} {
		must(t, vfs.WriteFile(m, seg(0).copy(n), []byte("damaged")))
	}
	rot(t, m, seg(0).place(), seg(0).data)
	s := shelfOf(t, m, small())
	must(t, s.Want(manifest(seg(0))))
	_ = s.Check(t.Context(), seg(0).info.Name)
	if !exists(m, seg(0).copy(11)) {
		t.Errorf("no copy 11:\n%s", m)
	}
}

// A damaged copy is looked at once, not at every attempt.
func TestDamagedCopyIsNotSalvaged(t *testing.T) {
	bubble(t, func(t *testing.T) {
		m := vfs.NewMem()
		put(t, m, seg(0))
		rot(t, m, seg(0).place(), seg(0).data)
		must(t, vfs.MakeDir(m, testDir+"/"+quarantineName))
		must(t, m.Rename(seg(0).place(), seg(0).copy(1)))
		s := mustOpen(t, m, small())
		must(t, s.Want(manifest(seg(0))))
		wantMissing(t, s, seg(0), WhyDamaged)
		var seen opened
		m.Inject(seen.hook)
		n := newNetwork()
		p := startPull(t, s, n.fetch, peers("b"))
		for n.askedOf("b") < 3 {
			waitSecond()
		}
		if seen.n[seg(0).copy(1)] != 1 {
			t.Errorf("opened %d times", seen.n[seg(0).copy(1)])
		}
		n.mu.Lock()
		n.files[seg(0).info.Name] = seg(0).data
		n.mu.Unlock()
		p.complete(manifest(seg(0)))
		wantReadable(t, s, seg(0))
	})
}
