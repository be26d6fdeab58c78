package segment

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/gaplessdb/gapless/ledger"
	"pgregory.net/rapid"
)

// testRuns draws runs of every density: what becomes arrays, bitmaps and runs in a bitmap, and gaps of any size between them.
func testRuns(t *rapid.T) []ledger.Run {
	rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	next := rapid.Uint64Range(0, 1<<40).Draw(t, "base")
	var runs []ledger.Run
	for range rapid.IntRange(1, 4).Draw(t, "stretches") {
		gap, length := uint64(1)<<rapid.IntRange(0, 18).Draw(t, "gap"), uint64(1)<<rapid.IntRange(0, 17).Draw(t, "length")
		for range rapid.IntRange(1, 3000).Draw(t, "runs") {
			if len(runs) > 0 {
				next += 1 + rnd.Uint64N(gap)
			}
			last := next + rnd.Uint64N(length)
			runs = append(runs, ledger.Run{First: next, Last: last})
			next = last + 1
		}
	}
	return runs
}

// Our reader of roaring bitmaps agrees with the library's writer, runs optimised and not.
func TestRoaringAgreesWithLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		runs := testRuns(t)
		b, ok := appendRoaring(nil, runs)
		if !ok {
			if runs[len(runs)-1].Last-runs[0].First < 1<<32 {
				t.Fatal("no bitmap")
			}
			return
		}
		if got, err := parseRoaring(b, runs[0].First, len(runs)); err != nil || !slices.Equal(got, runs) {
			t.Fatalf("%d runs became %d, %v", len(runs), len(got), err)
		}
		if _, err := parseRoaring(b, runs[0].First, len(runs)-1); err == nil {
			t.Fatal("more runs than the limit")
		}
		bitmap := roaring.New()
		if _, err := bitmap.FromBuffer(b); err != nil || bitmap.Validate() != nil {
			t.Fatal("the library does not read it")
		}
		plain := roaring.New()
		for it := bitmap.Iterator(); it.HasNext() && plain.GetCardinality() < 20_000; {
			plain.Add(it.Next()) // no runs: arrays and bitmaps
		}
		b, err := plain.ToBytes()
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseRoaring(b, 0, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		var seqs []uint64
		for it := plain.Iterator(); it.HasNext(); {
			seqs = append(seqs, uint64(it.Next()))
		}
		if want := appendRuns(nil, 0, seqs); !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

// The estimate by which entries are ended is near what the bitmap takes, so that pages stay small.
func TestCoverCostBoundsTheBitmap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		runs := testRuns(t)
		b, ok := appendRoaring(nil, runs)
		if !ok {
			return
		}
		var c coverCost
		next := runs[0].First
		for _, r := range runs {
			c.add(runs[0].First, r, r.First-next)
			next = r.Last + 1
		}
		if got := c.bitmap + c.open(); uint64(len(b)) > got+got/32+16 || got > 2*uint64(len(b))+64 {
			t.Fatalf("the estimate is %d bytes, the bitmap has %d", got, len(b))
		}
	})
}

