package leaves

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/vfs"
)

func create(t *testing.T, kind Kind) (*Writer, vfs.FS) {
	t.Helper()
	m := vfs.NewMem()
	w, err := Create(m, "f", kind, 1)
	must(t, err)
	return w, m
}

func key(tenant, device, stream string, epoch uint32) Key {
	return Key{frame.StreamKey{Tenant: tenant, Device: device, Stream: stream}, epoch}
}

// A key that does not come after the one before, or is none, ends the writing.
func TestKeysThatAreRefused(t *testing.T) {
	good := key("t", "d", "s", 2)
	for _, k := range []Key{good, key("t", "d", "s", 1), key("t", "d", "r", 9), key("t", "c", "z", 9), key("s", "z", "z", 9), key("t", "D", "s", 3)} {
		w, m := create(t, Strips)
		must(t, w.Add(good, nil))
		if err := w.Add(k, nil); !errors.Is(err, ErrOrder) {
			t.Errorf("%s after %s: %v", k, good, err)
		}
		if err := w.Add(key("u", "d", "s", 1), nil); !errors.Is(err, ErrDone) || !errors.Is(err, ErrOrder) {
			t.Errorf("after an error: %v", err)
		}
		if info, err := w.Finish(); !errors.Is(err, ErrDone) {
			t.Errorf("finished with a leaf missing: %+v, %v", info, err)
		}
		must(t, w.Discard())
		if names, err := m.List("."); err != nil || len(names) > 0 {
			t.Errorf("left behind: %v, %v", names, err)
		}
	}
	long := strings.Repeat("x", frame.MaxNameBytes+1)
	for _, c := range []struct {
		kind Kind
		key  Key
	}{
		{Strips, key("t", "d", "s", 0)}, {Census, key("t", "d", "s", 1)}, {Strips, key("", "d", "s", 1)}, {Strips, key("t", "", "s", 1)},
		{Strips, key("t", "d", "", 1)},
		{Strips, key("t", "d\x00", "s", 1)}, {Strips, key("t", long, "s", 1)}, {Census, key("t", "d", "\xff", 0)},
	} {
		w, _ := create(t, c.kind)
		if err := w.Add(c.key, nil); err == nil || errors.Is(err, ErrOrder) {
			t.Errorf("%s in a file of %s: %v", c.key, c.kind, err)
		}
		must(t, w.Discard())
	}
}

// The longest names fit, and keys that differ in the last byte of them are found.
func TestLongNames(t *testing.T) {
	long := strings.Repeat("é", frame.MaxNameBytes/2-1)
	var list []item
	for _, end := range []string{"aa", "ab", "ba"} {
		for _, leaf := range []string{"", strings.Repeat("leaf ", 100_000)} {
			list = append(list, item{key(long+"xx", long+end, long+"00", uint32(1+len(list))), []byte(leaf)})
		}
	}
	f := mustOpen(t, encode(t, Strips, 1, list))
	if met := readsAnswerTruth(t, f, list, treeOf(list)); met > 0 {
		t.Errorf("%d errors", met)
	}
}

// What is done is done.
func TestDone(t *testing.T) {
	w, m := create(t, Census)
	must(t, w.Add(key("t", "d", "s", 0), []byte("x")))
	info, err := w.Finish()
	must(t, err)
	if _, err := w.Finish(); !errors.Is(err, ErrDone) {
		t.Errorf("finished twice: %v", err)
	}
	must(t, w.Discard())
	if b, err := vfs.ReadFile(m, "f", 1<<20); err != nil || int64(len(b)) != info.Bytes {
		t.Errorf("after Discard: %d bytes, %v", len(b), err)
	}
	if err := w.Add(key("t", "e", "s", 0), nil); !errors.Is(err, ErrDone) {
		t.Errorf("added to a finished file: %v", err)
	}
	w, m = create(t, Census)
	must(t, w.Discard())
	must(t, w.Discard())
	if err := w.Add(key("t", "e", "s", 0), nil); !errors.Is(err, ErrDone) {
		t.Errorf("added to a discarded file: %v", err)
	}
	if names, err := m.List("."); err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
	if _, err := Create(m, "f", 3, 1); err == nil {
		t.Error("created a file of an unknown kind")
	}
}

// The caller's bytes are the caller's again.
func TestAddCopies(t *testing.T) {
	w, m := create(t, Census)
	leaf := []byte("before")
	must(t, w.Add(key("t", "d", "s", 0), leaf))
	copy(leaf, "after!")
	_, err := w.Finish()
	must(t, err)
	b, err := vfs.ReadFile(m, "f", 1<<20)
	must(t, err)
	if got, err := mustOpen(t, b).Leaf(0); err != nil || string(got) != "before" {
		t.Errorf("%q, %v", got, err)
	}
}

// Neither a writer nor a reader takes memory for the leaves, 40 MB of them, and no sync has to bring all of them to the disk.
func TestWritingIsBounded(t *testing.T) {
	disk, err := vfs.OS(t.TempDir())
	must(t, err)
	fs := &syncsFS{FS: disk}
	leaf := bytes.Repeat([]byte("x"), 8<<10)
	list := items(Census, 200)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w, err := Create(fs, "f", Census, 1)
	must(t, err)
	for _, x := range list {
		for _, s := range "0123456789abcdefghijklmno" {
			x.key.Stream = x.key.Stream[:1] + string(s)
			must(t, w.Add(x.key, leaf))
		}
	}
	info, err := w.Finish() // which reads all of it back
	must(t, err)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; info.Bytes < 40e6 || took > 6e6 {
		t.Errorf("%d bytes of file took %d bytes of memory", info.Bytes, took)
	}
	if int64(fs.syncs) != 1+info.Bytes/syncBytes {
		t.Errorf("%d bytes of file took %d syncs", info.Bytes, fs.syncs)
	}
}

// syncsFS counts the syncs of what is created.
type syncsFS struct {
	vfs.FS
	syncs int
}

func (s *syncsFS) Create(name string) (vfs.File, error) {
	f, err := s.FS.Create(name)
	return &syncsFile{f, s}, err
}

type syncsFile struct {
	vfs.File
	fs *syncsFS
}

func (f *syncsFile) Sync() error {
	f.fs.syncs++
	return f.File.Sync()
}

func TestFileNames(t *testing.T) {
	for _, c := range []struct {
		kind   Kind
		number uint64
		name   string
	}{{Strips, 7, "00000000000000000007.strips"}, {Census, 1<<64 - 1, "18446744073709551615.census"}} {
		if got := FileName(c.kind, c.number); got != c.name {
			t.Errorf("%s, want %s", got, c.name)
		}
		if kind, number, ok := ParseFileName(c.name); !ok || kind != c.kind || number != c.number {
			t.Errorf("%s is %s %d, %v", c.name, kind, number, ok)
		}
	}
	for _, bad := range []string{"", ".strips", "7.strips", "00000000000000000007", "00000000000000000007.strips.tmp", "00000000000000000007.kind 3",
		"18446744073709551616.census", "+0000000000000000007.strips", "00000000000000000007.STRIPS"} {
		if kind, number, ok := ParseFileName(bad); ok {
			t.Errorf("%q is %s %d", bad, kind, number)
		}
	}
}
