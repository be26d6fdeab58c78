package segment

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment/column"
)

// A file whose parts are whole and do not agree with each other: the hash and every checksum are right.
func TestVerifyFindsLies(t *testing.T) {
	tests := []struct {
		name string
		lie  func(w *Writer) // the blocks are written, the index is not
	}{
		{"the truth", func(w *Writer) {}},
		{"one frame more", func(w *Writer) { w.footer.frames++ }},
		{"one block more", func(w *Writer) { w.footer.blocks++ }},
		{"one epoch more", func(w *Writer) { w.index.epochs++ }},
		{"an earlier first time", func(w *Writer) { w.footer.minNS-- }},
		{"a later last time", func(w *Writer) { w.footer.maxNS++ }},
		{"times of a block", func(w *Writer) { w.index.refs[1].minNS-- }},
		{"times of a block, too narrow", func(w *Writer) { w.index.refs[1].maxNS-- }},
		{"rows of a block", func(w *Writer) { w.index.refs[0].rows--; w.index.refs[0].lastSeq-- }},
		{"first number of a block", func(w *Writer) { w.index.refs[2].firstSeq--; w.index.refs[2].rows++; w.index.runs[2].First-- }},
		{"another block", func(w *Writer) {
			w.index.refs[3].offset, w.index.refs[3].length = w.index.refs[0].offset, w.index.refs[0].length
		}},
		{"another run", func(w *Writer) { w.index.refs[1].run = 0 }},
		{"a run that is not there", func(w *Writer) { w.index.refs[1].run = 77 }},
		{"the length of a block", func(w *Writer) { w.index.refs[0].length-- }},
		{"coverage", func(w *Writer) { // of epoch 3: 5 numbers, a hole, 5 numbers
			w.index.runs[2].Last--
			w.index.runs[3].First--
		}},
		{"another epoch", func(w *Writer) { w.index.entries[1].ordinal = 7 }},
		{"another key", func(w *Writer) {
			w.index.entries[2].key = appendKey(nil, frame.StreamKey{Tenant: "acme", Device: "mill-000002", Stream: "00"})
		}},
		{"another tenant", func(w *Writer) {
			w.index.entries[4].key = appendKey(nil, frame.StreamKey{Tenant: "b", Device: "mill-000004", Stream: "0"})
		}},
		{"the run of another epoch with the same numbers", func(w *Writer) { w.index.refs[5].run = 0 }},
		{"epochs out of order", func(w *Writer) { w.index.entries[1].ordinal = 0 }},
		{"an epoch is left out", func(w *Writer) {
			w.index.entries, w.index.refs, w.index.runs = w.index.entries[:3], w.index.refs[:3], w.index.runs[:4]
		}},
		{"the last run is left out", func(w *Writer) {
			w.index.entries, w.index.refs, w.index.runs = w.index.entries[:5], w.index.refs[:5], w.index.runs[:6]
		}},
		{"the last block is left out", func(w *Writer) {
			w.index.entries, w.index.refs, w.index.runs = w.index.entries[:4], w.index.refs[:4], w.index.runs[:5]
		}},
		{"the last block is left out and not counted", func(w *Writer) {
			w.index.entries, w.index.refs, w.index.runs = w.index.entries[:4], w.index.refs[:4], w.index.runs[:5]
			w.footer.frames, w.footer.blocks, w.index.epochs = w.footer.frames-2, w.footer.blocks-1, w.index.epochs-2
		}},
		{"the first block is left out", func(w *Writer) { w.index.drop(3) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var file bytes.Buffer
			w := NewWriter(&file, testOptions)
			write := func(key frame.StreamKey, ordinal uint32, seqs ...uint64) {
				if err := w.Begin(key, ordinal); err != nil {
					t.Fatal(err)
				}
				for _, seq := range seqs {
					if err := w.Add(&Record{Row: Row{Seq: seq, TimeNS: int64(seq) * 1e9, Class: 1}}); err != nil {
						t.Fatal(err)
					}
				}
			}
			write(device(1), 1, 100, 101, 102)
			write(device(1), 2, 100, 101)
			write(device(2), 3, 100, 101, 102, 103, 104, 106, 107, 108, 109, 110)
			w.closeBlock()
			write(device(3), 1, 100, 101)
			w.closeBlock()
			write(device(4), 1, 100)
			write(device(4), 2, 100)
			w.closeBlock()
			w.footer.minNS, w.footer.maxNS = 100e9, 110e9
			tt.lie(w)
			if _, err := w.Finish(); err != nil {
				t.Fatal(err)
			}
			_, err := Verify(bytes.NewReader(file.Bytes()), int64(file.Len()), Name{}, nil)
			if tt.name == "the truth" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var damage *CorruptError
			if !errors.As(err, &damage) || damage.What == "" || damage.Want == damage.Got {
				t.Errorf("Verify: %v", err)
			}
		})
	}
}

