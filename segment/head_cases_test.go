package segment

import (
	"math"
	"slices"
	"testing"
)

func TestAppendKeepsTheFirst(t *testing.T) {
	head := NewHead()
	head.Append(1, 1, Row{Seq: 5, Index: 10})
	if head.Append(1, 1, Row{Seq: 5, Index: 11}) {
		t.Error("a second row of number 5 was taken")
	}
	if row, _ := head.Get(1, 1, 5); row.Index != 10 || head.Frames() != 1 {
		t.Errorf("row of index %d, %d frames; want index 10, 1 frame", row.Index, head.Frames())
	}
}

// TestWindowAtTheEnds looks at times before and behind everything, where the lowest and the highest number are taken.
func TestWindowAtTheEnds(t *testing.T) {
	head := NewHead()
	for _, seq := range []uint64{0, 5, math.MaxUint64} {
		head.Append(1, 1, Row{Seq: seq, TimeNS: 100})
		head.Append(1, 2, Row{Seq: 5, TimeNS: 100})
	}
	for _, tt := range []struct {
		ordinal     uint32
		from, to    int64
		first, last uint64
		ok          bool
	}{
		{1, 0, 50, 0, 0, false},
		{1, 150, 200, 0, 0, false},
		{1, 0, 200, 0, math.MaxUint64, true},
		{1, 200, 0, 0, 0, false},
		{2, 0, 50, 0, 4, true},
		{2, 150, 200, 6, math.MaxUint64, true},
		{3, 150, 200, 0, math.MaxUint64, true},
	} {
		first, last, ok := head.Window(1, tt.ordinal, tt.from, tt.to)
		if ok != tt.ok || ok && (first != tt.first || last != tt.last) {
			t.Errorf("epoch %d, %d..%d: %d..%d, %v, want %d..%d, %v", tt.ordinal, tt.from, tt.to, first, last, ok, tt.first, tt.last, tt.ok)
		}
	}
}

// TestScanEnds checks that a scan which stops at the last number there is does not ask to go on.
func TestScanEnds(t *testing.T) {
	head := NewHead()
	for _, seq := range []uint64{7, 8, math.MaxUint64} {
		head.Append(1, 1, Row{Seq: seq})
	}
	for _, last := range []uint64{8, math.MaxUint64} {
		span := All()
		span.LastSeq = last
		_, next, more := head.Scan(1, 1, span, func(row *Row) bool { return row.Seq < last })
		if more {
			t.Errorf("last number %d: goes on at %d", last, next)
		}
	}
	if _, next, more := head.Scan(1, 1, All(), func(*Row) bool { return false }); !more || next != 8 {
		t.Errorf("stopped at 7: goes on at %d, %v", next, more)
	}
}

func TestFiledNS(t *testing.T) {
	for _, tt := range []struct {
		name string
		row  Row
		want int64
	}{
		{"device time", Row{TimeNS: 5, ReceiveMS: 7}, 5},
		{"skew is filed under receive time", Row{TimeNS: 5, ReceiveMS: 7, Flags: FlagSkew}, 7_000_000},
		{"saturates above", Row{ReceiveMS: math.MaxInt64, Flags: FlagSkew}, math.MaxInt64},
		{"saturates below", Row{ReceiveMS: math.MinInt64, Flags: FlagSkew}, math.MinInt64},
	} {
		if got := tt.row.FiledNS(); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestFlagNames(t *testing.T) {
	var got []string
	(FlagNoTime | FlagLate | FlagSuspectedDuplicate).Each(func(name string) { got = append(got, name) })
	if want := []string{"no_time", "late", "suspected_duplicate"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if FlagSuspectedDuplicate != 1<<(len(flagNames)-1) {
		t.Errorf("%d names for flags up to %b", len(flagNames), FlagSuspectedDuplicate)
	}
}

// TestBackfillIsNotQuadratic inserts a million rows below an existing one, in each order a device may send them. One insert moves at most
// one chunk; what is left to check is how many chunks come of it. With one long array this test would not end.
func TestBackfillIsNotQuadratic(t *testing.T) {
	const n = 1_000_000
	for _, tt := range []struct {
		name string
		seq  func(i uint64) uint64
		most int // chunks
	}{
		{"ascending", func(i uint64) uint64 { return i }, n/chunkRows + 2},
		{"descending", func(i uint64) uint64 { return n - i }, n/chunkRows + 2},
		{"scattered", func(i uint64) uint64 { return i * 611_953 % n }, 2 * n / chunkRows}, // no common divisor: each number once
	} {
		t.Run(tt.name, func(t *testing.T) {
			head := NewHead()
			head.Append(1, 1, Row{Seq: n + 10})
			for i := range uint64(n) {
				if !head.Append(1, 1, Row{Seq: tt.seq(i)}) {
					t.Fatalf("number %d was there", tt.seq(i))
				}
			}
			chunks := head.streams[1].epochs[0].chunks
			if len(chunks) > tt.most {
				t.Errorf("%d chunks, want at most %d", len(chunks), tt.most)
			}
			arrivals := int64(n+arrivalSlab) * 8 // with the slices of slabs within the rest
			if most := int64(tt.most)*(chunkBytes+chunkRows*rowBytes) + arrivals; head.Bytes() > most+8192 {
				t.Errorf("%d bytes for %d rows, want at most %d", head.Bytes(), n, most)
			}
		})
	}
}
