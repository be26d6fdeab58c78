package vfs

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

func newOS(t *testing.T) FS {
	t.Helper()
	fsys, err := OS(t.TempDir())
	must(t, err)
	return fsys
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// create makes a file that holds data, without syncing anything.
func create(t testing.TB, fsys FS, name, data string) {
	t.Helper()
	f, err := fsys.Create(name)
	must(t, err)
	_, err = f.WriteAt([]byte(data), 0)
	must(t, err)
	must(t, f.Close())
}

// get returns a file's contents, or the error as text.
func get(fsys FS, name string) string {
	b, err := ReadFile(fsys, name, 1<<30)
	if errors.Is(err, fs.ErrNotExist) {
		return "absent"
	}
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// TestAcceptance holds every implementation of FS to the same promises.
func TestAcceptance(t *testing.T) {
	tests := map[string]func(*testing.T, FS){
		"names": acceptNames, "data": acceptData, "create": acceptCreate, "rename": acceptRename, "remove": acceptRemove,
		"directories": acceptDirectories, "lock": acceptLock, "handles": acceptHandles, "preallocate": acceptPreallocate,
		"files": acceptFiles,
	}
	for name, test := range tests {
		t.Run("OS/"+name, func(t *testing.T) { test(t, newOS(t)) })
		t.Run("Mem/"+name, func(t *testing.T) { test(t, NewMem()) })
	}
}

func acceptNames(t *testing.T, fsys FS) {
	must(t, fsys.MkdirAll("a/b"))
	create(t, fsys, "./a//b/../b/x", "here")
	if got := get(fsys, "a/b/x"); got != "here" {
		t.Fatalf("a name is not cleaned: %q", got)
	}
	for _, bad := range []string{"..", "../x", "a/../../x", "/x", "/", "x\x00y", "\xff"} {
		_, create := fsys.Create(bad)
		_, open := fsys.Open(bad)
		_, list := fsys.List(bad)
		_, lock := fsys.Lock(bad)
		for op, err := range map[string]error{
			"create": create, "open": open, "list": list, "lock": lock, "mkdir": fsys.MkdirAll(bad), "remove": fsys.Remove(bad),
			"rename from": fsys.Rename(bad, "y"), "rename to": fsys.Rename("a/b/x", bad), "sync": fsys.SyncDir(bad),
		} {
			if !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%s %q: want fs.ErrInvalid, got %v", op, bad, err)
			}
		}
	}
	for _, root := range []string{".", ""} {
		if names, err := fsys.List(root); err != nil || !slices.Equal(names, []string{"a"}) {
			t.Errorf("list %q: %v, %v", root, names, err)
		}
		must(t, fsys.SyncDir(root))
		must(t, fsys.MkdirAll(root))
		if err := fsys.Remove(root); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("remove of the root: %v", err)
		}
	}
}

func acceptCreate(t *testing.T, fsys FS) {
	create(t, fsys, "f", "1")
	must(t, fsys.MkdirAll("d"))
	_, again := fsys.Create("f")
	_, dir := fsys.Create("d")
	_, orphan := fsys.Create("no/f")
	_, below := fsys.Create("f/g")
	_, absent := fsys.Open("no")
	_, absentRW := fsys.OpenReadWrite("no")
	_, openDir := fsys.Open("d")
	for _, c := range []struct {
		name      string
		err, want error
	}{
		{"twice", again, fs.ErrExist}, {"over a directory", dir, fs.ErrExist}, {"without a parent", orphan, fs.ErrNotExist},
		{"open absent", absent, fs.ErrNotExist}, {"open absent to write", absentRW, fs.ErrNotExist},
		{"below a file", below, nil}, {"open a directory", openDir, nil},
	} {
		if c.err == nil || c.want != nil && !errors.Is(c.err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, c.err, c.want)
		} else if !strings.HasPrefix(c.err.Error(), "vfs: ") || strings.Count(c.err.Error(), "vfs: ") != 1 {
			t.Errorf("%s: error %q does not name its room once", c.name, c.err)
		}
	}
}

func acceptRename(t *testing.T, fsys FS) {
	create(t, fsys, "a", "A")
	create(t, fsys, "b", "B")
	must(t, fsys.MkdirAll("d/e"))
	must(t, fsys.Rename("a", "b"))
	if a, b := get(fsys, "a"), get(fsys, "b"); a != "absent" || b != "A" {
		t.Fatalf("a: %s, b: %s", a, b)
	}
	must(t, fsys.Rename("b", "b"))
	must(t, fsys.Rename("b", "d/e/c"))
	must(t, fsys.Rename("d/e", "g"))
	if c := get(fsys, "g/c"); c != "A" {
		t.Fatalf("g/c: %s", c)
	}
	if err := fsys.Rename("no", "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("rename of nothing: %v", err)
	}
	if err := fsys.Rename("g/c", "d"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("rename of a file over a directory: %v", err)
	}
	if err := fsys.Rename("d", "g"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("rename of a directory over a directory: %v", err)
	}
	if err := fsys.Rename("g", "g/c"); err == nil {
		t.Error("a directory moved over a file in it")
	}
	if err := fsys.Rename("g", "g/h"); err == nil {
		t.Error("a directory moved into itself")
	}
	if err := fsys.Rename("g/c", "no/c"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("rename into nothing: %v", err)
	}
}

func acceptRemove(t *testing.T, fsys FS) {
	must(t, fsys.MkdirAll("d"))
	create(t, fsys, "d/f", "kept by the handle")
	f, err := fsys.Open("d/f")
	must(t, err)
	if err := fsys.Remove("d"); err == nil {
		t.Fatal("removed a directory that is not empty")
	}
	must(t, fsys.Remove("d/f"))
	if err := fsys.Remove("d/f"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("removed twice: %v", err)
	}
	b := make([]byte, 4)
	if _, err := f.ReadAt(b, 0); err != nil || string(b) != "kept" {
		t.Fatalf("an open handle lost its file: %q, %v", b, err)
	}
	must(t, f.Close())
	must(t, fsys.Remove("d"))
	if names, err := fsys.List("."); err != nil || len(names) != 0 {
		t.Fatal(names, err)
	}
}

func acceptDirectories(t *testing.T, fsys FS) {
	must(t, fsys.MkdirAll("a/b/c"))
	must(t, fsys.MkdirAll("a/b"))
	create(t, fsys, "a/z", "")
	create(t, fsys, "a/a", "")
	if names, err := fsys.List("a"); err != nil || !slices.Equal(names, []string{"a", "b", "z"}) {
		t.Fatalf("list: %v, %v", names, err)
	}
	if names, err := fsys.List("a/b/c"); err != nil || len(names) != 0 {
		t.Fatalf("list of an empty directory: %v, %v", names, err)
	}
	if _, err := fsys.List("no"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("list of nothing: %v", err)
	}
	if _, err := fsys.List("a/a"); err == nil {
		t.Error("list of a file succeeded")
	}
	if err := fsys.MkdirAll("a/a/x"); err == nil {
		t.Error("made a directory below a file")
	}
	must(t, fsys.SyncDir("a"))
	if err := fsys.SyncDir("a/a"); err == nil {
		t.Error("SyncDir of a file succeeded")
	}
	if err := fsys.SyncDir("no"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("SyncDir of nothing: %v", err)
	}
	if n, err := fsys.Free(); err != nil || n <= 0 {
		t.Errorf("free: %d, %v", n, err)
	}
}
