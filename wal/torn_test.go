package wal

import (
	"testing"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/hashicorp/raft"
)

// A tail is cut wherever the newest record is damaged or the file ends inside it, and nothing before it is lost.
func TestTornAtEveryByte(t *testing.T) {
	m := vfs.NewMem()
	l := mustOpen(t, m, smallOptions())
	want := []*raft.Log{{Index: 1, Term: 1, Type: raft.LogNoop}, {Index: 2, Term: 1, Type: raft.LogConfiguration, Data: []byte("servers")}}
	for _, e := range want {
		mustStore(t, l, e)
	}
	last := &raft.Log{Index: 3, Term: 1, Data: []byte("the last record"), Extensions: []byte("with extensions")}
	mustStore(t, l, last)
	name := list(t, m, fileSuffix)[0]
	begin := fileHeaderSize + recordSize(want[0]) + recordSize(want[1])
	damages := map[string]func(b []byte, i int64) []byte{
		"flipped":   func(b []byte, i int64) []byte { b[i] ^= 0x10; return b },
		"zero from": func(b []byte, i int64) []byte { clear(b[i:]); return b },
		"ends":      func(b []byte, i int64) []byte { return b[:i] },
	}
	for how, damage := range damages {
		for i := begin; i < begin+recordSize(last); i++ {
			c := kill(m)
			writeFile(t, c, name, damage(readFile(t, c, name), i))
			got, err := reopened(c, smallOptions())
			must(t, err)
			if d := diff(got, want); d != "" && !(how == "zero from" && diff(got, append(want[:2:2], last)) == "") {
				t.Errorf("%s at byte %d of the last record: %s", how, i-begin, d)
			}
			if torn := list(t, c, tornPrefix); len(torn) != 1 && i > begin {
				t.Errorf("%s at byte %d: kept aside %v", how, i-begin, torn)
			}
		}
	}
}

// The bytes that were cut are kept, and only the newest few of them.
func TestTornTailsKept(t *testing.T) {
	m := vfs.NewMem()
	want := makeEntries(1, 1, 1, 10)
	l := mustOpen(t, m, smallOptions())
	mustStore(t, l, want...)
	for i := uint64(0); i < maxTornFiles+3; i++ {
		mustStore(t, l, &raft.Log{Index: 2, Term: i, Data: []byte("lost")})
		m = kill(m)
		must(t, Dump(m, testDir, func(r Record) error {
			if r.Live && r.Log.Index == 2 {
				return m.Flip(r.Path, r.Offset+r.Bytes-1, 0)
			}
			return nil
		}))
		l = mustOpen(t, m, smallOptions())
		wantContents(t, l, want)
	}
	torn := tornFiles(list(t, m, tornPrefix))
	if len(torn) != maxTornFiles || torn[0] != tornName(2, 4) || torn[maxTornFiles-1] != tornName(2, maxTornFiles+3) {
		t.Errorf("kept: %v", torn)
	}
	b := readFile(t, m, torn[maxTornFiles-1])
	h, err := parseFileHeader("", b)
	must(t, err)
	rec, damage := parseRecordHeader(h.seed(), b[fileHeaderSize:], 1000)
	if damage != nil || rec.index != 2 || rec.term != maxTornFiles+2 || h.first != 2 {
		t.Errorf("the kept bytes are %v %v, file header %v", rec, damage, h)
	}
}
