package wal

import (
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

// TestKeepFrom takes a log through its life and compares with the sum of its records at every step, for every size.
func TestKeepFrom(t *testing.T) {
	m := vfs.NewMem()
	l := mustOpen(t, m, smallOptions())
	for _, st := range []struct {
		name string
		do   func() error
	}{
		{"empty", func() error { return nil }},
		{"one entry", func() error { return l.StoreLog(makeEntry(7, 1, 100)) }},
		{"several files", func() error {
			for i := uint64(8); i <= 40; i++ {
				if err := l.StoreLog(makeEntry(i, 1, int(i*37%900))); err != nil {
					return err
				}
			}
			return l.StoreLogs(makeEntries(41, 50, 1, 300))
		}},
		{"a prefix deleted in the middle of a file", func() error { l.SetFloor(23); return l.DeleteRange(7, 40) }},
		{"a suffix truncated in the middle of a file", func() error { return l.DeleteRange(44, 50) }},
		{"opened again", func() (err error) {
			if err := l.Close(); err != nil {
				return err
			}
			l, err = Open(m, testDir, smallOptions())
			return err
		}},
		{"more entries", func() error { return l.StoreLogs(makeEntries(44, 60, 2, 500)) }},
		{"the prefix deleted to the last entry", func() error { l.SetFloor(60); return l.DeleteRange(23, 59) }},
		{"wiped", func() error { return l.DeleteRange(60, 60) }},
		{"begun anew", func() error { return l.StoreLogs(makeEntries(90, 92, 3, 500)) }},
	} {
		t.Run(st.name, func(t *testing.T) {
			must(t, st.do())
			keepsEnough(t, l)
		})
	}
	must(t, l.Close())
}

func keepsEnough(t *testing.T, l *Log) {
	t.Helper()
	es, err := contents(l)
	must(t, err)
	if len(es) == 0 {
		if l.KeepFrom(0) != 0 || l.KeepFrom(1<<40) != 0 || l.Bytes() != 0 {
			t.Errorf("an empty log: keep from %d, %d bytes", l.KeepFrom(1<<40), l.Bytes())
		}
		return
	}
	first, last := es[0].Index, es[len(es)-1].Index
	size := map[uint64]int64{} // of the records from an index to the end
	for i := last; i >= first; i-- {
		size[i] = size[i+1] + recordSize(es[i-first])
	}
	headers := int64(len(l.files)) * fileHeaderSize
	if n := l.Bytes(); n < size[first] || n > size[first]+headers {
		t.Errorf("%d bytes, the records have %d", n, size[first])
	}
	if from := l.KeepFrom(l.Bytes()); from != first {
		t.Errorf("all of it fits, and it is kept from %d, not from %d", from, first)
	}
	for bytes := int64(0); bytes <= l.Bytes()+4096; bytes++ {
		from := l.KeepFrom(bytes)
		switch {
		case from < first || from > last:
			t.Fatalf("%d bytes: from %d of %d..%d", bytes, from, first, last)
		case size[from] > bytes && from != last:
			t.Fatalf("%d bytes: from %d, which takes %d", bytes, from, size[from])
		case from > first && size[from-1]+headers <= bytes:
			t.Fatalf("%d bytes: from %d, but %d takes %d", bytes, from, from-1, size[from-1])
		}
	}
}
