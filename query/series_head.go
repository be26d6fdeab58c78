package query

import (
	"cmp"
	"slices"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// headSlabRows is how many rows of a head make a slab.
const headSlabRows = 4096

// slabOf turns rows of a head, which ascend by number, into columns of the fields that are asked for.
func slabOf(rows []headRow, cols *segment.Columns) *segment.Slab {
	b := slabBuilder{slab: &segment.Slab{Seq: make([]uint64, len(rows)), FiledNS: make([]int64, len(rows))}, cols: cols}
	for i := range rows {
		b.slab.Seq[i], b.slab.FiledNS[i] = rows[i].seq, rows[i].filedNS
		rows[i].body.Decode(&b.frame)
		for k := range b.frame.Fields {
			b.add(i, k, &b.frame.Fields[k])
		}
	}
	for i := range b.slab.Columns {
		c := &b.slab.Columns[i]
		if len(c.Place) == len(rows) && !slices.Contains(c.Place, -1) {
			c.Place = nil
		}
		for c.Place != nil && len(c.Place) < len(rows) {
			c.Place = append(c.Place, -1)
		}
	}
	slices.SortFunc(b.slab.Columns, func(a, b segment.Column) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind)) })
	return b.slab
}

// slabBuilder collects values by columns. Rows mostly look like the one before: the column at the same place is tried first.
type slabBuilder struct {
	slab  *segment.Slab
	cols  *segment.Columns
	frame frame.Frame
	guess []int // by place in a row: the column that was there last, -1 for a field that is not asked for
	names []string
	kinds []frame.Kind
}

func (b *slabBuilder) add(row, place int, f *frame.Field) {
	for len(b.guess) <= place {
		b.guess, b.names, b.kinds = append(b.guess, -1), append(b.names, ""), append(b.kinds, 0)
	}
	if b.names[place] != f.Name || b.kinds[place] != f.Value.Kind {
		b.names[place], b.kinds[place], b.guess[place] = f.Name, f.Value.Kind, b.column(f.Name, f.Value.Kind)
	}
	if b.guess[place] < 0 {
		return
	}
	c := &b.slab.Columns[b.guess[place]]
	for len(c.Place) < row {
		c.Place = append(c.Place, -1)
	}
	c.Place = append(c.Place, int16(put(c, &f.Value)))
}

// column finds a column, or makes it; -1 for a field that is not asked for.
func (b *slabBuilder) column(name string, kind frame.Kind) int {
	if !b.cols.All && !slices.Contains(b.cols.Fields, name) {
		return -1
	}
	i := slices.IndexFunc(b.slab.Columns, func(c segment.Column) bool { return c.Name == name && c.Kind == kind })
	if i < 0 {
		i = len(b.slab.Columns)
		b.slab.Columns = append(b.slab.Columns, segment.Column{Name: name, Kind: kind})
	}
	return i
}

// put adds a value and returns its place.
func put(c *segment.Column, v *frame.Value) int {
	switch c.Kind {
	case frame.KindFloat, frame.KindUint:
		c.Bits = append(c.Bits, v.Num)
		return len(c.Bits) - 1
	case frame.KindInt:
		c.Ints = append(c.Ints, v.Int64())
		return len(c.Ints) - 1
	case frame.KindBool:
		c.Bools = append(c.Bools, v.Bool())
		return len(c.Bools) - 1
	default:
		c.Texts = append(c.Texts, v.Str)
		return len(c.Texts) - 1
	}
}
