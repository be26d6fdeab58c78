package shelf

import (
	"testing"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// BenchmarkOpen is what a query pays for a segment whose file is open.
func BenchmarkOpen(b *testing.B) {
	s := shelfOf(b, vfs.NewMem(), Options{}, seg(0))
	b.ReportAllocs()
	for b.Loop() {
		_, release, err := s.Open(seg(0).info.Name)
		must(b, err)
		release()
	}
}

// BenchmarkFirstLook is what a start pays for each segment that the manifest lists.
func BenchmarkFirstLook(b *testing.B) {
	fs, err := vfs.OS(b.TempDir())
	must(b, err)
	const n = 100
	all := segs(n)
	put(b, fs, all...)
	m := manifest(all...)
	for b.Loop() {
		s, err := Open(fs, testDir, Options{MaxOpen: 10})
		must(b, err)
		must(b, s.Want(m))
		must(b, s.Close())
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/segment")
}

// BenchmarkWantAgain is what a new manifest costs of which every segment was seen before.
func BenchmarkWantAgain(b *testing.B) {
	const n = 1000
	s := mustOpen(b, vfs.NewMem(), Options{})
	put(b, s.FS(), segs(n)...)
	for _, one := range segs(n) {
		must(b, s.Added(one.info))
	}
	m := manifest(segs(n)...)
	for b.Loop() {
		must(b, s.Want(m))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/segment")
}

// BenchmarkPull brings one segment of a few megabytes to a real disk from a peer in the same process.
func BenchmarkPull(b *testing.B) {
	big := buildFrames(1<<20, 20000)
	n := newNetwork(big)
	b.SetBytes(big.info.Bytes)
	for b.Loop() {
		b.StopTimer()
		fs, err := vfs.OS(b.TempDir())
		must(b, err)
		s, err := Open(fs, testDir, Options{ReserveBytes: -1})
		must(b, err)
		must(b, s.Want((*segment.Manifest)(nil).With(big.info)))
		b.StartTimer()
		p := startPull(b, s, n.fetch, peers("b"))
		p.complete(manifest(big))
		b.StopTimer()
		p.stop()
		must(b, s.Close())
		b.StartTimer()
	}
}
