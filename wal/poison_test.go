package wal

import (
	"errors"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/vfs"
)

// After a failed sync the log is dead, although the next sync would succeed, and its entries are there after a restart only
// if they really are on the disk.
func TestFsyncGate(t *testing.T) {
	m := vfs.NewMem()
	l := mustOpen(t, m, smallOptions())
	acked := makeEntries(1, 2, 1, 100)
	mustStore(t, l, acked...)
	m.Inject(vfs.FailNth(vfs.OpSync, 1, vfs.DropOnSync()))
	err := l.StoreLog(makeEntry(3, 1, 100))
	if !errors.Is(err, ErrPoisoned) || !errors.Is(err, syscall.EIO) {
		t.Fatalf("a failed sync returned %v", err)
	}
	m.Inject(nil) // the disk is well again
	ops := m.Ops()
	must(t, wantPoisoned(l, err))
	if m.Ops() != ops {
		t.Error("the log went on using the disk")
	}
	restarted := kill(m) // the page cache still has the entry, marked clean
	l = mustOpen(t, restarted, smallOptions())
	got, err := contents(l)
	must(t, err)
	if d := diff(got, acked); d != "" && diff(got, append(acked, makeEntry(3, 1, 100))) != "" {
		t.Fatal(d)
	}
	must(t, sameAfterPowerCut(restarted, smallOptions(), got))
}

// The cause is kept, and the first one counts.
func TestPoisonNamesTheCause(t *testing.T) {
	m := vfs.NewMem()
	l := mustOpen(t, m, smallOptions())
	m.Inject(vfs.FailKind(vfs.OpWrite, vfs.ShortWrite(7, syscall.ENOSPC)))
	err := l.StoreLog(makeEntry(1, 1, 100))
	m.Inject(vfs.FailKind(vfs.OpWrite, syscall.EIO))
	again := l.StoreLog(makeEntry(1, 1, 100))
	for _, err := range []error{err, again} {
		if !errors.Is(err, ErrPoisoned) || !errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EIO) ||
			!strings.Contains(err.Error(), "entries 1..1") {
			t.Errorf("%v", err)
		}
	}
}

// A housekeeper that fails poisons the log as well.
func TestHousekeeperPoisons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := vfs.NewMem()
		opt := smallOptions()
		opt.Inline = false
		l := mustOpen(t, m, opt)
		synctest.Wait()
		mustStore(t, l, makeEntry(2, 1, 3000))
		m.Inject(vfs.FailKind(vfs.OpRename, syscall.EIO))
		if err := l.StoreLog(makeEntry(3, 1, 3000)); err != nil { // moves on to the prepared file; the one after it cannot be made
			t.Fatal(err)
		}
		synctest.Wait()
		if err := l.StoreLog(makeEntry(4, 1, 1)); !errors.Is(err, ErrPoisoned) || !errors.Is(err, syscall.EIO) {
			t.Errorf("the housekeeper failed, and StoreLogs returned %v", err)
		}
	})
}

// Whichever of writer and compaction fails while the other is at the disk, the other reports nothing done any more.
func TestNothingIsDoneAfterAFailure(t *testing.T) {
	for _, slow := range []string{fileSuffix, metaTmpName} { // whose sync is under way while that of the other fails
		synctest.Test(t, func(t *testing.T) {
			m := vfs.NewMem()
			var stored []uint64
			opt := smallOptions()
			opt.OnStored, opt.Inline = func(last uint64) { stored = append(stored, last) }, false
			l := mustOpen(t, m, opt)
			mustStore(t, l, makeEntries(1, 3, 1, 100)...)
			l.SetFloor(3)
			synctest.Wait() // for the housekeeper
			m.Inject(func(op vfs.Op) error {
				switch {
				case op.Kind != vfs.OpSync:
					return nil
				case !strings.HasSuffix(op.Name, slow):
					return syscall.EIO
				}
				time.Sleep(time.Second)
				return nil
			})
			calls := map[string]func() error{
				fileSuffix:  func() error { return l.StoreLog(makeEntry(4, 1, 100)) },
				metaTmpName: func() error { return l.DeleteRange(1, 2) },
			}
			done := make(chan error)
			go func() { done <- calls[slow]() }()
			synctest.Wait()
			for name, call := range calls {
				if name != slow {
					must(t, wantPoisoned(l, call()))
				}
			}
			if err := <-done; !errors.Is(err, ErrPoisoned) || len(stored) != 1 {
				t.Errorf("%s: after a failure meanwhile it returned %v; told as stored: %v", slow, err, stored)
			}
		})
	}
}

// StoreLogs does not wait for a compaction that hangs at the disk, not even where it moves on to the next file.
func TestStoreDoesNotWait(t *testing.T) {
	m := vfs.NewMem()
	opt := smallOptions()
	opt.Inline = false
	l := mustOpen(t, m, opt)
	must(t, l.tidy()) // the next file is prepared
	want := makeEntries(1, 6, 1, 1000)
	mustStore(t, l, want[:3]...)
	entered, release := make(chan struct{}), make(chan struct{})
	var hangs atomic.Bool
	m.Inject(func(op vfs.Op) error {
		if op.Kind == vfs.OpSync && strings.HasSuffix(op.Name, metaTmpName) && !hangs.Swap(true) {
			close(entered)
			<-release
		}
		return nil
	})
	l.SetFloor(3)
	compacted, stored := make(chan error, 1), make(chan error, 1)
	go func() { compacted <- l.DeleteRange(1, 2) }()
	<-entered
	go func() { stored <- l.StoreLogs(want[3:]) }()
	select {
	case err := <-stored:
		must(t, err)
	case <-time.After(10 * time.Second):
		t.Error("StoreLogs waits for the compaction")
	}
	close(release)
	must(t, <-compacted)
	wantContents(t, l, want[2:])
	must(t, l.Close())
	got, err := reopened(powerCut(m), smallOptions())
	must(t, err)
	if d := diff(got, want[2:]); d != "" {
		t.Error(d)
	}
}

// Stalled tells how long the disk has been silent, so that the owner can fence the node.
func TestStalled(t *testing.T) {
	for _, name := range []string{fileSuffix, metaTmpName} {
		synctest.Test(t, func(t *testing.T) {
			m := vfs.NewMem()
			l := mustOpen(t, m, smallOptions())
			mustStore(t, l, makeEntries(1, 3, 1, 10)...)
			hang := make(chan struct{})
			var hangs atomic.Bool
			m.Inject(func(op vfs.Op) error {
				if op.Kind == vfs.OpSync && strings.HasSuffix(op.Name, name) && !hangs.Swap(true) {
					<-hang
				}
				return nil
			})
			done := make(chan error, 1)
			go func() {
				if name == fileSuffix {
					done <- l.StoreLog(makeEntry(4, 1, 10))
				} else {
					done <- l.DeleteRange(2, 3)
				}
			}()
			time.Sleep(3 * time.Second)
			if d := l.Stalled(); d != 3*time.Second {
				t.Errorf("%s: stalled for %v, want 3s", name, d)
			}
			close(hang)
			must(t, <-done)
			if d := l.Stalled(); d != 0 {
				t.Errorf("%s: stalled for %v on a healthy disk", name, d)
			}
			must(t, l.Close())
		})
	}
}
