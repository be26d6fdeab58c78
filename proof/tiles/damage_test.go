package tiles

import (
	"errors"
	"syscall"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/vfs"
)

// Any flipped bit is an error where it is read, and cuts the store there when it is opened. No hash read is ever wrong.
func TestNoDamagedHashIsServed(t *testing.T) {
	const n = 11
	m := modelOf(t, "a", n)
	size := slotOffset(tlog.StoredHashCount(n))
	for off := int64(0); off < size; off += 5 { // every place in a slot, as 5 and 36 share no factor
		dir := newDir(t)
		s := open(t, dir)
		if err := errors.Join(s.Append(leaves("a", 0, n)...), s.file.Sync()); err != nil {
			t.Fatal(err)
		}
		if err := dir.Flip(storeFile, off, uint(off%8)); err != nil {
			t.Fatal(err)
		}
		damaged := int64(0)
		for i := range tlog.StoredHashCount(n) {
			h, err := s.ReadHashes([]int64{i})
			var bad *CorruptionError
			switch {
			case errors.As(err, &bad) && bad.Offset == slotOffset(i) && bad.Path == storeFile:
				damaged++
			case err != nil || h[0] != m[i]:
				t.Fatalf("flip at %d: hash %d is %v, %v", off, i, h, err)
			}
		}
		if want := min(off/slotBytes, 1); damaged != want {
			t.Fatalf("flip at %d: %d hashes are refused, want %d", off, damaged, want)
		}
		reopened, err := Open(dir, storeFile)
		if off < slotBytes {
			if bad := (*CorruptionError)(nil); !errors.As(err, &bad) {
				t.Fatalf("flip at %d in the header: %v", off, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("flip at %d: %v", off, err)
		}
		kept := reopened.Size()
		if slot := off/slotBytes - 1; tlog.StoredHashCount(kept) > slot || tlog.StoredHashCount(kept+1) <= slot {
			t.Fatalf("flip at %d, in slot %d: %d leaves kept", off, slot, kept)
		}
		// What goes on may be another log; no slot of the old one may join it, though its checksum is right.
		if err := errors.Join(sameAs(reopened, "a", kept, m), reopened.Append(leaf("b", kept)), reopened.Close()); err != nil {
			t.Fatalf("flip at %d: %v", off, err)
		}
		again := open(t, dir)
		if again.Size() != kept+1 {
			t.Fatalf("flip at %d: %d leaves, want %d and one", off, again.Size(), kept)
		}
		if err := errors.Join(again.Truncate(kept), again.Append(leaves("a", kept, n-kept)...), sameAs(again, "a", n, m)); err != nil {
			t.Fatalf("flip at %d: %v", off, err)
		}
	}
}

// An inner hash with a checksum that is right, but of another log: the leaves before it stay, it does not.
func TestInnerHashesAreComputedAgain(t *testing.T) {
	a, b := modelOf(t, "a", 8), modelOf(t, "b", 8)
	for slot := range int64(len(a)) {
		level, n := tlog.SplitStoredHashIndex(slot)
		if level == 0 {
			continue
		}
		file := header()
		for i, h := range a {
			if int64(i) == slot {
				h = b[i]
			}
			file = appendSlot(file, int64(i), h)
		}
		dir := newDir(t)
		if err := vfs.WriteFile(dir, storeFile, file); err != nil {
			t.Fatal(err)
		}
		last := (n+1)<<level - 1 // the leaf that completes the subtree
		if err := sameAs(open(t, dir), "a", last, a); err != nil {
			t.Errorf("slot %d: %v", slot, err)
		}
	}
}

// A store that was not synced when its process died is synced by the next, before anybody builds on it.
func TestOpenSyncsWhatItFound(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir)
	if err := s.Append(leaves("a", 0, 20)...); err != nil {
		t.Fatal(err)
	}
	dead := dir.CrashClone(vfs.Crash{Kill: true})
	if n := open(t, dead).Size(); n != 20 {
		t.Fatalf("%d leaves after the process died", n)
	}
	if err := sameAs(open(t, dead.CrashClone(vfs.Crash{})), "a", 20, modelOf(t, "a", 20)); err != nil {
		t.Error(err)
	}
}

func TestForeignFiles(t *testing.T) {
	newer := header()
	newer[16] = 2
	for name, b := range map[string][]byte{"empty": {}, "short": header()[:20], "other": make([]byte, 200), "another version, damaged": newer} {
		dir := newDir(t)
		if err := vfs.WriteFile(dir, storeFile, b); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir, storeFile)
		if bad := (*CorruptionError)(nil); !errors.As(err, &bad) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := Remove(dir, storeFile); err != nil {
			t.Fatal(err)
		}
		if s := open(t, dir); s.Size() != 0 {
			t.Errorf("%s: %d leaves in a new store", name, s.Size())
		}
	}
}

// After a failed write or sync the store is of no use: it may not go on from what it does not know.
func TestFailuresAreFinal(t *testing.T) {
	for _, kind := range []vfs.Kind{vfs.OpWrite, vfs.OpSync, vfs.OpTruncate} {
		dir := newDir(t)
		s := open(t, dir)
		if err := s.Append(leaves("a", 0, 5)...); err != nil {
			t.Fatal(err)
		}
		failed := false
		dir.Inject(func(op vfs.Op) error {
			if op.Kind == kind && !failed {
				failed = true
				return syscall.EIO
			}
			return nil
		})
		err := errors.Join(s.Append(leaf("a", 5)), s.Truncate(3))
		if !failed || !errors.Is(err, syscall.EIO) {
			t.Fatalf("%v: %v", kind, err)
		}
		for what, err := range map[string]error{"append": s.Append(leaf("a", 6)), "cut": s.Truncate(0)} {
			if !errors.Is(err, syscall.EIO) {
				t.Errorf("%v failed, and %s afterwards: %v", kind, what, err)
			}
		}
		if _, err := s.Root(1); !errors.Is(err, syscall.EIO) {
			t.Errorf("%v failed, and a root afterwards: %v", kind, err)
		}
	}
}
