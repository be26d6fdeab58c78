package segment

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// counting notes what is read of a file.
type counting struct {
	io.ReaderAt
	reads []byteSpan
}

func (c *counting) ReadAt(b []byte, at int64) (int, error) {
	c.reads = append(c.reads, byteSpan{at, at + int64(len(b))})
	return c.ReaderAt.ReadAt(b, at)
}

func (c *counting) bytes() (n int) {
	for _, s := range c.reads {
		n += int(s.to - s.from)
	}
	return n
}

// wideFile is an epoch of 5 full blocks with 20 fields that do not compress.
func wideFile(t testing.TB) []byte {
	var file bytes.Buffer
	w := NewWriter(&file, testOptions)
	if err := w.Begin(device(1), 1); err != nil {
		t.Fatal(err)
	}
	x := uint64(1)
	for row := range 5 * maxRows {
		var fields []frame.Field
		for i := range 20 {
			x = x*6364136223846793005 + 1442695040888963407
			fields = append(fields, frame.Field{Name: fmt.Sprintf("f%02d", i), Value: frame.Float(float64(x>>11) / (1 << 53))})
		}
		if err := w.Add(&Record{Row: Row{Seq: uint64(row), TimeNS: int64(row) * 1e9, Class: 1}, Fields: fields}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// A read touches the blocks that can match, of those the columns that were asked for, in few pieces.
func TestReadsLittle(t *testing.T) {
	file := wideFile(t)
	const column = maxRows * 8
	tests := []struct {
		name                    string
		span                    func(*Span)
		cols                    Columns
		rows, blocks            int
		minBytes, maxBytes, max int // bytes read, and reads
	}{
		{"everything", func(*Span) {}, Columns{All: true}, 5 * maxRows, 5, 5 * 17 * column, 5 * 21 * column, 5},
		{"one column", func(*Span) {}, Columns{Fields: []string{"f10"}}, 5 * maxRows, 5, 5 * column, 5 * (column + 20_000), 10},
		{"neighbours in one piece", func(*Span) {}, Columns{Fields: []string{"f10", "f11"}}, 5 * maxRows, 5, 10 * column, 10*column + 5*20_000, 10},
		{"two far apart", func(*Span) {}, Columns{Fields: []string{"f05", "f15"}}, 5 * maxRows, 5, 10 * column, 10*column + 5*20_000, 15},
		{"none", func(*Span) {}, Columns{}, 5 * maxRows, 5, 1, 5 * 20_000, 5},
		{"one that is not there", func(*Span) {}, Columns{Fields: []string{"g"}, Raw: true}, 5 * maxRows, 5, 1, 5 * 20_000, 5},
		{"by number", func(s *Span) { s.FirstSeq, s.LastSeq = 2*maxRows+7, 2*maxRows+9 }, Columns{Fields: []string{"f10"}}, 3, 1, column, column + 20_000, 2},
		{"by time", func(s *Span) { s.FirstNS, s.LastNS = (2*maxRows+7)*1e9, (2*maxRows+9)*1e9 }, Columns{Fields: []string{"f10"}}, maxRows, 1, column, column + 20_000, 2},
		{"over a border", func(s *Span) { s.FirstSeq, s.LastSeq = maxRows-1, maxRows }, Columns{Fields: []string{"f10"}}, 2, 2, 2 * column, 2 * (column + 20_000), 4},
		{"no time matches in the block", func(s *Span) { s.FirstNS, s.LastNS = 5e9+1, 5e9+2 }, Columns{All: true}, maxRows, 1, 1, 25 * column, 1},
		{"outside", func(s *Span) { s.FirstSeq = 1 << 40 }, Columns{All: true}, 0, 0, 0, 0, 0},
		{"a budget", func(s *Span) { s.Budget = 10 }, Columns{Fields: []string{"f10"}}, 10, 1, column, column + 20_000, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &counting{ReaderAt: bytes.NewReader(file)}
			r, err := NewReader(c, int64(len(file)), ReaderOptions{})
			if err != nil {
				t.Fatal(err)
			}
			e, _, err := r.Epoch(device(1), 1)
			if err != nil {
				t.Fatal(err)
			}
			c.reads = nil
			span := All()
			tt.span(&span)
			done, err := r.Scan(&e, span, tt.cols, func(*Record) bool { return true })
			if err != nil {
				t.Fatal(err)
			}
			if done.Rows != tt.rows || done.Blocks != tt.blocks || done.Bytes != c.bytes() {
				t.Errorf("%+v, want %d rows, %d blocks and the %d bytes that were read", done, tt.rows, tt.blocks, c.bytes())
			}
			if n := c.bytes(); n < tt.minBytes || n > tt.maxBytes || len(c.reads) > tt.max {
				t.Errorf("%d bytes in %d reads, want %d to %d in at most %d", n, len(c.reads), tt.minBytes, tt.maxBytes, tt.max)
			}
		})
	}
}

// Opening a file reads its end once; finding an epoch reads one page; statistics and numbers that are not there read no rows.
func TestReadsOfTheIndex(t *testing.T) {
	f := newFixture(t)
	for d := range 3000 {
		f.add(sample{key: device(d), ordinal: 1, row: Row{Seq: uint64(d), TimeNS: int64(d), Class: 1}}, sample{key: device(d), ordinal: 1, row: Row{Seq: uint64(d) + 7, Class: 1}})
	}
	_, file := f.write()
	c := &counting{ReaderAt: bytes.NewReader(file)}
	var metrics ReaderMetrics
	r, err := NewReader(c, int64(len(file)), ReaderOptions{Metrics: &metrics})
	if err != nil || len(c.reads) != 1 {
		t.Fatalf("%d reads to open, %v", len(c.reads), err)
	}
	if len(r.top) < 2 {
		t.Fatalf("%d pages: the test wants more", len(r.top))
	}
	reads := func(want int, what string) {
		t.Helper()
		if len(c.reads) != want || want > 0 && c.bytes() > pageBytes {
			t.Errorf("%s: %d bytes in %d reads, want %d", what, c.bytes(), len(c.reads), want)
		}
		c.reads = nil
	}
	c.reads = nil
	for _, d := range []int{0, 1, 1234, 2999} {
		e, ok, err := r.Epoch(device(d), 1)
		if err != nil || !ok || e.FirstSeq != uint64(d) {
			t.Fatalf("device %d: %+v, %v, %v", d, e, ok, err)
		}
		reads(1, "Epoch")
		if e.Blocks() != 1 {
			t.Errorf("%d blocks", e.Blocks())
		}
	}
	e, _, _ := r.Epoch(device(5), 1)
	c.reads = nil
	var rec Record
	if ok, err := r.Get(&e, 6, Columns{All: true}, &rec); ok || err != nil {
		t.Errorf("Get of a missing number: %v, %v", ok, err)
	}
	if ok, err := r.Before(&e, 5, &rec); ok || err != nil {
		t.Errorf("Before the first: %v, %v", ok, err)
	}
	if ok, err := r.After(&e, 12, &rec); ok || err != nil {
		t.Errorf("After the last: %v, %v", ok, err)
	}
	reads(0, "numbers that are not there")
	if es, err := r.Epochs(frame.StreamKey{Tenant: "zzz", Device: "a", Stream: "b"}); es != nil || err != nil {
		t.Errorf("a stream that is not there: %v, %v", es, err)
	}
	reads(1, "Epochs of a stream that is not there")
	if got := metrics.Reads.Load(); got != 7 {
		t.Errorf("%d reads counted, want 7", got)
	}
}

// A block without payloads or fields does not show those of the block before.
func TestNothingIsLeftOfTheBlockBefore(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file, testOptions)
	_ = w.Begin(device(1), 1)
	for seq := range uint64(2 * maxRows) {
		rec := Record{Row: Row{Seq: seq, Class: 1}}
		if seq < maxRows {
			rec.Raw, rec.Fields = []byte("x"), []frame.Field{{Name: "a", Value: frame.Int(1)}}
		}
		if err := w.Add(&rec); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	r := openBytes(t, file.Bytes(), ReaderOptions{})
	e, _, err := r.Epoch(device(1), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Scan(&e, All(), Columns{All: true}, func(rec *Record) bool {
		if full := rec.Seq < maxRows; (rec.Raw != nil) != full || (len(rec.Fields) > 0) != full {
			t.Fatalf("seq %d: %q, %v", rec.Seq, rec.Raw, rec.Fields)
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
}

// A key may have many more epochs than a page holds, and lie on many pages.
func TestManyEpochsOfOneKey(t *testing.T) {
	var epochs []epochRows
	for o := range 30_000 {
		epochs = append(epochs, epochRows{device(7), uint32(2*o + 1), 1, 0})
	}
	epochs = append([]epochRows{{device(6), 9, 3, 0}}, append(epochs, epochRows{device(8), 1, 3, 0})...)
	r := openBytes(t, writeRows(t, epochs), ReaderOptions{})
	if len(r.top) < 5 {
		t.Fatalf("%d pages: the test wants more", len(r.top))
	}
	es, err := r.Epochs(device(7))
	if err != nil || len(es) != 30_000 {
		t.Fatalf("%d epochs, %v", len(es), err)
	}
	for o := range es {
		if es[o].Ordinal != uint32(2*o+1) {
			t.Fatalf("epoch %d is %d", o, es[o].Ordinal)
		}
	}
	for _, o := range []uint32{0, 1, 2, 20_001, 20_002, 59_999, 60_001} {
		e, ok, err := r.Epoch(device(7), o)
		if err != nil || ok != (o%2 == 1 && o < 60_000) || ok && e.Ordinal != o {
			t.Errorf("epoch %d: %+v, %v, %v", o, e, ok, err)
		}
	}
	for _, d := range []int{6, 8} {
		if es, err := r.Epochs(device(d)); err != nil || len(es) != 1 || es[0].Frames != 3 {
			t.Errorf("device %d: %+v, %v", d, es, err)
		}
	}
}

// An epoch of very many blocks is several entries of the index, and one for its readers.
func TestManyBlocksOfOneEpoch(t *testing.T) {
	const blocks = 2*entryBlocks + 3
	var file bytes.Buffer
	w := NewWriter(&file, testOptions)
	_ = w.Begin(device(1), 1)
	fields := make([]frame.Field, blockColumns)
	for i := range blocks {
		for k := range fields { // of another kind each time: no two frames share a block
			fields[k] = frame.Field{Name: fmt.Sprintf("f%04d", k), Value: []frame.Value{frame.Int(1), frame.Bool(true)}[i%2]}
		}
		if err := w.Add(&Record{Row: Row{Seq: uint64(i), TimeNS: int64(i), Class: 1}, Fields: fields}); err != nil {
			t.Fatal(err)
		}
	}
	info, err := w.Finish()
	if err != nil || info.Blocks != blocks || info.Streams != 1 {
		t.Fatalf("%+v, %v", info, err)
	}
	r := openBytes(t, file.Bytes(), ReaderOptions{Name: info.Name})
	entries := 0
	for i := range r.top {
		p, err := r.page(i)
		if err != nil {
			t.Fatal(err)
		}
		for k := range p.entries {
			entries++
			if n := p.entries[k].Blocks(); n > entryBlocks {
				t.Errorf("an entry of %d blocks", n)
			}
		}
	}
	if entries != 3 {
		t.Errorf("%d entries", entries)
	}
	cached := openBytes(t, file.Bytes(), ReaderOptions{Name: info.Name, Cache: NewCache(1 << 24)})
	for range 3 { // what is put together of several entries leaves those in the cache as they are
		e, ok, err := cached.Epoch(device(1), 1)
		if err != nil || !ok || e.Blocks() != blocks || len(e.Coverage()) != 1 || e.Frames != blocks || e.LastNS != blocks-1 {
			t.Fatalf("%d blocks, %v, %v, %v", e.Blocks(), e.Coverage(), ok, err)
		}
	}
	if got, err := Verify(bytes.NewReader(file.Bytes()), int64(file.Len()), info.Name, nil); err != nil || got != info {
		t.Fatalf("%+v, %v", got, err)
	}
	n := 0
	err = r.Each(func(key frame.StreamKey, each *Epoch) error {
		n++
		if key != device(1) || each.Blocks() != blocks {
			t.Errorf("Each: %v, %+v", key, each)
		}
		return nil
	})
	if err != nil || n != 1 {
		t.Errorf("Each gave %d epochs, %v", n, err)
	}
}
