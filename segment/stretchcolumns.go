package segment

import (
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment/column"
)

// fresh is how many columns the block would get anew.
func (s *fieldSet) fresh(src *sourceBlock, from, to int) (n int) {
	for i, c := range s.columnsOf(src) {
		if !c.active && src.fields[i].any(from, to) {
			n++
		}
	}
	return n
}

// any reports whether one of the rows has a value.
func (v *values) any(from, to int) bool {
	if v.place == nil {
		return true
	}
	for _, at := range v.place[from:to] {
		if at >= 0 {
			return true
		}
	}
	return false
}

// addStretch adds the values of rows; row is the place of the first in the block that is built.
func (s *fieldSet) addStretch(row int, src *sourceBlock, from, to int) {
	for i, c := range s.columnsOf(src) {
		c.addStretch(row, src.fields[i], from, to, &s.texts)
		if !c.active && c.count > 0 {
			c.active = true
			s.active = append(s.active, c)
		}
	}
	if src.raw != nil {
		s.raw.addStretch(row, src.raw, from, to, &s.texts)
	}
}

// columnsOf finds the columns of a block's fields.
func (s *fieldSet) columnsOf(src *sourceBlock) []*fieldColumn {
	for len(s.sources) <= src.source {
		s.sources = append(s.sources, sourceColumns{})
	}
	known := &s.sources[src.source]
	if known.serial == src.serial {
		return known.columns
	}
	known.serial, known.columns = src.serial, known.columns[:0]
	for _, v := range src.fields {
		id := fieldID{v.name, v.kind}
		c := s.columns[id]
		if c == nil {
			c = &fieldColumn{name: v.name, kind: v.kind}
			s.columns[id] = c
		}
		known.columns = append(known.columns, c)
	}
	return known.columns
}

// sourceColumns are the columns of the block of a source that was seen last.
type sourceColumns struct {
	serial  uint32
	columns []*fieldColumn
}

// addStretch adds the values that the rows from..to have; row is the place of the first in the block that is built.
func (c *fieldColumn) addStretch(row int, v *values, from, to int, texts *textRoom) {
	c.hint = v.hint
	if v.place == nil {
		c.extend(row, to-from)
		c.copyValues(v, from, to, texts)
		return
	}
	for ; from < to; from, row = from+1, row+1 {
		at := int(v.place[from])
		if at < 0 {
			continue
		}
		n := 1 // values of rows that follow each other do, too
		for from+n < to && v.place[from+n] >= 0 {
			n++
		}
		c.extend(row, n)
		c.copyValues(v, at, at+n, texts)
		from, row = from+n-1, row+n-1
	}
}

// extend notes that n rows from the given one on have a value.
func (c *fieldColumn) extend(row, n int) {
	if c.count != row {
		c.begin()
		c.pad(row)
		for range n {
			c.present = append(c.present, true)
		}
	}
	c.count += n
}

// copyValues appends values by their places among those of the column.
func (c *fieldColumn) copyValues(v *values, from, to int, texts *textRoom) {
	switch v.kind {
	case frame.KindFloat:
		for _, bits := range v.nums[from:to] {
			c.floats = append(c.floats, column.Float{Bits: bits})
		}
	case frame.KindInt:
		c.ints = append(c.ints, v.ints[from:to]...)
	case frame.KindUint:
		c.uints = append(c.uints, v.nums[from:to]...)
	case frame.KindBool:
		c.bools = append(c.bools, v.bools[from:to]...)
	default:
		for _, t := range v.texts[from:to] {
			c.texts = append(c.texts, texts.copy(t))
		}
	}
}

// textRoom holds copies of texts until their block is written: a text that was read keeps all others of its column in memory.
type textRoom struct {
	free   []byte
	last   []byte // what was copied last,
	copied []byte // and its copy
}

const textRoomBytes = 64 << 10

func (r *textRoom) copy(t []byte) []byte {
	if len(t) == 0 {
		return nil
	}
	if len(t) == len(r.last) && &t[0] == &r.last[0] { // one of a dictionary again
		return r.copied
	}
	if cap(r.free)-len(r.free) < len(t) {
		r.free = make([]byte, 0, max(textRoomBytes, len(t)))
	}
	from := len(r.free)
	r.free = append(r.free, t...)
	r.last, r.copied = t, r.free[from:len(r.free):len(r.free)]
	return r.copied
}

// forget lets go of all copies.
func (r *textRoom) forget() { *r = textRoom{free: r.free[:0]} }
