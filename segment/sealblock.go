package segment

import (
	"bytes"
	"fmt"

	"github.com/gaplessdb/gapless/frame"
)

// SealedBlock is what a proof hashes of a block: the columns of its rows that are content. What it refers to must not be changed.
type SealedBlock struct {
	Serial  uint64 // different for each block of a walk
	Seq     []uint64
	TimeNS  []int64  // device time; means nothing where NoTime is true
	Columns []Column // of fields, ordered by name and kind
	Raw     *Column  // nil when the block has none

	seal  []uint32 // ordinals, from 1 on; of length 1 where all rows have the same
	block sourceBlock
	raw   Column
}

// Class is the class of a row.
func (b *SealedBlock) Class(row int) frame.Class { return frame.Class(of(b.block.rows.class, row)) }

// NoTime reports whether a row's device sent no time.
func (b *SealedBlock) NoTime(row int) bool { return Flags(of(b.block.rows.flags, row))&FlagNoTime != 0 }

// Uniform reports whether Class and NoTime are the same for all rows.
func (b *SealedBlock) Uniform() bool {
	return len(b.block.rows.class) == 1 && len(b.block.rows.flags) == 1
}

// publish sets what is exported from what was decoded, and makes sure that it can be content: that every row is a frame, and that the row's
// bytes in a proof can be those of no other frame.
func (b *SealedBlock) publish() error {
	rows := &b.block.rows
	b.Seq, b.TimeNS = rows.seq, rows.time
	b.Columns, b.Raw = b.Columns[:0], nil
	for _, v := range b.block.fields {
		if err := frame.ValidateName("field", v.name); err != nil {
			return damaged("block directory", 0, "a name of a field", err)
		}
		b.Columns = append(b.Columns, v.column(0, len(rows.seq)))
	}
	if b.block.raw != nil {
		b.raw = b.block.raw.column(0, len(rows.seq))
		b.Raw = &b.raw
	}
	for _, class := range rows.class {
		if c := frame.Class(class); c != frame.ClassEvent && c != frame.ClassSnapshot {
			return damaged("column class", 0, "event (1) or snapshot (2)", class)
		}
	}
	return b.checkFields()
}

// checkFields makes sure that no row has more fields than a frame, or one name in two kinds.
func (b *SealedBlock) checkFields() error {
	var names []bool // of each row, whether it has a value under the name at hand
	for i := 1; i < len(b.Columns); i++ {
		if b.Columns[i].Name != b.Columns[i-1].Name {
			names = nil
			continue
		}
		if names == nil {
			names = make([]bool, len(b.Seq))
			b.Columns[i-1].mark(names)
		}
		if row, twice := b.Columns[i].mark(names); twice {
			return damaged("block", 0, fmt.Sprintf("field %q once in seq %d", b.Columns[i].Name, b.Seq[row]), "twice, in two kinds")
		}
	}
	if len(b.Columns) <= frame.MaxFields {
		return nil
	}
	for row := range b.Seq {
		n := 0
		for i := range b.Columns {
			if b.Columns[i].Place == nil || b.Columns[i].Place[row] >= 0 {
				n++
			}
		}
		if n > frame.MaxFields {
			return damaged("block", 0, fmt.Sprintf("%d fields at most in seq %d", frame.MaxFields, b.Seq[row]), n)
		}
	}
	return nil
}

// mark marks the rows that have a value, and finds one that was marked before.
func (c *Column) mark(rows []bool) (row int, twice bool) {
	for i := range rows {
		if c.Place != nil && c.Place[i] < 0 {
			continue
		}
		if rows[i] {
			row, twice = i, true
		}
		rows[i] = true
	}
	return row, twice
}

// sealDiffers finds what n rows of two blocks, which have equal numbers, do not have in common of what is content.
func (b *SealedBlock) sealDiffers(o *SealedBlock, at, other, n int) (difference, bool) {
	for row := range n {
		if d, ok := b.rowDiffers(o, at+row, other+row); ok {
			d.row = row
			return d, true
		}
	}
	return differentFields(b.block.fields, o.block.fields, at, other, n)
}

// rowDiffers is sealDiffers for what one row has beside its fields.
func (b *SealedBlock) rowDiffers(o *SealedBlock, x, y int) (d difference, ok bool) {
	if differ(&d, "seal", b.seal, o.seal, x, y, 1) || differ(&d, "class", b.block.rows.class, o.block.rows.class, x, y, 1) {
		return d, true
	}
	if no, other := b.NoTime(x), o.NoTime(y); no != other {
		return difference{column: "no device time", want: no, got: other}, true
	} else if !no && differ(&d, "device time", b.TimeNS, o.TimeNS, x, y, 1) {
		return d, true
	}
	if raw, other := b.rawOf(x), o.rawOf(y); !bytes.Equal(raw, other) {
		return difference{column: "raw payload", want: fmt.Sprintf("%.100q", raw), got: fmt.Sprintf("%.100q", other)}, true
	}
	return d, false
}

// rawOf is the raw payload of a row; one of no bytes is the same as none.
func (b *SealedBlock) rawOf(row int) []byte {
	if b.Raw == nil {
		return nil
	}
	if at, ok := b.block.raw.at(row); ok {
		return b.Raw.Texts[at]
	}
	return nil
}
