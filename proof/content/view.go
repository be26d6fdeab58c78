package content

import (
	"encoding/binary"
	"slices"

	"github.com/gaplessdb/gapless/segment"
)

// layout is which columns of a block the frames of some rows have values in.
type layout struct {
	has     []bool // of each mixed column, whether they have it
	columns []*segment.Column
	texts   bool   // some of them are texts, which have no fixed size
	shape   string // names and kinds, as they are hashed
	fixed   int    // bytes of a frame's values, where none is a text
}

// blockView is a block with what is computed of it once. Most blocks have one layout; where shapes take turns, the last few are remembered.
type blockView struct {
	serial  uint64
	block   *segment.SealedBlock
	flags   []byte            // of each row, as they are hashed but for flagSameShape
	mixed   []*segment.Column // columns in which some rows have no value
	changed []bool            // of each row, whether another layout begins there; empty without mixed columns
	known   []*layout
	next    int // where the next one is remembered
	shape   []byte
}

const knownLayouts = 8

// use makes a block the one at hand.
func (v *blockView) use(b *segment.SealedBlock) {
	if v.block == b && v.serial == b.Serial {
		return
	}
	*v = blockView{
		serial: b.Serial, block: b, flags: v.flags[:0], mixed: v.mixed[:0], changed: v.changed[:0], known: v.known[:0], shape: v.shape,
	}
	v.flags = slices.Grow(v.flags, len(b.Seq))[:len(b.Seq)]
	flags, uniform := flagsOf(b.Class(0), b.NoTime(0)), b.Uniform()
	for row := range v.flags {
		if !uniform {
			flags = flagsOf(b.Class(row), b.NoTime(row))
		}
		v.flags[row] = flags
	}
	for i := range b.Columns {
		if b.Columns[i].Place != nil {
			v.mixed = append(v.mixed, &b.Columns[i])
		}
	}
	if len(v.mixed) == 0 {
		return
	}
	v.changed = append(v.changed, make([]bool, len(b.Seq))...)
	for _, c := range v.mixed {
		for row := 1; row < len(c.Place); row++ {
			if (c.Place[row] < 0) != (c.Place[row-1] < 0) {
				v.changed[row] = true
			}
		}
	}
}

// same is how far the rows from..to have the layout of the first.
func (v *blockView) same(from, to int) int {
	if len(v.mixed) == 0 {
		return to
	}
	row := from + 1
	for row < to && !v.changed[row] {
		row++
	}
	return row
}

// layout is the layout of a row.
func (v *blockView) layout(row int) *layout {
	for _, l := range v.known {
		if v.fits(l, row) {
			return l
		}
	}
	l := v.build(row)
	if len(v.known) < knownLayouts {
		v.known = append(v.known, l)
	} else {
		v.known[v.next] = l
		v.next = (v.next + 1) % knownLayouts
	}
	return l
}

func (v *blockView) fits(l *layout, row int) bool {
	for i, c := range v.mixed {
		if l.has[i] != (c.Place[row] >= 0) {
			return false
		}
	}
	return true
}

func (v *blockView) build(row int) *layout {
	l := &layout{has: make([]bool, 0, len(v.mixed))}
	v.shape = append(v.shape[:0], 0, 0)
	for i := range v.block.Columns {
		c := &v.block.Columns[i]
		if c.Place != nil {
			there := c.Place[row] >= 0
			if l.has = append(l.has, there); !there {
				continue
			}
		}
		l.columns = append(l.columns, c)
		l.fixed += 8
		if isText(c.Kind) {
			l.texts = true
		}
		v.shape = append(appendName(v.shape, c.Name), byte(c.Kind))
	}
	binary.LittleEndian.PutUint16(v.shape, uint16(len(l.columns)))
	l.shape = string(v.shape)
	return l
}
