//go:build linux

package faultfs

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPowerCutLosesWhatWasNotSynced(t *testing.T) {
	fs, dir := mounted(t, Options{})
	log := filepath.Join(dir, "log")
	create(t, log, []byte("synced "))
	f := openFile(t, log, os.O_RDWR|os.O_APPEND)
	write(t, f, []byte("and more "))
	must(t, f.Sync())
	write(t, f, []byte("and lost"))
	root := openFile(t, dir, os.O_RDONLY)
	want(t, log, "synced and more and lost")
	if lost := fs.PowerCut(Lose, nil); lost.LostPages != 2 || lost.Pages != 2 {
		t.Errorf("%v, want a page and the size", lost)
	}
	want(t, log, "synced and more ")
	if _, err := f.ReadAt(make([]byte, 1), 0); !errors.Is(err, syscall.EIO) { // not from the cache either
		t.Errorf("a handle from before answers %v, want EIO", err)
	}
	if _, err := f.Write([]byte("x")); !errors.Is(err, syscall.EIO) {
		t.Errorf("a handle from before answers %v, want EIO", err)
	}
	if err := root.Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("a directory from before answers %v, want EIO", err)
	}
}

func TestNewFileWithoutDirectorySyncIsGone(t *testing.T) {
	fs, dir := mounted(t, Options{})
	f := openFile(t, filepath.Join(dir, "f"), os.O_CREATE|os.O_RDWR)
	write(t, f, []byte("data"))
	must(t, f.Sync())
	must(t, os.Mkdir(filepath.Join(dir, "d"), 0o755))
	create(t, filepath.Join(dir, "d", "in"), []byte("in a directory whose own name is not durable"))
	if lost := fs.PowerCut(Lose, nil); lost.LostNames != 2 {
		t.Errorf("%v, want two names", lost)
	}
	wantNone(t, filepath.Join(dir, "f"))
	wantNone(t, filepath.Join(dir, "d"))
	if list, err := os.ReadDir(dir); err != nil || len(list) != 0 {
		t.Errorf("the directory lists %v, %v", list, err)
	}
}

func TestRenameWithoutDirectorySync(t *testing.T) {
	fs, dir := mounted(t, Options{})
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	create(t, a, []byte("new"))
	create(t, b, []byte("old"))
	must(t, os.Rename(a, b))
	want(t, b, "new")
	wantNone(t, a)
	fs.PowerCut(Lose, nil)
	want(t, a, "new")
	want(t, b, "old")

	must(t, os.Rename(a, b))
	syncDir(t, dir)
	fs.PowerCut(Lose, nil)
	want(t, b, "new")
	wantNone(t, a)
}

func TestRemovedFileComesBack(t *testing.T) {
	fs, dir := mounted(t, Options{})
	a := filepath.Join(dir, "a")
	create(t, a, []byte("data"))
	must(t, os.Remove(a))
	wantNone(t, a)
	fs.PowerCut(Lose, nil)
	want(t, a, "data")
	must(t, os.Remove(a))
	syncDir(t, dir)
	fs.PowerCut(Lose, nil)
	wantNone(t, a)
}

// A sync that fails once, and then succeeds, does not make durable what the failed one was to.
func TestFailedSyncForgetsPages(t *testing.T) {
	fs, dir := mounted(t, Options{})
	log := filepath.Join(dir, "log")
	old, lost, late := strings.Repeat("a", pageSize), strings.Repeat("b", pageSize), strings.Repeat("c", pageSize)
	create(t, log, []byte(old))
	f := openFile(t, log, os.O_WRONLY|os.O_APPEND)
	write(t, f, []byte(lost))
	fault := fs.SyncError(1, false)
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("the sync says %v, want EIO", err)
	}
	must(t, f.Sync())
	wantBites(t, fault, 1)
	want(t, log, old+lost) // the cache still has it
	before := fs.Snapshot()
	fs.PowerCut(Lose, nil)
	want(t, log, old)

	fs.Restore(before) // all of it durable, as a copy is
	fs.PowerCut(Lose, nil)
	want(t, log, old+lost)

	f = openFile(t, log, os.O_WRONLY|os.O_APPEND)
	write(t, f, []byte(lost))
	fs.SyncError(1, false)
	if f.Sync() == nil {
		t.Fatal("no error")
	}
	write(t, f, []byte(late))
	must(t, f.Sync())
	fs.PowerCut(Lose, nil)
	want(t, log, old+lost+strings.Repeat("\x00", pageSize)+late) // a hole where records were
}

func TestFailedSyncDropsPages(t *testing.T) {
	fs, dir := mounted(t, Options{})
	log := filepath.Join(dir, "log")
	create(t, log, bytes.Repeat([]byte("a"), 2*pageSize))
	f := openFile(t, log, os.O_RDWR)
	_, err := f.WriteAt(bytes.Repeat([]byte("b"), pageSize), pageSize)
	must(t, err)
	_, err = f.WriteAt([]byte("tail"), 2*pageSize)
	must(t, err)
	want(t, log, strings.Repeat("a", pageSize)+strings.Repeat("b", pageSize)+"tail")
	fs.SyncError(1, true)
	if f.Sync() == nil {
		t.Fatal("no error")
	}
	want(t, log, strings.Repeat("a", 2*pageSize)+"\x00\x00\x00\x00") // at once, though the kernel had it in its cache
	must(t, f.Sync())
	fs.PowerCut(Lose, nil)
	want(t, log, strings.Repeat("a", 2*pageSize))
}

func TestFailedSyncOfDirectory(t *testing.T) {
	fs, dir := mounted(t, Options{})
	create(t, filepath.Join(dir, "a"), nil)
	must(t, os.Rename(filepath.Join(dir, "a"), filepath.Join(dir, "b")))
	fault := fs.SyncError(1, true)
	if tryDir(dir, syscall.Fsync) != syscall.EIO {
		t.Fatal("no error")
	}
	wantBites(t, fault, 1)
	syncDir(t, dir)
	want(t, filepath.Join(dir, "b"), "")
	fs.PowerCut(Lose, nil)
	want(t, filepath.Join(dir, "a"), "")
	wantNone(t, filepath.Join(dir, "b"))
}

func TestLyingSync(t *testing.T) {
	fs, dir := mounted(t, Options{})
	log := filepath.Join(dir, "log")
	create(t, log, []byte("a"))
	fault := fs.LyingSync()
	f := openFile(t, log, os.O_WRONLY|os.O_APPEND)
	must(t, f.Sync())
	wantBites(t, fault, 0) // there was nothing to lie about
	write(t, f, []byte("b"))
	must(t, f.Sync())
	wantBites(t, fault, 1)
	fs.PowerCut(Lose, nil)
	want(t, log, "a")
	fault.Clear()
	create(t, log, []byte("c"))
	fs.PowerCut(Lose, nil)
	want(t, log, "c")
}

func TestSyncOfOneFileIsNotOfAnother(t *testing.T) {
	fs, dir := mounted(t, Options{})
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	create(t, a, []byte("1"))
	create(t, b, []byte("1"))
	fa, fb := openFile(t, a, os.O_WRONLY|os.O_APPEND), openFile(t, b, os.O_WRONLY|os.O_APPEND)
	write(t, fa, []byte("2"))
	write(t, fb, []byte("2"))
	must(t, syscall.Fdatasync(int(fb.Fd())))
	fs.PowerCut(Lose, nil)
	want(t, a, "1")
	want(t, b, "12")
}