// Numbers that do not ascend, in a block whose checksums are right.
func TestReadsFindDisorder(t *testing.T) {
	for name, disorder := range map[string]func(seq []uint64){
		"a number twice":        func(seq []uint64) { seq[3] = seq[2] },
		"a number out of order": func(seq []uint64) { seq[3] = 5 },
	} {
		var file bytes.Buffer
		w := NewWriter(&file, testOptions)
		_ = w.Begin(device(1), 1)
		for seq := range uint64(20) {
			_ = w.Add(&Record{Row: Row{Seq: seq + 100, Class: 1}})
		}
		disorder(w.block.seq)
		w.closeBlock()
		w.index.runs = []ledger.Run{{First: 100, Last: 119}}
		if _, err := w.Finish(); err != nil {
			t.Fatal(err)
		}
		r := openBytes(t, file.Bytes(), ReaderOptions{})
		e, _, err := r.Epoch(device(1), 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Scan(&e, All(), Columns{}, func(*Record) bool { t.Errorf("%s: a frame", name); return false }); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: Scan: %v", name, err)
		}
		if _, err := Verify(bytes.NewReader(file.Bytes()), int64(file.Len()), Name{}, nil); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: Verify: %v", name, err)
		}
	}
}

// A read that comes upon a block that is not what the index says does not answer from it.
func TestReadsFindLies(t *testing.T) {
	var file bytes.Buffer
	w := NewWriter(&file, testOptions)
	_ = w.Begin(device(1), 1)
	for seq := range uint64(20) {
		_ = w.Add(&Record{Row: Row{Seq: seq + 100, Class: 1}})
	}
	w.closeBlock()
	w.index.refs[0].firstSeq, w.index.refs[0].lastSeq = 99, 118
	w.index.runs = []ledger.Run{{First: 99, Last: 118}}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	reports := 0
	r := openBytes(t, file.Bytes(), ReaderOptions{OnDamage: func(error) { reports++ }, Cache: NewCache(1 << 20)})
	e, ok, err := r.Epoch(device(1), 1)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	for range 2 { // from the file, and from the cache
		if _, err := r.Scan(&e, All(), Columns{}, func(*Record) bool { t.Error("a frame"); return true }); !errors.Is(err, ErrCorrupt) {
			t.Errorf("Scan: %v", err)
		}
	}
	if reports != 1 {
		t.Errorf("%d reports", reports)
	}
}

// Statistics that are not those of the rows are found, whichever byte of them is wrong.
func TestVerifyFindsWrongStatistics(t *testing.T) {
	_, _, _, file := mixedFile(t)
	l := layoutOf(t, file)
	tried := 0
	for _, block := range l.blocks {
		d, err := parseDirectory(file[block.directory.from:], block.directory.from)
		if err != nil {
			t.Fatal(err)
		}
		c := cursor{b: file[block.directory.from:block.directory.to], i: blockHead}
		for i := range d.columns {
			n := int(c.uvarint())
			end := c.i + n
			for at := end - len(d.columns[i].stats); at < end; at++ {
				b := bytes.Clone(file)
				b[block.directory.from+int64(at)] ^= 1
				l.mend(b)
				if _, err := Verify(bytes.NewReader(b), int64(len(b)), Name{}, nil); !errors.Is(err, ErrCorrupt) {
					t.Fatalf("byte %d of the statistics of %s: %v", at-end+len(d.columns[i].stats), &d.columns[i], err)
				}
				tried++
			}
			c.i = end
		}
	}
	if tried < 100 {
		t.Fatalf("%d bytes of statistics", tried)
	}
}

// A top index that does not fit into what is read first is read in a second piece.
func TestLargeTopIndex(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 9))
	names := make([]string, 12_000)
	for i := range names {
		b := make([]byte, 240)
		for k := range b {
			b[k] = byte('!' + rnd.IntN(90))
		}
		names[i] = fmt.Sprintf("%05d-%s", i, b)
	}
	key := func(i int) frame.StreamKey {
		return frame.StreamKey{Tenant: "t", Device: names[i], Stream: names[(i*7+1)%len(names)][6:]}
	}
	var epochs []epochRows
	for i := range names {
		epochs = append(epochs, epochRows{key(i), 1, 1, 0})
	}
	file := writeRows(t, epochs)
	c := &counting{ReaderAt: bytes.NewReader(file)}
	r, err := NewReader(c, int64(len(file)), ReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if r.footer.top.length < tailBytes || len(c.reads) != 2 {
		t.Fatalf("a top index of %d bytes in %d reads", r.footer.top.length, len(c.reads))
	}
	for i := range r.top {
		if n := r.top[i].length; n > pageBytes || n < pageBytes/3 && i < len(r.top)-1 {
			t.Errorf("page %d has %d bytes", i, n)
		}
	}
	for _, i := range []int{0, 1, 4567, 11_999} {
		if _, ok, err := r.Epoch(key(i), 1); !ok || err != nil {
			t.Errorf("device %d: %v, %v", i, ok, err)
		}
	}
}

// The top index has a bounded number of pages for its section, whatever its few bytes claim.
func TestTopIndexIsBounded(t *testing.T) {
	var enc column.Encoder
	top := make([]topEntry, topGroupSize)
	for i := range top {
		top[i] = topEntry{key: appendKey(nil, device(1)), ordinal: uint32(i)}
	}
	b := appendTop(nil, &packer{enc: &enc}, top)
	dec := column.Decoder{MaxBytes: maxPage}
	if got, err := parseTop(&dec, b, 100, 0); !errors.Is(err, ErrCorrupt) {
		t.Errorf("%d pages of no bytes, %v", len(got), err)
	}
}
