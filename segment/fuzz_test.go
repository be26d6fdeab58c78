package segment

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment/column"
)

// FuzzFile changes bytes of a file, makes its checksums right again, and reads all of it in every way: whatever it says, it must not
// panic, and what Verify accepts must be readable.
func FuzzFile(f *testing.F) {
	_, _, _, file := mixedFile(f)
	l := layoutOf(f, file)
	f.Add(uint32(0), uint32(0), byte(0), byte(0), true)
	f.Add(uint32(l.blocks[0].directory.from+16), uint32(l.pages[0].from+5), byte(1), byte(255), true)
	f.Add(l.edit(4), uint32(len(file)-30), byte(7), byte(9), false)
	f.Fuzz(func(t *testing.T, at, at2 uint32, v, v2 byte, mend bool) {
		b := bytes.Clone(file)
		b[int(at%uint32(len(b)))] ^= v
		b[int(at2%uint32(len(b)))] ^= v2
		if mend {
			l.mend(b)
		}
		readAll(t, b)
	})
}

// edit is where chunk i of the first block begins.
func (l *layout) edit(i int) uint32 { return uint32(l.blocks[0].chunks[i].from) }

// FuzzBytes reads any bytes as a file.
func FuzzBytes(f *testing.F) {
	_, _, _, file := mixedFile(f)
	f.Add(file)
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) { readAll(t, b) })
}

func readAll(t *testing.T, b []byte) {
	_, verified := Verify(bytes.NewReader(b), int64(len(b)), Name{}, nil)
	r, err := NewReader(bytes.NewReader(b), int64(len(b)), ReaderOptions{Cache: NewCache(1 << 20)})
	if err != nil {
		if verified == nil {
			t.Fatalf("Verify accepts what NewReader refuses: %v", err)
		}
		return
	}
	if _, err := dump(r); err != nil && verified == nil {
		t.Fatalf("Verify accepts what cannot be read: %v", err)
	}
	_ = r.Each(func(key frame.StreamKey, e *Epoch) error {
		_, _, _, _ = r.Window(e, e.FirstNS+1, e.LastNS-1)
		var rec Record
		_, _ = r.Before(e, e.LastSeq, &rec)
		_, _ = r.After(e, e.FirstSeq, &rec)
		_, _ = r.Get(e, e.FirstSeq+1, Columns{All: true}, &rec)
		_, err := r.Epochs(key)
		return err
	})
}

// FuzzBlock reads any bytes behind a right checksum as the front of a block.
func FuzzBlock(f *testing.F) {
	_, _, _, file := mixedFile(f)
	l := layoutOf(f, file)
	for _, b := range l.blocks {
		f.Add(file[b.directory.from:b.directory.to])
		f.Add(file[b.chunks[0].from:b.chunks[0].to])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = bytes.Clone(b)
		if len(b) >= blockHead {
			binary.LittleEndian.PutUint32(b[8:], uint32(len(b)-blockHead))
			binary.LittleEndian.PutUint32(b[12:], checksum(b[:12], b[16:]))
		}
		if d, err := parseDirectory(b, 1000); err == nil {
			for i := range d.columns {
				_, _ = d.columns[i].statistics()
			}
		}
		dec := column.Decoder{MaxBytes: 1 << 20}
		if runs, err := parseRuns(&dec, b, 5, 30); err == nil && runs[4].first+runs[4].rows != 30 {
			t.Fatalf("runs %+v", runs)
		}
	})
}

// FuzzIndex reads any bytes as an index page and as a top index. What a page gives is in order.
func FuzzIndex(f *testing.F) {
	_, _, _, file := mixedFile(f)
	l := layoutOf(f, file)
	f.Add(file[l.pages[0].from:l.pages[0].to])
	r := openBytes(f, file, ReaderOptions{})
	f.Add(file[r.footer.top.offset:r.footer.top.end()])
	f.Fuzz(func(t *testing.T, b []byte) {
		dec := column.Decoder{MaxBytes: maxPage}
		_, _ = parseTop(&dec, b, 100, 1000)
		b = bytes.Clone(b)
		if len(b) > 4 {
			binary.LittleEndian.PutUint32(b, checksum(b[4:]))
		}
		p, err := parsePage(&dec, b, section{offset: 64, length: 1 << 20})
		if err != nil {
			return
		}
		for i := range p.entries {
			e := &p.entries[i]
			checkRunsOrder(t, e.runs)
			for _, ref := range e.refs {
				if ref.offset < 64 || ref.offset+int64(ref.length) > 64+1<<20 || ref.firstSeq > ref.lastSeq || ref.minNS > ref.maxNS {
					t.Fatalf("block %+v", ref)
				}
			}
		}
	})
}

func checkRunsOrder(t *testing.T, runs []ledger.Run) {
	for i, r := range runs {
		if r.First > r.Last || i > 0 && (r.First <= runs[i-1].Last || r.First == runs[i-1].Last+1) {
			t.Fatalf("runs %v", runs)
		}
	}
}

// FuzzRoaring reads any bytes as a bitmap.
func FuzzRoaring(f *testing.F) {
	for _, runs := range [][]ledger.Run{{{First: 5, Last: 5}}, {{First: 0, Last: 1 << 20}}, {{First: 1, Last: 2}, {First: 70_000, Last: 200_000}, {First: 1 << 30, Last: 1 << 31}}} {
		b, _ := appendRoaring(nil, runs)
		f.Add(b, uint64(7))
	}
	f.Fuzz(func(t *testing.T, b []byte, base uint64) {
		if runs, err := parseRoaring(b, base, 1000); err == nil {
			checkRunsOrder(t, runs)
		}
	})
}

// FuzzManifest: what is accepted is written again as it was.
func FuzzManifest(f *testing.F) {
	f.Add((*Manifest)(nil).Append(nil))
	f.Add(testManifest().Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		mended := bytes.Clone(b)
		if len(b) >= manifestHead {
			binary.LittleEndian.PutUint32(mended[12:], checksum(mended[:12], mended[manifestHead:]))
		}
		for _, b := range [][]byte{b, mended} {
			if m, err := ParseManifest(b); err == nil && !bytes.Equal(m.Append(nil), b) {
				t.Fatalf("%x is read and written as %x", b, m.Append(nil))
			}
		}
	})
}

// FuzzStatistics: any bytes are statistics of each kind or are not, and what was read is written again so that it says the same.
func FuzzStatistics(f *testing.F) {
	for _, s := range []FieldStats{
		floatStats([]column.Float{{Bits: math.Float64bits(1.5), Mantissa: 15, Scale: 1, Decimal: true}, {Bits: math.Float64bits(math.NaN())}}),
		intStats([]int64{math.MinInt64, 5}), uintStats([]uint64{math.MaxUint64}), boolStats([]bool{true, false}), textStats(frame.KindString, [][]byte{[]byte("a")}),
	} {
		f.Add(byte(s.Kind), s.append(nil))
	}
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		s := FieldStats{Kind: frame.Kind(kind), Count: 3}
		if kind < 1 || kind > 6 || !s.parse(b) {
			return
		}
		again := FieldStats{Kind: s.Kind, Count: 3}
		if !again.parse(s.append(nil)) || !again.same(&s) {
			t.Fatalf("%+v became %+v", s, again)
		}
	})
}
