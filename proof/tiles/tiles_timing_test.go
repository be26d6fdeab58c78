package tiles

import (
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/vfs"
)

const timed = 100_000 // leaves: eleven years of a seal an hour

func timedStore(b *testing.B) (vfs.FS, *Store) {
	b.Helper()
	dir, err := vfs.OS(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	s, err := Open(dir, "hashes")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	if err := s.Append(leaves("timed", 0, timed)...); err != nil {
		b.Fatal(err)
	}
	return dir, s
}

func BenchmarkOpen(b *testing.B) {
	dir, _ := timedStore(b)
	for b.Loop() {
		s, err := Open(dir, "hashes")
		if err != nil || s.Size() != timed {
			b.Fatal(s.Size(), err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/timed, "ns/leaf")
}

func BenchmarkAppendOne(b *testing.B) {
	_, s := timedStore(b)
	for b.Loop() {
		if err := s.Append(tlog.Hash{1}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkProofs(b *testing.B) {
	_, s := timedStore(b)
	b.Run("record", func(b *testing.B) {
		for b.Loop() {
			if _, err := tlog.ProveRecord(timed, 12345, s); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("consistency", func(b *testing.B) {
		for b.Loop() {
			if _, err := tlog.ProveTree(timed, 12345, s); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("tile", func(b *testing.B) {
		for b.Loop() {
			if _, err := ReadTile(s, timed, Path{Index: 7, Width: Width}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
