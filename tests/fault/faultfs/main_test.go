//go:build linux

package faultfs

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain turns this program into one of the processes under test when it was started as such (child_test.go).
func TestMain(m *testing.M) {
	if name := os.Getenv(childEnv); name != "" {
		if err := children[name](); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// mounted is an FS on a directory of its own until the test ends.
func mounted(t testing.TB, opt Options) (*FS, string) {
	t.Helper()
	if what := Available(); what != "" {
		t.Skip("SKIP faultfs: needs " + what)
	}
	fs, dir := New(opt), t.TempDir()
	m, err := fs.Mount(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return fs, dir
}

func dice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// create writes and syncs a file, and syncs its directory.
func create(t testing.TB, path string, data []byte) {
	t.Helper()
	f := openFile(t, path, os.O_CREATE|os.O_RDWR)
	defer f.Close()
	write(t, f, data)
	must(t, f.Sync())
	syncDir(t, filepath.Dir(path))
}

func openFile(t testing.TB, path string, flags int) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, flags, 0o644)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func write(t testing.TB, f *os.File, data []byte) {
	t.Helper()
	if n, err := f.Write(data); err != nil || n != len(data) {
		t.Fatalf("wrote %d of %d bytes: %v", n, len(data), err)
	}
}

func syncDir(t testing.TB, dir string) {
	t.Helper()
	must(t, tryDir(dir, unix.Fsync))
}

func tryDir(dir string, act func(fd int) error) error {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return act(fd)
}

func want(t testing.TB, path, data string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != data {
		t.Fatalf("%s holds %.40q (%d bytes, %v), want %.40q (%d bytes)", filepath.Base(path), got, len(got), err, data, len(data))
	}
}

func wantNone(t testing.TB, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Fatalf("%s is there (%v)", filepath.Base(path), err)
	}
}

func wantBites(t testing.TB, f *Fault, n uint64) {
	t.Helper()
	if f.Bites() != n {
		t.Errorf("the fault bit %d times, want %d", f.Bites(), n)
	}
}
