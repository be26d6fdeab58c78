package vfs

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestOSRoot(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	fsys, err := OS(dir)
	must(t, err)
	create(t, fsys, "f", "x")
	again, err := OS(dir)
	must(t, err)
	if got := get(again, "f"); got != "x" {
		t.Errorf("reopened root holds %q", got)
	}
	for _, bad := range []string{filepath.Join(dir, "f"), filepath.Join(dir, "f", "g")} {
		if _, err := OS(bad); err == nil || !strings.HasPrefix(err.Error(), "vfs: root") {
			t.Errorf("root %s: %v", bad, err)
		}
	}
}

// TestOSRootMoves: the root is fixed when it is opened, whatever the process's working directory becomes.
func TestOSRootMoves(t *testing.T) {
	t.Chdir(t.TempDir())
	fsys, err := OS("data")
	must(t, err)
	create(t, fsys, "f", "x")
	t.Chdir(t.TempDir())
	if got := get(fsys, "f"); got != "x" {
		t.Errorf("after a chdir: %q", got)
	}
}

// TestOSPreallocate: the blocks are there, so that a later write needs none.
func TestOSPreallocate(t *testing.T) {
	dir := t.TempDir()
	fsys, err := OS(dir)
	must(t, err)
	f, err := fsys.Create("f")
	must(t, err)
	defer f.Close()
	const n = 4 << 20
	must(t, f.Preallocate(n))
	must(t, f.Sync())
	var st syscall.Stat_t
	must(t, syscall.Stat(filepath.Join(dir, "f"), &st))
	if int64(st.Blocks)*512 < n {
		t.Errorf("%d bytes of blocks for %d bytes of file", int64(st.Blocks)*512, n)
	}
}

// TestOSErrors: a sick disk's errno reaches the caller through the wrapping, with the file's path.
func TestOSErrors(t *testing.T) {
	fsys := newOS(t).(*osFS)
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no /dev/full")
	}
	f := &osFile{f: full}
	defer f.Close()
	if _, err := f.WriteAt([]byte("x"), 0); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("write to a full disk: %v", err)
	}
	if err := f.Preallocate(10); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "/dev/full") {
		t.Errorf("preallocate on a full disk: %v", err)
	}
	if err := f.Sync(); !errors.Is(err, syscall.EINVAL) { // character devices have no fdatasync
		t.Errorf("sync of a device: %v", err)
	}
	must(t, os.Symlink("/dev/full", filepath.Join(fsys.root, "device")))
	if _, err := fsys.Open("device"); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("opened a device: %v", err)
	}
}

// TestOSSyncDir: SyncDir reaches the kernel. A directory of /proc cannot be synced and says so, which OS forgives of the parent
// of its root only.
func TestOSSyncDir(t *testing.T) {
	fsys, err := OS("/proc/self/fd")
	must(t, err)
	if err := fsys.SyncDir("."); !errors.Is(err, syscall.EINVAL) || !strings.Contains(err.Error(), "/proc/self/fd") {
		t.Errorf("sync of a directory in /proc: %v", err)
	}
}

// TestOSLockBetweenProcesses: another process cannot take the lock, and a dead one does not keep it.
func TestOSLockBetweenProcesses(t *testing.T) {
	if dir := os.Getenv("VFS_TEST_LOCK"); dir != "" {
		fsys, err := OS(dir)
		must(t, err)
		if _, err := fsys.Lock("LOCK"); err != nil {
			t.Fatal(err)
		}
		os.Exit(0) // with the lock held
	}
	dir := t.TempDir()
	fsys, err := OS(dir)
	must(t, err)
	other := func() (string, error) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestOSLockBetweenProcesses$")
		cmd.Env = append(os.Environ(), "VFS_TEST_LOCK="+dir)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	l, err := fsys.Lock("LOCK")
	must(t, err)
	if out, err := other(); err == nil || !strings.Contains(out, ErrLocked.Error()) {
		t.Errorf("another process took a held lock: %v\n%s", err, out)
	}
	must(t, l.Close())
	if out, err := other(); err != nil {
		t.Errorf("another process cannot take a free lock: %v\n%s", err, out)
	}
	l, err = fsys.Lock("LOCK")
	if err != nil {
		t.Fatalf("a dead process keeps its lock: %v", err)
	}
	must(t, l.Close())
}
