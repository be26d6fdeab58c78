package segment

import (
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"pgregory.net/rapid"
)

// TestSlabsHaveWhatScansHave reads segments as columns and as records, with and without a cache: rows, times and values are the same.
func TestSlabsHaveWhatScansHave(t *testing.T) {
	rapid.Check(t, func(t2 *rapid.T) {
		f, _ := testFleet(t2, t)
		if f.head.Frames() == 0 {
			return
		}
		_, file := f.write()
		cache := NewCache(rapid.SampledFrom([]int64{0, 1 << 20}).Draw(t2, "cache"))
		r := openBytes(t, file, ReaderOptions{Name: nameOf(file), Cache: cache})
		cols := rapid.SampledFrom([]Columns{{All: true, NoRaw: true}, {}, {Fields: []string{"speed", "a"}}}).Draw(t2, "columns")
		index := rapid.Bool().Draw(t2, "index")
		err := r.Each(func(_ frame.StreamKey, e *Epoch) error {
			var slab Slab
			block, at := -1, 0
			_, err := r.Scan(e, All(), cols, func(rec *Record) bool {
				if block < 0 || at == len(slab.Seq) {
					block, at = block+1, 0
					if _, err := r.Slab(e, block, cols, index, &slab); err != nil {
						t2.Fatal(err)
					}
					if b := e.Block(block); b.Rows != len(slab.Seq) || b.FirstSeq != slab.Seq[0] || b.LastSeq != slab.Seq[b.Rows-1] ||
						b.FirstNS != slices.Min(slab.FiledNS) || b.LastNS != slices.Max(slab.FiledNS) {
						t2.Fatalf("block %d: %+v, rows %v", block, b, slab.Seq)
					}
				}
				if slab.Seq[at] != rec.Seq || slab.FiledNS[at] != rec.FiledNS() || index != (slab.Index != nil) || index && slab.Index[at] != rec.Index {
					t2.Fatalf("row %d of block %d is number %d at %d, want %+v", at, block, slab.Seq[at], slab.FiledNS[at], rec.Row)
				}
				same := func(a, b frame.Field) bool { return a.Name == b.Name && a.Value.Equal(b.Value) }
				if got := fieldsAt(&slab, at); !slices.EqualFunc(got, rec.Fields, same) {
					t2.Fatalf("row %d of block %d has %v, want %v", at, block, got, rec.Fields)
				}
				at++
				return true
			})
			if err == nil && (block+1 != e.Blocks() || at != len(slab.Seq)) {
				t2.Fatalf("%d blocks of %d were read", block+1, e.Blocks())
			}
			return err
		})
		if err != nil {
			t2.Fatal(err)
		}
	})
}

// fieldsAt collects a row's values.
func fieldsAt(s *Slab, row int) (fields []frame.Field) {
	for i := range s.Columns {
		c := &s.Columns[i]
		at, last, firstRow, lastRow, ok := c.Span(row, row+1)
		if !ok {
			continue
		}
		if at != last || firstRow != row || lastRow != row {
			return nil
		}
		v := frame.Value{Kind: c.Kind}
		switch c.Kind {
		case frame.KindFloat, frame.KindUint:
			v.Num = c.Bits[at]
		case frame.KindInt:
			v.Num = uint64(c.Ints[at])
		case frame.KindBool:
			v = frame.Bool(c.Bools[at])
		default:
			v.Str = c.Texts[at]
		}
		fields = append(fields, frame.Field{Name: c.Name, Value: v})
	}
	return fields
}

// TestColumnSpan finds the values of rows in a column with holes.
func TestColumnSpan(t *testing.T) {
	holes := Column{Place: []int16{-1, 0, 1, -1, 2, -1}}
	for _, tt := range []struct {
		from, to         int
		first, last      int
		firstRow, endRow int
		ok               bool
	}{
		{0, 6, 0, 2, 1, 4, true}, {0, 1, 0, 0, 0, 0, false}, {2, 4, 1, 1, 2, 2, true},
		{3, 4, 0, 0, 0, 0, false}, {3, 6, 2, 2, 4, 4, true}, {2, 2, 0, 0, 0, 0, false},
	} {
		first, last, firstRow, endRow, ok := holes.Span(tt.from, tt.to)
		if ok != tt.ok || ok && (first != tt.first || last != tt.last || firstRow != tt.firstRow || endRow != tt.endRow) {
			t.Errorf("%d to %d: values %d to %d of rows %d to %d, %t", tt.from, tt.to, first, last, firstRow, endRow, ok)
		}
	}
	if first, last, _, _, ok := (&Column{}).Span(3, 5); !ok || first != 3 || last != 4 {
		t.Errorf("a column without holes: %d to %d, %t", first, last, ok)
	}
}
