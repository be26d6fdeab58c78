package wal

import (
	"bytes"
	"errors"
	"path"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/hashicorp/raft"
)

// What the record decoder takes it also makes: a record has one encoding.
func FuzzRecord(f *testing.F) {
	seed := generation{1, 2}.seed()
	for i := uint64(1); i <= 6; i++ {
		f.Add(appendEntry(nil, seed, makeEntry(i, 3, 20), int(i-1)))
	}
	f.Add(appendEnd(nil, seed, 9, 3))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, damage := parseRecordHeader(seed, b, int64(len(b)))
		if damage != nil {
			return
		}
		if h.size() > int64(len(b)) || h.base() == 0 {
			t.Fatalf("a header that must not pass: %+v of %d bytes", h, len(b))
		}
		b = b[:h.size()]
		if h.kind == kindEnd {
			if !bytes.Equal(h.append(nil, seed), b) {
				t.Fatalf("end marker %+v is written as another", h)
			}
			return
		}
		if h.checkBody(b) != nil {
			return
		}
		var e raft.Log
		decodeInto(&e, &h, b)
		if again := appendEntry(nil, seed, &e, int(h.place)); !bytes.Equal(again, b) {
			t.Fatalf("%+v is written as\n%x, was\n%x", e, again, b)
		}
	})
}

func FuzzFileHeader(f *testing.F) {
	f.Add(fileHeader{generation{1, 2}, 3}.append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseFileHeader("x", b)
		if err != nil {
			wantKnown(t, err)
			return
		}
		again, err := parseFileHeader("x", h.append(nil))
		if err != nil || again != h {
			t.Fatalf("%+v came back as %+v, %v", h, again, err)
		}
	})
}

func FuzzMeta(f *testing.F) {
	for _, m := range goodMetas() {
		f.Add(m.append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range [][]byte{b, resum(bytes.Clone(append(b, 0, 0, 0, 0)), len(b))} { // a fuzzer does not guess CRCs
			m, err := parseMeta("x", b)
			if err != nil {
				wantKnown(t, err)
				continue
			}
			if again, err := parseMeta("x", m.append(nil)); err != nil || !bytes.Equal(again.append(nil), m.append(nil)) {
				t.Fatalf("%+v came back as %+v, %v", m, again, err)
			}
		}
	})
}

// However a log file is damaged, Open either refuses or opens a prefix of what was stored. It does not panic, hang, or invent.
func FuzzOpen(f *testing.F) {
	s := sick(f, false)
	whole := readFile(f, s, s.file(24))
	f.Add(uint16(100), []byte{1}, uint16(len(whole)))
	f.Add(uint16(0), make([]byte, 64), uint16(len(whole)))
	f.Fuzz(func(t *testing.T, at uint16, patch []byte, size uint16) {
		m := s.CrashClone(vfs.Crash{})
		b := append(bytes.Clone(whole), make([]byte, 1<<16+len(patch))...)
		copy(b[at:], patch)
		writeFile(t, m, s.file(24), b[:size])
		got, err := reopened(m, smallOptions())
		if err != nil {
			wantKnown(t, err)
			return
		}
		if d := diff(got, makeEntries(1, uint64(len(got)), 1, 400)); d != "" || len(got) < 13 || len(got) > 24 {
			t.Fatalf("%d entries: %s", len(got), d)
		}
	})
}

// Dump finds its way through anything.
func FuzzDump(f *testing.F) {
	s := sick(f, true)
	f.Add(readFile(f, s, metaName), readFile(f, s, s.file(1)), readFile(f, s, s.file(24)))
	f.Fuzz(func(t *testing.T, meta, first, last []byte) {
		m := vfs.NewMem()
		must(t, m.MkdirAll(testDir))
		for name, b := range map[string][]byte{metaName: meta, s.file(1): first, s.file(24): last, tornName(1, 1): last} {
			must(t, writeNew(m, path.Join(testDir, name), b))
		}
		must(t, Dump(m, testDir, func(r Record) error {
			if (r.Err == nil) != (r.Bytes > 0) || r.Offset < 0 {
				t.Fatalf("%+v", r)
			}
			return nil
		}))
	})
}

func wantKnown(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
		t.Fatalf("damage is reported as %v", err)
	}
}
