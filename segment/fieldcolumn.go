package segment

import (
	"cmp"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment/column"
)

// fieldColumn collects the values of one field of one kind in a block.
type fieldColumn struct {
	name   string
	kind   frame.Kind
	active bool        // has values in the block at hand
	hint   column.Hint // decimal form of floats that were read and have none of their own

	count   int    // values
	present []bool // of the rows so far, nil while every one of them has a value

	floats []column.Float
	ints   []int64
	uints  []uint64
	bools  []bool
	texts  [][]byte
}

// add adds the value of a row. Rows ascend; the ones that it skipped have none.
func (c *fieldColumn) add(row int, v *frame.Value) {
	if c.count != row {
		c.mark(row)
	}
	c.count++
	switch c.kind {
	case frame.KindFloat:
		c.floats = append(c.floats, column.Float{Bits: v.Num, Mantissa: v.Mantissa, Scale: v.Scale, Decimal: v.Decimal})
	case frame.KindInt:
		c.ints = append(c.ints, int64(v.Num))
	case frame.KindUint:
		c.uints = append(c.uints, v.Num)
	case frame.KindBool:
		c.bools = append(c.bools, v.Num != 0)
	default:
		c.texts = append(c.texts, v.Str)
	}
}

// mark notes which rows have a value, once one has none.
func (c *fieldColumn) mark(row int) {
	c.begin()
	c.pad(row)
	c.present = append(c.present, true)
}

// begin makes the list of rows, all of which had a value so far.
func (c *fieldColumn) begin() {
	if c.present == nil {
		c.present = make([]bool, c.count, maxRows)
		for i := range c.present {
			c.present[i] = true
		}
	}
}

// pad notes that the rows up to, and not including, the given one have no value.
func (c *fieldColumn) pad(row int) {
	for len(c.present) < row {
		c.present = append(c.present, false)
	}
}

// validity returns which of the block's rows have a value, nil when all do.
func (c *fieldColumn) validity(rows int) []bool {
	if c.count == rows {
		return nil
	}
	c.begin()
	c.pad(rows)
	return c.present
}

// encode appends the values and returns their statistics.
func (c *fieldColumn) encode(enc *column.Encoder, dst []byte) ([]byte, column.Chunk, FieldStats) {
	var chunk column.Chunk
	switch c.kind {
	case frame.KindFloat:
		dst, chunk = enc.Floats(dst, c.floats)
	case frame.KindInt:
		dst, chunk = enc.Ints(dst, c.ints)
	case frame.KindUint:
		dst, chunk = enc.Uints(dst, c.uints)
	case frame.KindBool:
		dst, chunk = enc.Bools(dst, c.bools)
	default:
		dst, chunk = enc.Bytes(dst, c.texts)
	}
	return dst, chunk, c.stats()
}

func (c *fieldColumn) stats() FieldStats {
	switch c.kind {
	case frame.KindFloat:
		s := floatStats(c.floats)
		for _, v := range []*frame.Value{&s.Min, &s.Max, &s.First, &s.Last} {
			c.giveDecimal(v)
		}
		return s
	case frame.KindInt:
		return intStats(c.ints)
	case frame.KindUint:
		return uintStats(c.uints)
	case frame.KindBool:
		return boolStats(c.bools)
	default:
		return textStats(c.kind, c.texts)
	}
}

// giveDecimal gives a float without a decimal form the one that the column's values came in: statistics are shorter so.
func (c *fieldColumn) giveDecimal(v *frame.Value) {
	if c.hint.Decimal && !v.Decimal {
		f := c.hint.Float(v.Num)
		*v = floatValue(&f)
	}
}

// reset makes the column empty for the next block and keeps its room.
func (c *fieldColumn) reset() {
	clear(c.texts) // let go of the frames' bytes
	c.active, c.hint, c.count, c.present = false, column.Hint{}, 0, nil
	c.floats, c.ints, c.uints, c.bools, c.texts = c.floats[:0], c.ints[:0], c.uints[:0], c.bools[:0], c.texts[:0]
}

// compare orders columns as they stand in a block.
func (c *fieldColumn) compare(o *fieldColumn) int {
	return cmp.Or(cmp.Compare(c.name, o.name), cmp.Compare(c.kind, o.kind))
}
