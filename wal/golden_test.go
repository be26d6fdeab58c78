package wal

import (
	"bytes"
	"encoding/hex"
	"flag"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/hashicorp/raft"
)

var update = flag.Bool("update", false, "write testdata anew; only for a new format version, into a new directory")

// goldens are logs in every state that version 1 knows. Their directories are never changed again.
var goldens = []struct {
	dir  string
	make func(t *testing.T) *vfs.Mem
	want func() []*raft.Log
}{
	{"v1-closed", func(t *testing.T) *vfs.Mem { m := goldenLog(t, true); return m }, goldenEntries},
	{"v1-crashed", func(t *testing.T) *vfs.Mem { m := goldenLog(t, false); return m }, goldenEntries},
	{"v1-torn", func(t *testing.T) *vfs.Mem { // opened again after a crash inside the last write
		m := kill(goldenLog(t, false))
		must(t, Dump(m, testDir, func(r Record) error {
			if r.Live && r.Log.Index == 16 {
				return m.Flip(r.Path, r.Offset+r.Bytes-1, 0)
			}
			return r.Err
		}))
		mustStore(t, mustOpen(t, m, smallOptions()), makeEntry(16, 4, 33))
		return m
	}, func() []*raft.Log { es := goldenEntries(); return append(es[:len(es)-1], makeEntry(16, 4, 33)) }},
	{"v1-wiped", func(t *testing.T) *vfs.Mem {
		m := vfs.NewMem()
		l := mustOpen(t, m, smallOptions())
		mustStore(t, l, makeEntries(1, 9, 1, 100)...)
		must(t, l.DeleteRange(1, 9))
		return m
	}, func() []*raft.Log { return nil }},
}

// goldenLog has deleted files, a file cut by a truncation, recycled files with old bytes in them, and all types of entries.
func goldenLog(t *testing.T, closed bool) *vfs.Mem {
	m := vfs.NewMem()
	l := mustOpen(t, m, smallOptions())
	for i := uint64(1); i < 12; i++ {
		mustStore(t, l, makeEntry(i, 1, 1000))
	}
	l.SetFloor(9)
	must(t, l.DeleteRange(1, 10))
	must(t, l.DeleteRange(11, 11))
	mustStore(t, l, makeEntries(11, 13, 2, 700)...)
	mustStore(t, l, makeEntries(14, 16, 3, 900)...)
	if closed {
		must(t, l.Close())
	}
	return m
}

func goldenEntries() []*raft.Log {
	es := makeEntries(9, 10, 1, 1000)
	es = append(es, makeEntries(11, 13, 2, 700)...)
	return append(es, makeEntries(14, 16, 3, 900)...)
}

// Version 1 is read for ever, and today's writer writes it, byte for byte.
func TestGolden(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.dir, func(t *testing.T) {
			dir := filepath.Join("testdata", g.dir)
			written := directory(t, g.make(t))
			if *update {
				writeGolden(t, dir, written)
			}
			frozen := readGolden(t, dir)
			if a, b := slices.Sorted(maps.Keys(written)), slices.Sorted(maps.Keys(frozen)); !slices.Equal(a, b) {
				t.Errorf("today's writer makes %v, frozen are %v", a, b)
			}
			for name, b := range frozen {
				if !bytes.Equal(written[name], b) {
					t.Errorf("today's writer writes another %s:\n%s\nfrozen:\n%s", name, hex.Dump(written[name]), hex.Dump(b))
				}
			}
			m := vfs.NewMem()
			must(t, m.MkdirAll(testDir))
			for name, b := range frozen {
				must(t, writeNew(m, path.Join(testDir, name), b))
			}
			got, err := reopened(m, smallOptions())
			must(t, err)
			if d := diff(got, g.want()); d != "" {
				t.Error(d)
			}
		})
	}
}

func directory(t *testing.T, m *vfs.Mem) map[string][]byte {
	files := map[string][]byte{}
	for _, name := range list(t, m, "") {
		if name != lockName {
			files[name] = readFile(t, m, name)
		}
	}
	return files
}

func writeGolden(t *testing.T, dir string, files map[string][]byte) {
	must(t, os.RemoveAll(dir))
	must(t, os.MkdirAll(dir, 0o755))
	for name, b := range files {
		must(t, os.WriteFile(filepath.Join(dir, name), b, 0o644))
	}
}

func readGolden(t *testing.T, dir string) map[string][]byte {
	names, err := os.ReadDir(dir)
	must(t, err)
	files := map[string][]byte{}
	for _, e := range names {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		must(t, err)
		files[e.Name()] = b
	}
	return files
}

// The example in the format's document is what the encoder writes, and the numbers there are those of the code.
func TestFormatDocument(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "docs", "format", "wal.md"))
	must(t, err)
	doc := string(b)
	block := regexp.MustCompile("(?s)```hex\n(.*?)```").FindStringSubmatch(doc)
	if block == nil {
		t.Fatal("no example")
	}
	g := generation{number: 7, salt: 0x1122334455667788}
	e := &raft.Log{Index: 5, Term: 2, Type: raft.LogNoop}
	want := appendEnd(appendEntry(fileHeader{g, 5}.append(nil), g.seed(), e, 0), g.seed(), 6, 1)
	if got := strings.Join(strings.Fields(block[1]), ""); got != hex.EncodeToString(want) {
		t.Errorf("the example is\n%s\nthe encoder writes\n%s", got, hex.EncodeToString(want))
	}
	for what, n := range map[string]int{
		"bytes a file header":   fileHeaderSize,
		"bytes a record header": recordHeaderSize,
		"bytes a meta entry":    metaEntrySize,
		"bytes a meta header":   metaHeaderSize,
		"bytes a block":         blockSize,
		"MiB of a torn tail":    maxTornBytes >> 20,
		"torn files are kept":   maxTornFiles,
	} {
		if s := regexp.MustCompile(`(\d+) ` + what).FindStringSubmatch(doc); s == nil || s[1] != strconv.Itoa(n) {
			t.Errorf("the document should say %d %s, says %q", n, what, s)
		}
	}
}
