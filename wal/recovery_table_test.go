package wal

import (
	"bytes"
	"path"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

// sickbed is a log that has stopped, ready to be damaged.
type sickbed struct {
	testing.TB
	*vfs.Mem
	where map[uint64]Record // of each live entry
}

// sick stores entries 1..24 in writes of 1, 3, 1, 3, ... and stops, by Close or by a crash. The log has several files; the
// last two writes are 21 and 22..24, in the last file. 19..24 are all types of entries, two of which hold no data.
func sick(t testing.TB, closed bool) *sickbed {
	t.Helper()
	m := vfs.NewMem()
	l := mustOpen(t, m, smallOptions())
	for i := uint64(1); i <= 24; i += 4 {
		mustStore(t, l, makeEntries(i, i, 1, 400)...)
		mustStore(t, l, makeEntries(i+1, i+3, 1, 400)...)
	}
	if closed {
		must(t, l.Close())
	}
	s := newSickbed(t, kill(m))
	if len(s.where) != 24 || s.where[17].Path != s.where[24].Path || s.where[1].Path == s.where[17].Path {
		t.Fatalf("the log is not laid out as the test wants it: %v", s.where)
	}
	return s
}

// newSickbed finds out where the entries in m are.
func newSickbed(t testing.TB, m *vfs.Mem) *sickbed {
	t.Helper()
	s := &sickbed{TB: t, Mem: m, where: map[uint64]Record{}}
	must(t, Dump(s, testDir, func(r Record) error {
		if r.Live {
			s.where[r.Log.Index] = r
		}
		return r.Err
	}))
	return s
}

func (s *sickbed) flip(name string, off int64) { must(s, s.Flip(name, off, 3)) }

// file returns the name of the file that holds index.
func (s *sickbed) file(index uint64) string { return path.Base(s.where[index].Path) }

// edit passes the contents of the file that holds index through fn.
func (s *sickbed) edit(index uint64, fn func(b []byte) []byte) {
	writeFile(s, s, s.file(index), fn(readFile(s, s, s.file(index))))
}

// seed is that of the generation of the file that holds index.
func (s *sickbed) seed(index uint64) uint32 {
	number, _ := parseFileName(s.file(index))
	for _, f := range metaOf(s, s).files {
		if f.number == number {
			return f.seed()
		}
	}
	s.Fatalf("meta does not name the file of entry %d", index)
	return 0
}

// behind returns where the record of index ends.
func (s *sickbed) behind(index uint64) int64 { return s.where[index].Offset + s.where[index].Bytes }

// put writes b at off into the file that holds index.
func (s *sickbed) put(index uint64, off int64, b []byte) {
	s.edit(index, func(old []byte) []byte {
		if n := off + int64(len(b)); n > int64(len(old)) {
			old = append(old, make([]byte, n-int64(len(old)))...)
		}
		copy(old[off:], b)
		return old
	})
}

const none = 0 // no entry survives, because Open refuses

// recoveryTests damage a log. What must survive is 1..last; torn says that something was cut off, else the rest was just not there.
var recoveryTests = []struct {
	name   string
	closed bool // stopped by Close, not by a crash
	damage func(s *sickbed)
	last   uint64 // none: Open must return err
	torn   int    // files of cut bytes
	err    error
	index  uint64 // where the error must point: at the record of this index
}{
	{name: "crash", damage: func(s *sickbed) {}, last: 24},
	{name: "close", closed: true, damage: func(s *sickbed) {}, last: 24},

	// the newest write, after a crash
	{name: "last body", damage: func(s *sickbed) { s.flip(s.where[24].Path, s.behind(24)-1) }, last: 23, torn: 1},
	{name: "last header", damage: func(s *sickbed) { s.flip(s.where[24].Path, s.where[24].Offset+1) }, last: 23, torn: 1},
	{name: "last length", damage: func(s *sickbed) { s.flip(s.where[24].Path, s.where[24].Offset+11) }, last: 23, torn: 1},
	{name: "first of the last write", damage: func(s *sickbed) { s.flip(s.where[22].Path, s.behind(22)-1) }, last: 21, torn: 1},
	{name: "end marker", damage: func(s *sickbed) { s.flip(s.where[24].Path, s.behind(24)+5) }, last: 24, torn: 1},
	{name: "last record zeroed", damage: func(s *sickbed) {
		s.put(24, s.where[24].Offset, make([]byte, s.where[24].Bytes+recordHeaderSize))
	}, last: 23, torn: 1},
	{name: "file cut inside the last record", damage: func(s *sickbed) {
		s.edit(24, func(b []byte) []byte { return b[:s.behind(24)-1] })
	}, last: 23, torn: 1},
	{name: "file cut before the end marker", damage: func(s *sickbed) {
		s.edit(24, func(b []byte) []byte { return b[:s.behind(24)] })
	}, last: 24, torn: 1},
	{name: "garbage behind the end marker", damage: func(s *sickbed) {
		s.put(24, s.behind(24)+recordHeaderSize, bytes.Repeat([]byte("garbage!"), 100))
	}, last: 24},

	// anything older
	{name: "write before the last one", damage: func(s *sickbed) { s.flip(s.where[21].Path, s.where[21].Offset+60) }, err: ErrCorrupt, index: 21},
	{name: "its header", damage: func(s *sickbed) { s.flip(s.where[21].Path, s.where[21].Offset) }, err: ErrCorrupt, index: 21},
	{name: "its length", damage: func(s *sickbed) { s.flip(s.where[21].Path, s.where[21].Offset+8) }, err: ErrCorrupt, index: 21},
	{name: "entry without data", damage: func(s *sickbed) { s.flip(s.where[19].Path, s.where[19].Offset+20) }, err: ErrCorrupt, index: 19},
	{name: "first of the last file", damage: func(s *sickbed) { s.flip(s.where[17].Path, s.behind(17)-1) }, err: ErrCorrupt, index: 17},
	{name: "older file", damage: func(s *sickbed) { s.flip(s.where[3].Path, s.behind(3)-1) }, err: ErrCorrupt, index: 3},
	{name: "last of an older file", damage: func(s *sickbed) { s.flip(s.where[8].Path, s.behind(8)-1) }, err: ErrCorrupt, index: 8},
	{name: "last record, after a close", closed: true, damage: func(s *sickbed) { s.flip(s.where[24].Path, s.behind(24)-1) }, err: ErrCorrupt, index: 24},
	{name: "end marker, after a close", closed: true, damage: func(s *sickbed) { s.flip(s.where[24].Path, s.behind(24)+5) }, last: 24},
	{name: "file cut, after a close", closed: true, damage: func(s *sickbed) {
		s.edit(24, func(b []byte) []byte { return b[:s.behind(24)-1] })
	}, err: ErrCorrupt},

	// headers, names and meta
	{name: "header of the last file", damage: func(s *sickbed) { s.flip(s.where[24].Path, 9) }, err: ErrCorrupt},
	{name: "header of an older file", damage: func(s *sickbed) { s.flip(s.where[1].Path, 40) }, err: ErrCorrupt},
	{name: "first file missing", damage: func(s *sickbed) { must(s, s.Remove(s.where[1].Path)) }, err: ErrCorrupt},
	{name: "last file missing", damage: func(s *sickbed) { must(s, s.Remove(s.where[24].Path)) }, err: ErrCorrupt},
	{name: "last file emptied", damage: func(s *sickbed) { s.edit(24, func([]byte) []byte { return nil }) }, err: ErrCorrupt},
	{name: "last file cut inside its first write", damage: func(s *sickbed) {
		s.edit(24, func(b []byte) []byte { return b[:s.where[15].Offset] })
	}, err: ErrCorrupt, index: 15},
	{name: "two files swapped", damage: func(s *sickbed) {
		a, b := readFile(s, s, s.file(1)), readFile(s, s, s.file(24))
		writeFile(s, s, s.file(1), b)
		writeFile(s, s, s.file(24), a)
	}, err: ErrCorrupt},
	{name: "an older file in the place of the last", damage: func(s *sickbed) {
		writeFile(s, s, s.file(1), readFile(s, s, s.file(24)))
	}, err: ErrCorrupt},
	{name: "meta missing", damage: func(s *sickbed) { must(s, s.Remove(path.Join(testDir, metaName))) }, err: ErrCorrupt},
	{name: "meta", damage: func(s *sickbed) { s.flip(path.Join(testDir, metaName), 30) }, err: ErrCorrupt},
	{name: "unfinished meta", damage: func(s *sickbed) {
		must(s, writeNew(s, path.Join(testDir, metaTmpName), []byte("half")))
	}, last: 24},
	{name: "newer meta", damage: func(s *sickbed) {
		b := readFile(s, s, metaName)
		b[4] = 9
		writeFile(s, s, metaName, resum(b, len(b)-4))
	}, err: ErrVersion},
	{name: "newer file", damage: func(s *sickbed) {
		s.edit(3, func(b []byte) []byte { b[4] = 9; resum(b[:fileHeaderSize], fileHeaderCRC); return b })
	}, err: ErrVersion},
	{name: "files and no meta at all", damage: func(s *sickbed) {
		for _, name := range []string{metaName, s.file(1), s.file(12), s.file(24)} {
			_ = s.Remove(path.Join(testDir, name)) // some of them are one file
		}
	}, err: ErrCorrupt},

	// records that are valid in the wrong place
	{name: "index jumps", damage: func(s *sickbed) {
		e := makeEntry(24, 1, 400)
		e.Index = 26
		s.put(24, s.where[24].Offset, appendEntry(nil, s.seed(24), e, 2))
	}, err: ErrCorrupt, index: 24},
	{name: "index comes again", damage: func(s *sickbed) {
		e := makeEntry(24, 1, 400)
		e.Index = 23
		s.put(24, s.where[24].Offset, appendEntry(nil, s.seed(24), e, 2))
	}, err: ErrCorrupt, index: 24},
	{name: "part of the next write behind the end marker", damage: func(s *sickbed) {
		s.put(24, s.behind(24)+500, appendEntry(nil, s.seed(24), makeEntry(26, 1, 50), 1)) // 25 was the first, and was lost
	}, last: 24, torn: 1},
	{name: "a write after the next behind the end marker", damage: func(s *sickbed) {
		s.put(24, s.behind(24)+500, appendEntry(nil, s.seed(24), makeEntry(26, 1, 50), 0)) // so 25 had been synced
	}, err: ErrCorrupt},
	{name: "stale records of other generations behind the end", damage: func(s *sickbed) {
		other := generation{number: 3, salt: 77}.seed()
		b := appendEntry(nil, other, makeEntry(26, 1, 50), 0)
		b = appendEntry(b, other, makeEntry(27, 1, 50), 0)
		s.put(24, s.behind(24)+recordHeaderSize, b)
	}, last: 24},
	{name: "stale records in the place of the end marker", damage: func(s *sickbed) {
		other := generation{number: 3, salt: 77}.seed()
		s.put(24, s.behind(24), appendEntry(nil, other, makeEntry(25, 1, 50), 0))
	}, last: 24, torn: 1},
	{name: "stale records after a torn tail", damage: func(s *sickbed) {
		s.flip(s.where[24].Path, s.behind(24)-1)
		other := generation{number: 3, salt: 77}.seed()
		s.put(24, s.behind(24), appendEntry(nil, other, makeEntry(25, 1, 50), 0))
	}, last: 23, torn: 1},
	{name: "end marker in the middle of a sealed file", damage: func(s *sickbed) {
		s.put(8, s.where[8].Offset, appendEnd(nil, s.seed(8), 8, 2))
	}, err: ErrCorrupt, index: 8},
}

// resum puts the CRC of b[:at] to at.
func resum(b []byte, at int) []byte {
	sum := crcOf(b[:at])
	b[at], b[at+1], b[at+2], b[at+3] = byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24)
	return b
}
