package segment

import (
	"fmt"
	"slices"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment/column"
)

// blockRows is what a block has of every row, decoded and immutable.
type blockRows struct {
	runs    []blockRun
	seq     []uint64
	time    []int64
	receive []int64
	index   []uint64
	ordinal []uint32
	class   []uint8  // of length 1 where all rows have the same
	flags   []uint16 // likewise
	seal    []uint32 // likewise
}

func (b *blockRows) size() int64 {
	n := int64(256)
	for i := range b.runs {
		n += 64 + int64(len(b.runs[i].key))
	}
	return n + 36*int64(len(b.seq)) + int64(len(b.class)) + 2*int64(len(b.flags)) + 4*int64(len(b.seal))
}

// decode reads one column. Runs come first.
func (b *blockRows) decode(dec *column.Decoder, d *directory, c *blockColumn, chunk []byte) (err error) {
	switch c.part {
	case partRuns:
		b.runs, err = parseRuns(dec, chunk, d.runs, d.rows)
	case partSeq:
		err = b.decodeSeq(dec, d, c, chunk)
	case partTime:
		err = b.decodeTime(dec, d, c, chunk)
	case partReceive:
		b.receive, err = dec.Ints(slices.Grow(b.receive[:0], d.rows), d.rows, c.chunk, chunk)
	case partIndex:
		b.index, err = dec.Uints(slices.Grow(b.index[:0], d.rows), d.rows, c.chunk, chunk)
	case partOrdinal:
		b.ordinal, err = decodeSmall[uint32](dec, d, c, chunk)
	case partClass:
		b.class, err = decodeSmall[uint8](dec, d, c, chunk)
		b.class = collapse(b.class)
	case partFlags:
		b.flags, err = decodeSmall[uint16](dec, d, c, chunk)
		b.flags = collapse(b.flags)
	case partSeal:
		b.seal, err = decodeSmall[uint32](dec, d, c, chunk)
		b.seal = collapse(b.seal)
	}
	return err
}

// decodeSeq adds up the distances of each run.
func (b *blockRows) decodeSeq(dec *column.Decoder, d *directory, c *blockColumn, chunk []byte) error {
	steps, err := decodeUints(dec, c, chunk)
	if err != nil {
		return err
	}
	return b.addSeq(d, c, steps)
}

func (b *blockRows) addSeq(d *directory, c *blockColumn, steps []uint64) error {
	b.seq = slices.Grow(b.seq[:0], d.rows)[:d.rows]
	for i := range b.runs {
		r := &b.runs[i]
		at := r.seq
		b.seq[r.first] = at
		for row := r.first + 1; row < r.first+r.rows; row++ {
			step := steps[row-i-1]
			if step == 0 || at+step < at {
				return damaged(c.String(), 0, fmt.Sprintf("a number above %d in row %d", at, row), at+step)
			}
			at += step
			b.seq[row] = at
		}
	}
	return nil
}

func (b *blockRows) decodeTime(dec *column.Decoder, d *directory, c *blockColumn, chunk []byte) error {
	steps, err := decodeInts(dec, c, chunk)
	if err == nil {
		b.addTime(d, steps)
	}
	return err
}

func (b *blockRows) addTime(d *directory, steps []int64) {
	b.time = slices.Grow(b.time[:0], d.rows)[:d.rows]
	for i := range b.runs {
		r := &b.runs[i]
		at := r.time
		for row := r.first; row < r.first+r.rows; row++ {
			if row > r.first {
				at += steps[row-i-1]
			}
			b.time[row] = at
		}
	}
}

func decodeUints(dec *column.Decoder, c *blockColumn, chunk []byte) ([]uint64, error) {
	if c.values == 0 {
		return nil, nil
	}
	return dec.Uints(make([]uint64, 0, c.values), c.values, c.chunk, chunk)
}

func decodeInts(dec *column.Decoder, c *blockColumn, chunk []byte) ([]int64, error) {
	if c.values == 0 {
		return nil, nil
	}
	return dec.Ints(make([]int64, 0, c.values), c.values, c.chunk, chunk)
}

// decodeSmall decodes numbers of a small type.
func decodeSmall[T uint8 | uint16 | uint32](dec *column.Decoder, d *directory, c *blockColumn, chunk []byte) ([]T, error) {
	wide, err := dec.Uints(make([]uint64, 0, d.rows), d.rows, c.chunk, chunk)
	if err != nil {
		return nil, err
	}
	list := make([]T, len(wide))
	for i, v := range wide {
		if list[i] = T(v); uint64(list[i]) != v {
			return nil, damaged(c.String(), 0, fmt.Sprintf("at most %d", ^T(0)), v)
		}
	}
	return list, nil
}

// collapse shortens a list of equal values to one.
func collapse[T comparable](list []T) []T {
	for i := range list {
		if list[i] != list[0] {
			return list
		}
	}
	return append([]T(nil), list[:min(len(list), 1)]...)
}

// of is the value of a row in a list that may be collapsed.
func of[T any](list []T, row int) T {
	if len(list) == 1 {
		return list[0]
	}
	return list[row]
}

// check makes sure that the run is what the index says.
func (b *blockRows) check(ref *blockRef) error {
	if int(ref.run) >= len(b.runs) {
		return damaged("block", 0, fmt.Sprintf("run %d of the index", ref.run), fmt.Sprintf("%d runs", len(b.runs)))
	}
	r := &b.runs[ref.run]
	first, last := b.seq[r.first], b.seq[r.first+r.rows-1]
	if r.rows != int(ref.rows) || first != ref.firstSeq || last != ref.lastSeq {
		return damaged("block", 0, fmt.Sprintf("%d rows from %d to %d in run %d as the index says", ref.rows, ref.firstSeq, ref.lastSeq, ref.run),
			fmt.Sprintf("%d from %d to %d", r.rows, first, last))
	}
	return nil
}

// row fills in what is known of a row without its values.
func (b *blockRows) row(row *Row, i int) {
	*row = Row{
		Seq: b.seq[i], TimeNS: b.time[i], ReceiveMS: b.receive[i], Index: b.index[i], Ordinal: b.ordinal[i],
		Flags: Flags(of(b.flags, i)), Class: frame.Class(of(b.class, i)), Seal: of(b.seal, i),
	}
}

// filed is Row.FiledNS of a row.
func (b *blockRows) filed(i int) int64 {
	if Flags(of(b.flags, i))&FlagSkew == 0 {
		return b.time[i]
	}
	r := Row{ReceiveMS: b.receive[i], Flags: FlagSkew}
	return r.FiledNS()
}
