package segment

import (
	"fmt"
	"slices"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment/column"
)

// values is one decoded column of a field or of raw payloads. It is immutable.
type values struct {
	name  string
	kind  frame.Kind
	place []int16     // of each row's value, -1 for none; nil: every row has one, at its own place
	hint  column.Hint // of floats
	nums  []uint64
	ints  []int64
	bools []bool
	texts [][]byte
}

// decodeValues reads a column of a block of so many rows.
func decodeValues(dec *column.Decoder, c *blockColumn, rows int, b []byte) (*values, error) {
	v := &values{}
	return v, v.decode(dec, c, rows, b)
}

// decode is decodeValues into room that is there already.
func (v *values) decode(dec *column.Decoder, c *blockColumn, rows int, b []byte) (err error) {
	*v = values{name: c.name, kind: c.kind, nums: v.nums[:0], ints: v.ints[:0], bools: v.bools[:0], texts: v.texts[:0]}
	if c.part == partRaw {
		v.kind = frame.KindBytes
	}
	if err := v.decodePlaces(dec, c, rows, b); err != nil {
		return err
	}
	b = b[c.validLen:]
	n := c.values
	if n == 0 {
		return nil
	}
	switch v.kind {
	case frame.KindFloat:
		v.nums, v.hint, err = dec.Floats(slices.Grow(v.nums, n), n, c.chunk, b)
	case frame.KindInt:
		v.ints, err = dec.Ints(slices.Grow(v.ints, n), n, c.chunk, b)
	case frame.KindUint:
		v.nums, err = dec.Uints(slices.Grow(v.nums, n), n, c.chunk, b)
	case frame.KindBool:
		v.bools, err = dec.Bools(slices.Grow(v.bools, n), n, c.chunk, b)
	case frame.KindString, frame.KindBytes:
		v.texts, err = dec.Bytes(slices.Grow(v.texts, n), n, c.chunk, b)
	default:
		return fmt.Errorf("%w: values of kind %d: upgrade this program", ErrVersion, c.kind)
	}
	return err
}

func (v *values) decodePlaces(dec *column.Decoder, c *blockColumn, rows int, b []byte) error {
	if !c.mixed {
		if c.values != rows {
			return damaged(c.String(), 0, fmt.Sprintf("a value for each of %d rows", rows), c.values)
		}
		return nil
	}
	present, err := dec.Validity(make([]bool, 0, rows), rows, c.validity, b[:c.validLen])
	if err != nil {
		return err
	}
	v.place = make([]int16, rows)
	n := 0
	for i, there := range present {
		v.place[i] = -1
		if there {
			v.place[i] = int16(n)
			n++
		}
	}
	if n != c.values {
		return damaged(c.String(), 0, fmt.Sprintf("%d rows with a value", c.values), n)
	}
	return nil
}

// at returns the place of a row's value, and whether it has one.
func (v *values) at(row int) (int, bool) {
	if v.place != nil {
		row = int(v.place[row])
	}
	return row, row >= 0
}

// set puts the value at a place into one that has the kind and nothing else.
func (v *values) set(to *frame.Value, at int) {
	switch v.kind {
	case frame.KindFloat, frame.KindUint:
		to.Num = v.nums[at]
	case frame.KindInt:
		to.Num = uint64(v.ints[at])
	case frame.KindBool:
		to.Num = 0
		if v.bools[at] {
			to.Num = 1
		}
	default:
		to.Str = v.texts[at]
	}
}

// size is what the column takes in memory. Texts that are equal may share their bytes; each counts.
func (v *values) size() int64 {
	n := int64(128) + 2*int64(len(v.place)) + 8*int64(len(v.nums)+len(v.ints)) + int64(len(v.bools))
	for _, t := range v.texts {
		n += 24 + int64(len(t))
	}
	return n
}
