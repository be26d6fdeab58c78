package segment

import (
	"math"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// oracle is a head that is slow and obvious.
type oracle map[frame.StreamID]map[uint32]map[uint64]Row

func (o oracle) append(id frame.StreamID, ordinal uint32, row Row) bool {
	if o[id] == nil {
		o[id] = map[uint32]map[uint64]Row{}
	}
	if o[id][ordinal] == nil {
		o[id][ordinal] = map[uint64]Row{}
	}
	if _, ok := o[id][ordinal][row.Seq]; ok {
		return false
	}
	o[id][ordinal][row.Seq] = row
	return true
}

func (o oracle) rows(id frame.StreamID, ordinal uint32, span Span) []uint64 {
	var seqs []uint64
	for seq, row := range o[id][ordinal] {
		ns := row.FiledNS()
		if seq >= span.FirstSeq && seq <= span.LastSeq && ns >= span.FirstNS && ns <= span.LastNS {
			seqs = append(seqs, seq)
		}
	}
	slices.Sort(seqs)
	return seqs
}

func (o oracle) frames() (n int) {
	for _, epochs := range o {
		for _, rows := range epochs {
			n += len(rows)
		}
	}
	return n
}

// pattern returns numbers the way devices bring them: in order, backwards, in the holes, at random, at the ends of the range.
func pattern(t *rapid.T) []uint64 {
	n := uint64(rapid.IntRange(1, 700).Draw(t, "n"))
	base := rapid.SampledFrom([]uint64{0, 1, 1000, math.MaxUint64 - 5000}).Draw(t, "base")
	seqs := make([]uint64, n)
	switch rapid.SampledFrom([]string{"up", "down", "even", "odd", "random"}).Draw(t, "pattern") {
	case "up":
		for i := range seqs {
			seqs[i] = base + uint64(i)
		}
	case "down":
		for i := range seqs {
			seqs[i] = base + n - uint64(i)
		}
	case "even":
		for i := range seqs {
			seqs[i] = base + 2*uint64(i)
		}
	case "odd":
		for i := range seqs {
			seqs[i] = base + 2*uint64(i) + 1
		}
	default:
		for i := range seqs {
			seqs[i] = base + rapid.Uint64Range(0, 2000).Draw(t, "seq")
		}
	}
	return seqs
}

func testRow(t *rapid.T, seq uint64) Row {
	row := Row{Seq: seq, Index: seq + 7, TimeNS: rapid.Int64Range(-50, 50).Draw(t, "time")}
	if rapid.IntRange(0, 9).Draw(t, "skew") == 0 {
		row.Flags, row.ReceiveMS = FlagSkew, rapid.Int64Range(-1, 1).Draw(t, "receive")
	}
	return row
}

func TestHeadAgreesWithSortedMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		head, want := NewHead(), oracle{}
		for range rapid.IntRange(1, 6).Draw(t, "bursts") {
			id := frame.StreamID(rapid.IntRange(1, 3).Draw(t, "id"))
			ordinal := uint32(rapid.IntRange(1, 3).Draw(t, "epoch"))
			for _, seq := range pattern(t) {
				row := testRow(t, seq)
				if got, want := head.Append(id, ordinal, row), want.append(id, ordinal, row); got != want {
					t.Fatalf("Append(%d, %d, %d) = %v, want %v", id, ordinal, seq, got, want)
				}
			}
		}
		if head.Frames() != want.frames() {
			t.Fatalf("Frames() = %d, want %d", head.Frames(), want.frames())
		}
		for id := frame.StreamID(0); id <= 4; id++ {
			checkStream(t, head, want, id)
		}
		checkShape(t, head)
	})
}

func checkStream(t *rapid.T, head *Head, want oracle, id frame.StreamID) {
	var ordinals []uint32
	for ordinal := uint32(0); ordinal <= 4; ordinal++ {
		all := want.rows(id, ordinal, All())
		if len(all) > 0 {
			ordinals = append(ordinals, ordinal)
		}
		checkRows(t, head, want, id, ordinal, all)
		checkScan(t, head, want, id, ordinal)
		checkWindow(t, head, want, id, ordinal, all)
	}
	if got := head.Epochs(id); !slices.Equal(got, ordinals) {
		t.Fatalf("Epochs(%d) = %v, want %v", id, got, ordinals)
	}
	count := 0
	for _, rows := range want[id] {
		count += len(rows)
	}
	if head.Count(id) != count {
		t.Fatalf("Count(%d) = %d, want %d", id, head.Count(id), count)
	}
	ordinal, row, ok := head.Latest(id)
	if ok != (len(ordinals) > 0) {
		t.Fatalf("Latest(%d): %v", id, ok)
	}
	if ok {
		all := want.rows(id, ordinals[len(ordinals)-1], All())
		if ordinal != ordinals[len(ordinals)-1] || row.Seq != all[len(all)-1] {
			t.Fatalf("Latest(%d) = epoch %d seq %d", id, ordinal, row.Seq)
		}
	}
}

