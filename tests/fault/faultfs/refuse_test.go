//go:build linux

package faultfs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func TestFullDisk(t *testing.T) {
	fs, dir := mounted(t, Options{})
	a := filepath.Join(dir, "a")
	create(t, a, []byte(strings.Repeat("a", pageSize)))
	fault := fs.Full()
	f := openFile(t, a, os.O_RDWR)
	_, err := f.WriteAt([]byte("bbbb"), 0)
	must(t, err) // overwriting needs no room
	must(t, f.Sync())
	n, err := syscall.Pwrite(int(f.Fd()), []byte("cccc"), pageSize-2)
	if n != 2 || err != nil {
		t.Errorf("wrote %d bytes, %v, want the two that fit", n, err)
	}
	_, err = syscall.Pwrite(int(f.Fd()), []byte("cc"), pageSize)
	wantError(t, "write", err, syscall.ENOSPC)
	_, err = os.Create(filepath.Join(dir, "b"))
	wantError(t, "create", err, syscall.ENOSPC)
	wantError(t, "mkdir", os.Mkdir(filepath.Join(dir, "d"), 0o755), syscall.ENOSPC)
	wantError(t, "fallocate", syscall.Fallocate(int(f.Fd()), 0, 0, 2*pageSize), syscall.ENOSPC)
	var s syscall.Statfs_t
	must(t, syscall.Statfs(dir, &s))
	if s.Bavail != 0 {
		t.Errorf("%d blocks are free", s.Bavail)
	}
	must(t, os.Remove(a))
	wantBites(t, fault, 5) // a short write, the rest of it, create, mkdir, fallocate
	fault.Clear()
	create(t, a, []byte("room again"))
}

func TestSizeIsALimit(t *testing.T) {
	_, dir := mounted(t, Options{SizeBytes: 3 * pageSize})
	a := filepath.Join(dir, "a")
	f := openFile(t, a, os.O_CREATE|os.O_RDWR)
	fd := int(f.Fd())
	n, err := syscall.Pwrite(fd, make([]byte, 5*pageSize), 0)
	if n != 3*pageSize || err != nil {
		t.Fatalf("wrote %d bytes, %v, want the three pages that fit", n, err)
	}
	_, err = syscall.Pwrite(fd, []byte("x"), 3*pageSize)
	wantError(t, "write", err, syscall.ENOSPC)
	must(t, f.Truncate(pageSize))
	create(t, filepath.Join(dir, "b"), make([]byte, 2*pageSize))
	_, err = syscall.Pwrite(fd, []byte("x"), pageSize)
	wantError(t, "write", err, syscall.ENOSPC)
	must(t, os.Remove(filepath.Join(dir, "b")))
	_, err = syscall.Pwrite(fd, make([]byte, 2*pageSize), pageSize)
	must(t, err)

	must(t, os.Remove(a)) // still open: it keeps its room
	_, err = syscall.Pwrite(fd, []byte("x"), 3*pageSize)
	wantError(t, "write", err, syscall.ENOSPC)
	_, err = f.ReadAt(make([]byte, 1), 3*pageSize-1)
	must(t, err)
}

func TestReadOnly(t *testing.T) {
	fs, dir := mounted(t, Options{})
	a := filepath.Join(dir, "a")
	create(t, a, []byte("data"))
	f := openFile(t, a, os.O_RDWR)
	fault := fs.ReadOnly()
	_, err := f.Write([]byte("x"))
	wantError(t, "write", err, syscall.EROFS)
	wantError(t, "sync", f.Sync(), syscall.EROFS)
	wantError(t, "remove", os.Remove(a), syscall.EROFS)
	wantError(t, "chmod", os.Chmod(a, 0o600), syscall.EROFS)
	_, err = os.OpenFile(a, os.O_WRONLY, 0)
	wantError(t, "open to write", err, syscall.EROFS)
	want(t, a, "data")
	wantBites(t, fault, 5)
	fault.Clear()
	must(t, os.Remove(a))
}

func TestIOError(t *testing.T) {
	fs, dir := mounted(t, Options{})
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	create(t, a, []byte("a"))
	create(t, b, []byte("b"))
	f := openFile(t, a, os.O_RDWR|os.O_APPEND)

	fault := fs.IOError(false, true)
	_, err := f.Write([]byte("x"))
	wantError(t, "write", err, syscall.EIO)
	wantError(t, "sync", f.Sync(), syscall.EIO)
	wantError(t, "rename", os.Rename(a, b), syscall.EIO)
	want(t, a, "a") // nothing of it stays in the cache
	want(t, b, "b")
	wantBites(t, fault, 3)
	fault.Clear()

	fault = fs.IOError(true, false)
	_, err = os.ReadFile(a)
	wantError(t, "read", err, syscall.EIO)
	write(t, f, []byte("+"))
	must(t, f.Sync())
	fault.Clear()
	want(t, a, "a+")

	fault = fs.IOError(true, true)
	_, err = os.ReadDir(dir)
	wantError(t, "list", err, syscall.EIO)
	wantError(t, "sync", f.Sync(), syscall.EIO)
	fault.Clear()
	fs.IOError(false, false).Clear() // breaks nothing, and can be cleared like any other
	want(t, b, "b")
}

