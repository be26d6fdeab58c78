//go:build linux

package faultfs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestFlipIsSeenByReadAndMmap(t *testing.T) {
	fs, dir := mounted(t, Options{})
	path := filepath.Join(dir, "segment")
	create(t, path, bytes.Repeat([]byte("a"), 3*pageSize))
	c := start(t, "map", path)
	c.line()
	ask := func(at int, want string) {
		t.Helper()
		c.say(fmt.Sprintf("r %d", at))
		if got := c.line(); got != want {
			t.Errorf("the mapping has %q at %d, want %q", got, at, want)
		}
	}
	ask(pageSize+7, "a")
	fault, err := fs.Flip("segment", pageSize+7, 1)
	must(t, err)
	ask(pageSize+7, "c")
	ask(pageSize+8, "a")
	f := openFile(t, path, os.O_RDWR)
	b := make([]byte, 1)
	_, err = f.ReadAt(b, pageSize+7)
	must(t, err)
	if b[0] != 'c' || fault.Bites() == 0 {
		t.Errorf("read %q, %d bites", b, fault.Bites())
	}
	fs.PowerCut(Lose, nil) // at rest: it survives
	got, err := os.ReadFile(path)
	must(t, err)
	if got[pageSize+7] != 'c' || bytes.Count(got, []byte("a")) != len(got)-1 {
		t.Error("the bit is not flipped on the disk, or others are")
	}
	f = openFile(t, path, os.O_RDWR)
	_, err = f.WriteAt([]byte("a"), pageSize+7)
	must(t, err)
	must(t, f.Sync())
	fs.PowerCut(Lose, nil) // the kernel has nothing in its cache
	bites := fault.Bites()
	want(t, path, strings.Repeat("a", 3*pageSize))
	wantBites(t, fault, bites) // overwritten: there is no damage any more

	for _, bad := range []struct {
		path   string
		offset int64
		bit    uint
	}{{"none", 0, 0}, {"", 0, 0}, {"segment", 3 * pageSize, 0}, {"segment", -1, 0}, {"segment", 0, 8}} {
		if _, err := fs.Flip(bad.path, bad.offset, bad.bit); err == nil {
			t.Errorf("flipped %v", bad)
		}
	}
}

// A flip changes what was synced and what was not, each in its own version.
func TestFlipBelowAnUnsyncedWrite(t *testing.T) {
	fs, dir := mounted(t, Options{})
	path := filepath.Join(dir, "a")
	create(t, path, []byte("aaaa"))
	f := openFile(t, path, os.O_RDWR)
	write(t, f, []byte("qq"))
	_, err := fs.Flip("a", 0, 0)
	must(t, err)
	want(t, path, "pqaa")
	fs.PowerCut(Lose, nil)
	want(t, path, "`aaa")
}

func TestMappedWritesArriveWithTheirSync(t *testing.T) {
	fs, dir := mounted(t, Options{})
	path := filepath.Join(dir, "db")
	create(t, path, bytes.Repeat([]byte("a"), pageSize))
	c := start(t, "map", path)
	c.line()
	c.say("w 5")
	if got := c.line(); got != "W" {
		t.Errorf("the mapping has %q", got)
	}
	f := openFile(t, path, os.O_RDWR)
	_, err := f.WriteAt([]byte("x"), 6)
	must(t, err)
	c.say("r 6")
	if got := c.line(); got != "x" {
		t.Errorf("the mapping has %q after a write", got)
	}
	c.kill()
	fs.PowerCut(Lose, nil)
	want(t, path, "aaaaaW"+strings.Repeat("a", pageSize-6))
}

func TestFlock(t *testing.T) {
	fs, dir := mounted(t, Options{})
	path := filepath.Join(dir, "lock")
	create(t, path, nil)
	a := start(t, "lock", path)
	if got := a.line(); got != "locked" {
		t.Fatal(got)
	}
	if got := start(t, "lock", path).line(); got != syscall.EWOULDBLOCK.Error() {
		t.Errorf("a second process says %q", got)
	}
	a.kill()
	fs.PowerCut(Lose, nil)
	if got := start(t, "lock", path).line(); got != "locked" {
		t.Errorf("after the first was killed a process says %q", got)
	}
}

func TestSnapshotRestoreWipeSwap(t *testing.T) {
	fs, dir := mounted(t, Options{})
	other, otherDir := mounted(t, Options{SizeBytes: 10 * pageSize})
	a := filepath.Join(dir, "d", "a")
	must(t, os.Mkdir(filepath.Dir(a), 0o755))
	syncDir(t, dir)
	create(t, a, []byte("before"))
	must(t, os.Link(a, filepath.Join(dir, "hard")))
	image := fs.Snapshot()
	f := openFile(t, a, os.O_WRONLY|os.O_TRUNC)
	write(t, f, []byte("after, and longer"))
	must(t, f.Sync())
	want(t, a, "after, and longer")
	fs.Restore(image)
	want(t, a, "before")
	create(t, filepath.Join(dir, "hard"), []byte("B")) // still the same file
	want(t, a, "Before")

	watched, err := fs.Flip("hard", 1, 0)
	must(t, err)
	Swap(fs, other)
	if !watched.over() {
		t.Error("a bit of a disk that is elsewhere is still watched")
	}
	wantNone(t, a)
	want(t, filepath.Join(otherDir, "d", "a"), "Bdfore")
	Swap(other, fs)
	want(t, a, "Bdfore")
	Swap(fs, fs)

	rot, err := fs.Flip("d/a", 0, 0)
	must(t, err)
	fs.Wipe()
	if !rot.over() {
		t.Error("a bit of a disk that is gone is still watched")
	}
	if list := fs.Files(); len(list) != 0 {
		t.Errorf("after wiping there are %v", list)
	}
	wantNone(t, a)
	create(t, filepath.Join(dir, "new"), []byte("x"))
	fs.Restore(image)
	fs.PowerCut(Lose, nil)
	want(t, a, "before")
	wantNone(t, filepath.Join(dir, "new"))
	var paths []string
	for _, f := range fs.Files() {
		paths = append(paths, fmt.Sprintf("%s:%d", f.Path, f.Size))
	}
	if got := strings.Join(paths, " "); got != "d/a:6 hard:6" {
		t.Errorf("files: %s", got)
	}
	if files := fs.Files(); files[0].Ino != files[1].Ino {
		t.Error("two names of one file have two numbers")
	}
	b, err := fs.ReadFile("d/a")
	if string(b) != "before" || err != nil {
		t.Errorf("read %q, %v", b, err)
	}
	if _, err := fs.ReadFile("d"); err == nil {
		t.Error("read a directory")
	}
}

func TestListing(t *testing.T) {
	_, dir := mounted(t, Options{})
	for i := range 1000 {
		must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d-%s", i, strings.Repeat("n", 100))), nil, 0o644))
	}
	d := openFile(t, dir, os.O_RDONLY)
	seen := map[string]bool{}
	for {
		names, _ := d.Readdirnames(100)
		if len(names) == 0 {
			break
		}
		for _, n := range names {
			if seen[n] {
				t.Fatalf("%s twice", n)
			}
			seen[n] = true
			must(t, os.Remove(filepath.Join(dir, n))) // while it is being read
		}
	}
	if len(seen) != 1000 {
		t.Errorf("listed %d of 1000", len(seen))
	}
	must(t, os.WriteFile(filepath.Join(dir, "late"), nil, 0o644))
	_, err := d.Seek(0, 0)
	must(t, err)
	if names, _ := d.Readdirnames(-1); len(names) != 1 || names[0] != "late" {
		t.Errorf("from the beginning: %v", names)
	}
}
