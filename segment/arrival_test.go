package segment

import (
	"math"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"pgregory.net/rapid"
)

// size recounts what the accounting of Head.Bytes adds up.
func (a *arrivals) size() int64 {
	return int64(cap(a.lines))*lineBytes + int64(cap(a.full))*slabBytes + int64(len(a.full)*arrivalSlab+cap(a.tail))*8
}

// arrived is a row as a test appended it.
type arrived struct {
	id      frame.StreamID
	ordinal uint32
	Commit
	seq uint64
}

// TestArrivalsAreInOrderOfCommit appends as apply does, in whatever order of numbers, and reads back from every place.
func TestArrivalsAreInOrderOfCommit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		head := NewHead()
		var want []arrived
		at := Commit{Index: rapid.Uint64Range(0, 5).Draw(t, "first")}
		for range rapid.IntRange(1, 8).Draw(t, "bursts") {
			id, ordinal := frame.StreamID(rapid.IntRange(1, 3).Draw(t, "id")), uint32(rapid.IntRange(1, 3).Draw(t, "epoch"))
			far := rapid.SampledFrom([]uint64{0, 0, 0, 1 << 32, 1 << 63}).Draw(t, "far")
			for _, seq := range pattern(t) {
				if rapid.IntRange(0, 9).Draw(t, "next") == 0 {
					at = Commit{Index: at.Index + rapid.Uint64Range(1, 3).Draw(t, "step")}
				} else {
					at.Ordinal += rapid.Uint32Range(1, 2).Draw(t, "ordinal")
				}
				if head.Append(id, ordinal, Row{Seq: seq + far, Index: at.Index, Ordinal: at.Ordinal}) {
					want = append(want, arrived{id, ordinal, at, seq + far})
				}
			}
		}
		checkShape(t, head)
		for range 5 {
			after := Commit{at.Index - min(at.Index, rapid.Uint64Range(0, 20).Draw(t, "back")), rapid.Uint32Range(0, 50).Draw(t, "within")}
			n, _ := slices.BinarySearchFunc(want, after, func(a arrived, after Commit) int {
				if after.Before(a.Commit) {
					return 1
				}
				return -1
			})
			if got := head.Arrived(after); got != n {
				t.Fatalf("Arrived(%v) = %d, want %d", after, got, n)
			}
			checkArrivals(t, head, n, want[n:])
		}
		checkArrivals(t, head, 0, want)
	})
}

func checkArrivals(t *rapid.T, head *Head, n int, want []arrived) {
	t.Helper()
	var got []arrived
	head.Arrivals(n, func(id frame.StreamID, ordinal uint32, row *Row) bool {
		got = append(got, arrived{id, ordinal, row.Commit(), row.Seq})
		return true
	})
	if !slices.Equal(got, want) {
		t.Fatalf("from row %d: %d rows, want %d:\n%v\n%v", n, len(got), len(want), got, want)
	}
}

func TestArrivalsStop(t *testing.T) {
	head := NewHead()
	const rows = 3*arrivalSlab + 7
	for i := range uint64(rows) {
		head.Append(1, 1, Row{Seq: i, Index: 1 + i/10, Ordinal: uint32(i % 10)})
	}
	for _, from := range []int{0, arrivalSlab - 1, arrivalSlab, 3*arrivalSlab + 6, rows} {
		n := 0
		head.Arrivals(from, func(_ frame.StreamID, _ uint32, row *Row) bool {
			if row.Seq != uint64(from+n) {
				t.Fatalf("row %d from %d is number %d", n, from, row.Seq)
			}
			n++
			return n < 3
		})
		if want := min(3, rows-from); n != want {
			t.Errorf("%d rows from %d, want %d", n, from, want)
		}
	}
	if got := head.Arrived(Commit{2, 4}); got != 15 {
		t.Errorf("%d rows arrived up to 2.4, want 15", got)
	}
	if got := head.Arrived(EndOf(math.MaxUint64)); got != rows {
		t.Errorf("%d rows arrived at all, want %d", got, rows)
	}
}
