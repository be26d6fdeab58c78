package vfs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

func acceptData(t *testing.T, fsys FS) {
	f, err := fsys.Create("f")
	must(t, err)
	defer f.Close()
	size := func(want int64) {
		t.Helper()
		if got, err := f.Size(); err != nil || got != want {
			t.Fatalf("size %d, %v, want %d", got, err, want)
		}
	}
	size(0)
	big := bytes.Repeat([]byte("0123456789abcdef"), 1000) // more than three pages
	if n, err := f.WriteAt(big, 5000); n != len(big) || err != nil {
		t.Fatal(n, err)
	}
	size(21000)
	b := make([]byte, 6000)
	if n, err := f.ReadAt(b, 0); n != 6000 || err != nil || !allZero(b[:5000]) || !bytes.Equal(b[5000:], big[:1000]) {
		t.Fatalf("a hole does not read as zeros: %d, %v", n, err)
	}
	if n, err := f.ReadAt(b, 20000); n != 1000 || err != io.EOF || !bytes.Equal(b[:n], big[15000:]) {
		t.Fatalf("read across the end: %d, %v", n, err)
	}
	if n, err := f.ReadAt(b, 21000); n != 0 || err != io.EOF {
		t.Fatalf("read at the end: %d, %v", n, err)
	}
	must(t, f.Truncate(5010))
	must(t, f.Truncate(9000))
	size(9000)
	b = make([]byte, 4000)
	if _, err := f.ReadAt(b, 5000); err != nil || !bytes.Equal(b[:10], big[:10]) || !allZero(b[10:]) {
		t.Fatalf("cut and extended file does not end in zeros: %v", err)
	}
	must(t, f.Sync())
	if _, err := f.WriteAt(nil, 1<<40); err != nil {
		t.Fatal(err)
	}
	size(9000)
	for name, err := range map[string]error{
		"truncate": f.Truncate(-1), "read": second(f.ReadAt(b, -1)), "write": second(f.WriteAt(b, -1)),
	} {
		if err == nil {
			t.Errorf("%s at a negative offset succeeded", name)
		}
	}
}

func second(_ int, err error) error { return err }

func acceptLock(t *testing.T, fsys FS) {
	l, err := fsys.Lock("LOCK")
	must(t, err)
	if _, err := fsys.Lock("LOCK"); !errors.Is(err, ErrLocked) {
		t.Fatalf("second lock: %v", err)
	}
	other, err := fsys.Lock("OTHER")
	must(t, err)
	must(t, other.Close())
	must(t, l.Close())
	l, err = fsys.Lock("LOCK")
	must(t, err)
	must(t, l.Close())
	if _, err := fsys.Lock("no/LOCK"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("lock without a directory: %v", err)
	}
}

func acceptHandles(t *testing.T, fsys FS) {
	create(t, fsys, "f", "abc")
	ro, err := fsys.Open("f")
	must(t, err)
	for name, err := range map[string]error{
		"write": second(ro.WriteAt([]byte("x"), 0)), "truncate": ro.Truncate(0), "preallocate": ro.Preallocate(1),
	} {
		if err == nil {
			t.Errorf("%s on a read-only handle succeeded", name)
		}
	}
	rw, err := fsys.OpenReadWrite("f")
	must(t, err)
	_, err = rw.WriteAt([]byte("X"), 1)
	must(t, err)
	must(t, fsys.Rename("f", "g"))
	b := make([]byte, 3)
	if _, err := ro.ReadAt(b, 0); err != nil || string(b) != "aXc" {
		t.Errorf("two handles disagree: %q, %v", b, err)
	}
	must(t, rw.Close())
	must(t, ro.Close())
	_, size := rw.Size()
	for name, err := range map[string]error{
		"close": rw.Close(), "sync": rw.Sync(), "read": second(rw.ReadAt(b, 0)), "size": size,
		"write": second(rw.WriteAt(b, 0)),
	} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s on a closed handle: %v", name, err)
		}
	}
}

func acceptPreallocate(t *testing.T, fsys FS) {
	create(t, fsys, "f", "old bytes, and a tail that stays")
	f, err := fsys.OpenReadWrite("f")
	must(t, err)
	defer f.Close()
	must(t, f.Preallocate(9))
	if got := get(fsys, "f"); got != strings.Repeat("\x00", 9)+", and a tail that stays" {
		t.Fatalf("%q", got)
	}
	const n = 3<<20 + 77 // more than one chunk
	must(t, f.Preallocate(n))
	if got := get(fsys, "f"); len(got) != n || !allZero([]byte(got)) {
		t.Fatalf("preallocated %d bytes, not %d zeros", len(got), n)
	}
}

func acceptFiles(t *testing.T, fsys FS) {
	must(t, MakeDir(fsys, "a/b"))
	create(t, fsys, "a/b/f.tmp", "left by a crash, longer than the new contents")
	for _, data := range []string{"one", "two two", ""} {
		must(t, WriteFile(fsys, "a/b/f", []byte(data)))
		if got := get(fsys, "a/b/f"); got != data {
			t.Fatalf("%q, want %q", got, data)
		}
	}
	if names, err := fsys.List("a/b"); err != nil || !slices.Equal(names, []string{"f"}) {
		t.Fatalf("left behind: %v, %v", names, err)
	}
	create(t, fsys, "long", "12345")
	if b, err := ReadFile(fsys, "long", 4); err == nil {
		t.Fatalf("read %q over the limit", b)
	}
}
