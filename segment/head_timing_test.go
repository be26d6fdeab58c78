package segment

import (
	"math/rand/v2"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// BenchmarkAppend appends in order, 16 frames of a stream at a time over 1,000 streams, as batches bring them.
func BenchmarkAppend(b *testing.B) {
	const streams, burst = 1000, 16
	b.ReportAllocs()
	var head *Head
	var n uint64
	for b.Loop() {
		if n%1_000_000 == 0 { // a head lives from flush to flush, in memory that the last one left
			head = NewHead()
		}
		id := frame.StreamID(n / burst % streams)
		head.Append(id, 1, Row{Seq: n, TimeNS: int64(n)})
		n++
	}
}

func BenchmarkAppendOneStream(b *testing.B) {
	b.ReportAllocs()
	var head *Head
	var n uint64
	for b.Loop() {
		if n%1_000_000 == 0 {
			head = NewHead()
		}
		head.Append(1, 1, Row{Seq: n, TimeNS: int64(n)})
		n++
	}
}

func BenchmarkInsertLate(b *testing.B) {
	head := NewHead()
	random := rand.New(rand.NewPCG(1, 2))
	n := 0
	for b.Loop() {
		if n%1_000_000 == 0 {
			head = NewHead()
		}
		head.Append(1, 1, Row{Seq: random.Uint64()})
		n++
	}
}

func BenchmarkLatest(b *testing.B) {
	const streams = 100_000
	head := NewHead()
	for i := range streams {
		head.Append(frame.StreamID(i), 1, Row{Seq: uint64(i)})
	}
	i := 0
	for b.Loop() {
		if _, _, ok := head.Latest(frame.StreamID(i % streams)); !ok {
			b.Fatal("no row")
		}
		i += 7919
	}
}

func BenchmarkScan(b *testing.B) {
	head := NewHead()
	for i := range uint64(1_000_000) {
		head.Append(1, 1, Row{Seq: i, TimeNS: int64(i)})
	}
	b.ReportMetric(1e6, "rows/op")
	for b.Loop() {
		head.Range(1, 1, 0, 1<<62, func(*Row) bool { return true })
	}
}

// BenchmarkArrivals reads the newest 4,096 of a million rows of 1,000 streams in the order in which they came, one of each stream after the other.
func BenchmarkArrivals(b *testing.B) {
	const streams, rows = 1000, 4096
	head := NewHead()
	for n := range uint64(1_000_000) {
		head.Append(frame.StreamID(n%streams), 1, Row{Seq: n / streams, Index: n})
	}
	var sum uint64
	for b.Loop() {
		n := 0
		head.Arrivals(head.Arrived(Commit{Index: 1_000_000 - rows - 1}), func(_ frame.StreamID, _ uint32, row *Row) bool {
			sum += row.Index
			n++
			return true
		})
		if n != rows {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
}