// checkRows holds Get, Before and After against the sorted numbers, at every number and beside it.
func checkRows(t *rapid.T, head *Head, want oracle, id frame.StreamID, ordinal uint32, all []uint64) {
	probe := func(seq uint64) {
		at, found := slices.BinarySearch(all, seq)
		row, ok := head.Get(id, ordinal, seq)
		if ok != found || ok && !cmp.Equal(row, want[id][ordinal][seq], cmp.AllowUnexported(frame.Body{})) {
			t.Fatalf("Get(%d, %d, %d) = %v, %v", id, ordinal, seq, row, ok)
		}
		below, ok := head.Before(id, ordinal, seq)
		if ok != (at > 0) || ok && below.Seq != all[at-1] {
			t.Fatalf("Before(%d, %d, %d) = %d, %v", id, ordinal, seq, below.Seq, ok)
		}
		if found {
			at++
		}
		above, ok := head.After(id, ordinal, seq)
		if ok != (at < len(all)) || ok && above.Seq != all[at] {
			t.Fatalf("After(%d, %d, %d) = %d, %v", id, ordinal, seq, above.Seq, ok)
		}
	}
	for _, seq := range all {
		probe(seq - 1)
		probe(seq)
		probe(seq + 1)
	}
	probe(0)
	probe(math.MaxUint64)
}

// checkScan reads a span in pieces of a small budget and holds the pieces against the whole.
func checkScan(t *rapid.T, head *Head, want oracle, id frame.StreamID, ordinal uint32) {
	span := All()
	all := want.rows(id, ordinal, span)
	if len(all) > 0 && rapid.Bool().Draw(t, "bySeq") {
		span.FirstSeq = rapid.SampledFrom(all).Draw(t, "first") + rapid.Uint64Range(0, 1).Draw(t, "add")
		span.LastSeq = rapid.SampledFrom(all).Draw(t, "last") - rapid.Uint64Range(0, 1).Draw(t, "sub")
	}
	if rapid.Bool().Draw(t, "byTime") {
		span.FirstNS = rapid.Int64Range(-60, 60).Draw(t, "from")
		span.LastNS = rapid.Int64Range(-60, 60).Draw(t, "to")
	}
	expected := want.rows(id, ordinal, span)
	span.Budget = rapid.IntRange(0, 300).Draw(t, "budget")
	stop := rapid.IntRange(1, 400).Draw(t, "stop")
	var got []uint64
	for {
		seen := 0
		looked, next, more := head.Scan(id, ordinal, span, func(row *Row) bool {
			got = append(got, row.Seq)
			seen++
			return seen < stop
		})
		if span.Budget > 0 && looked > span.Budget {
			t.Fatalf("looked at %d rows, budget %d", looked, span.Budget)
		}
		if !more {
			break
		}
		if next <= span.FirstSeq && looked > 0 {
			t.Fatalf("no progress: next %d after first %d", next, span.FirstSeq)
		}
		span.FirstSeq = next
	}
	if !slices.Equal(got, expected) {
		t.Fatalf("Scan(%d, %d, %+v) = %v, want %v", id, ordinal, span, got, expected)
	}
}

// checkWindow holds Window against its promise: nothing outside lies in the range, and it is as narrow as rows allow.
func checkWindow(t *rapid.T, head *Head, want oracle, id frame.StreamID, ordinal uint32, all []uint64) {
	from, to := rapid.Int64Range(-60, 60).Draw(t, "from"), rapid.Int64Range(-60, 60).Draw(t, "to")
	first, last, ok := head.Window(id, ordinal, from, to)
	wantFirst, wantLast, wantOK := uint64(0), uint64(math.MaxUint64), from <= to
	for _, seq := range all {
		if row := want[id][ordinal][seq]; row.FiledNS() >= from {
			break
		}
		wantOK = wantOK && seq < math.MaxUint64
		wantFirst = seq + 1
	}
	for _, seq := range slices.Backward(all) {
		if row := want[id][ordinal][seq]; row.FiledNS() <= to {
			break
		}
		wantOK = wantOK && seq > 0
		wantLast = seq - 1
	}
	wantOK = wantOK && wantFirst <= wantLast
	if ok != wantOK || ok && (first != wantFirst || last != wantLast) {
		t.Fatalf("Window(%d, %d, %d, %d) = %d, %d, %v, want %d, %d, %v", id, ordinal, from, to, first, last, ok, wantFirst, wantLast, wantOK)
	}
}

// checkShape holds the invariants of the package comment and the accounting against the structure itself.
func checkShape(t *rapid.T, head *Head) {
	bytes := head.came.size()
	for _, s := range head.streams {
		bytes += streamBytes
		for i := range s.epochs {
			bytes += epochBytes
			for n, c := range s.epochs[i].chunks {
				bytes += chunkBytes + int64(cap(c.rows))*rowBytes
				if len(c.rows) == 0 || len(c.rows) > chunkRows {
					t.Fatalf("chunk %d has %d rows", n, len(c.rows))
				}
				if n > 0 && s.epochs[i].chunks[n-1].last() >= c.first() {
					t.Fatalf("chunk %d overlaps the one before", n)
				}
				got := *c
				got.measure()
				if got.minNS != c.minNS || got.maxNS != c.maxNS {
					t.Fatalf("chunk %d says times %d..%d, has %d..%d", n, c.minNS, c.maxNS, got.minNS, got.maxNS)
				}
			}
		}
	}
	if head.Bytes() != bytes {
		t.Fatalf("Bytes() = %d, counted %d", head.Bytes(), bytes)
	}
}