func TestEventsAfterAFailedSync(t *testing.T) {
	fs, dir := mounted(t, Options{})
	create(t, filepath.Join(dir, "a"), []byte("unseen"))
	f := openFile(t, filepath.Join(dir, "a"), os.O_RDWR)
	fs.SyncError(1, false)
	wantError(t, "sync", f.Sync(), syscall.EIO)
	write(t, f, []byte("seen"))
	must(t, f.Sync())
	fs.NewProcess()
	write(t, f, []byte("unseen"))
	fs.SyncError(1, false)
	wantError(t, "sync", tryDir(dir, syscall.Fsync), syscall.EIO)
	list, more := fs.Events()
	var got []string
	for i, e := range list {
		got = append(got, e.String())
		if i > 0 && e.At.Before(list[i-1].At) {
			t.Errorf("event %d is earlier than the one before", i)
		}
	}
	if s := strings.Join(got, "; "); s != "sync /a: input/output error; write /a; sync /a; sync directory /: input/output error" || more != 0 {
		t.Errorf("events: %s (and %d more)", s, more)
	}
	fs.PowerCut(Lose, nil) // ends that process, too
	f = openFile(t, filepath.Join(dir, "a"), os.O_RDWR)
	write(t, f, []byte("unseen"))
	fs.SyncError(1, false)
	wantError(t, "sync", f.Sync(), syscall.EIO)
	for range maxEvents {
		write(t, f, []byte("x"))
	}
	if list, more := fs.Events(); len(list) != maxEvents || more != 5 {
		t.Errorf("%d events and %d more, want %d and 5", len(list), more, maxEvents)
	}
}

// TestEventsAfterARefusedChange: a write and a new name that the disk refuses begin the list like a failed sync. What a sound disk refuses does not.
func TestEventsAfterARefusedChange(t *testing.T) {
	fs, dir := mounted(t, Options{})
	create(t, filepath.Join(dir, "a"), []byte("unseen"))
	f := openFile(t, filepath.Join(dir, "a"), os.O_RDWR)
	wantError(t, "mkdir", os.Mkdir(filepath.Join(dir, "a"), 0o755), syscall.EEXIST)
	wantError(t, "remove", os.Remove(filepath.Join(dir, "b")), syscall.ENOENT)
	write(t, f, []byte("unseen"))
	sick := fs.IOError(false, true)
	_, err := f.Write([]byte("x"))
	wantError(t, "write", err, syscall.EIO)
	sick.Clear()
	write(t, f, []byte("seen"))
	fs.NewProcess()
	full := fs.Full()
	_, err = os.Create(filepath.Join(dir, "b"))
	wantError(t, "create", err, syscall.ENOSPC)
	full.Clear()
	must(t, f.Sync())
	list, more := fs.Events()
	var got []string
	for _, e := range list {
		got = append(got, e.String())
	}
	if s := strings.Join(got, "; "); s != "write /a: input/output error; write /a; create /b: no space left on device; sync /a" || more != 0 {
		t.Errorf("events: %s (and %d more)", s, more)
	}
}

func TestNoDirectIO(t *testing.T) {
	_, dir := mounted(t, Options{})
	a := filepath.Join(dir, "a")
	create(t, a, nil)
	_, err := os.OpenFile(a, os.O_RDWR|syscall.O_DIRECT, 0)
	wantError(t, "open", err, syscall.EINVAL)
	_, err = os.OpenFile(filepath.Join(dir, "b"), os.O_RDWR|os.O_CREATE|syscall.O_DIRECT, 0o644)
	wantError(t, "create", err, syscall.EINVAL)
	wantNone(t, filepath.Join(dir, "b"))
	_, err = syscall.Getxattr(a, "user.x", nil)
	wantError(t, "getxattr", err, syscall.ENOTSUP)
	wantError(t, "symlink", os.Symlink(a, filepath.Join(dir, "l")), syscall.ENOSYS)
	wantError(t, "mkfifo", syscall.Mkfifo(filepath.Join(dir, "p"), 0o644), syscall.EPERM)
}