// lossy is a segment of one epoch of which a part is lost.
func lossy(t *testing.T, rows int, lost func(seq uint64) bool) (*Reader, []uint64, *Writer, []byte) {
	t.Helper()
	var file bytes.Buffer
	w := NewWriter(&file, testOptions)
	if err := w.Begin(device(1), 1); err != nil {
		t.Fatal(err)
	}
	var seqs []uint64
	for seq := uint64(1000); len(seqs) < rows; seq++ {
		if lost(seq) {
			continue
		}
		seqs = append(seqs, seq)
		if err := w.Add(&Record{Row: Row{Seq: seq, TimeNS: int64(seq) * 1e9, ReceiveMS: 5, Class: 1}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	return openBytes(t, file.Bytes(), ReaderOptions{}), seqs, w, file.Bytes()
}

// Whatever is lost, the coverage is exact, pages keep their size, and dense loss is kept as a bitmap where that is smaller.
func TestCoverageOfLossyStreams(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	tests := []struct {
		name      string
		rows      int
		lost      func(seq uint64) bool
		kinds     []coverageKind // that must come
		pageBytes int            // of all pages
	}{
		{"nothing", 20_000, func(uint64) bool { return false }, []coverageKind{coverAll}, 200},
		{"one", 20_000, func(seq uint64) bool { return seq == 9000 }, []coverageKind{coverRuns}, 200},
		{"1 in 1000", 200_000, func(seq uint64) bool { return rnd.IntN(1000) == 0 }, []coverageKind{coverRuns}, 1500},
		{"every 2nd", 40_000, func(seq uint64) bool { return seq%2 == 0 }, []coverageKind{coverRoaring}, 1500},
		{"half of them at random", 60_000, func(uint64) bool { return rnd.IntN(2) == 0 }, []coverageKind{coverRoaring}, 19_000},
		{"half of them at random in one page", 100_000, func(seq uint64) bool { return seq < 66_536 && rnd.IntN(2) == 0 }, []coverageKind{coverRoaring}, 17_000},
		{"nearly all", 30_000, func(uint64) bool { return rnd.IntN(40) > 0 }, []coverageKind{coverRuns}, 33_000},
		{"far apart", 10_000, func(seq uint64) bool { return seq%(1<<11) != 0 }, []coverageKind{coverRuns}, 500},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, seqs, w, file := lossy(t, tt.rows, tt.lost)
			e, ok, err := r.Epoch(device(1), 1)
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			if want := appendRuns(nil, 0, seqs); !slices.Equal(e.Coverage(), want) || e.Frames != uint64(len(seqs)) {
				t.Errorf("coverage has %d runs, want %d", len(e.Coverage()), len(want))
			}
			if _, err := Verify(bytes.NewReader(file), int64(len(file)), Name{}, nil); err != nil {
				t.Error(err)
			}
			for i := range w.index.top {
				if n := w.index.top[i].length; n > pageBytes {
					t.Errorf("page %d has %d bytes", i, n)
				}
			}
			if n := len(w.index.pages); n > tt.pageBytes {
				t.Errorf("%d bytes of pages for %d runs, want at most %d", n, len(e.Coverage()), tt.pageBytes)
			}
			if kinds := coverKinds(t, r, file); !slices.Equal(kinds, tt.kinds) {
				t.Errorf("coverage of kinds %v, want %v", kinds, tt.kinds)
			}
		})
	}
}

// coverKinds lists the kinds of coverage that the pages of a file have.
func coverKinds(t *testing.T, r *Reader, file []byte) (kinds []coverageKind) {
	t.Helper()
	for i := range r.top {
		b := file[r.top[i].offset:][:r.top[i].length]
		c := cursor{b: b, i: 4}
		entries := int(c.u16())
		s := takeScratch()
		u := newUnpacker(&s.dec, b[pageHead:])
		for _, k := range u.uints(pageCover, entries) {
			if u.err != nil {
				t.Fatal(u.err)
			}
			if !slices.Contains(kinds, coverageKind(k)) {
				kinds = append(kinds, coverageKind(k))
			}
		}
		s.release()
	}
	slices.Sort(kinds)
	return kinds
}

// Numbers that lie too far apart for a bitmap: at both ends of what there is, and with so many holes that they would want one.
func TestCoverageOfLeaps(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 8))
	ends := []uint64{0, 1, 5, 1 << 32, 1<<63 - 1, 1 << 63, 1<<64 - 2, 1<<64 - 1}
	leap := []uint64{0}
	for len(leap) < 30_000 {
		next := leap[len(leap)-1] + 1 + rnd.Uint64N(2)*rnd.Uint64N(4)
		if len(leap) == 100 || len(leap) == 20_000 {
			next += 1 << 33
		}
		leap = append(leap, next)
	}
	for _, seqs := range [][]uint64{ends, leap} {
		var file bytes.Buffer
		w := NewWriter(&file, testOptions)
		_ = w.Begin(device(1), 1)
		for _, seq := range seqs {
			if err := w.Add(&Record{Row: Row{Seq: seq, Class: 1}}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Finish(); err != nil {
			t.Fatal(err)
		}
		r := openBytes(t, file.Bytes(), ReaderOptions{})
		e, _, err := r.Epoch(device(1), 1)
		if err != nil || !slices.Equal(e.Coverage(), appendRuns(nil, 0, seqs)) {
			t.Errorf("%d runs, %v", len(e.Coverage()), err)
		}
		var got []uint64
		if _, err := r.Scan(&e, All(), Columns{}, func(rec *Record) bool { got = append(got, rec.Seq); return true }); err != nil || !slices.Equal(got, seqs) {
			t.Errorf("%d rows, %v", len(got), err)
		}
		if _, err := Verify(bytes.NewReader(file.Bytes()), int64(file.Len()), Name{}, nil); err != nil {
			t.Error(err)
		}
	}
}
