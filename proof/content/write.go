package content

import (
	"encoding/binary"
	"slices"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

const (
	frameHead  = 8 + 1 + 8     // number, flags, time: what stands before a frame's shape and values
	frameFixed = frameHead + 4 // and the length of the raw payload behind them
)

// write appends the frames of rows from..to, at most 64 of one layout, to the group at hand. Values go from the columns straight to where they are
// hashed, column by column.
func (s *stripHasher) write(v *blockView, l *layout, from, to int) {
	shape := l.shape
	if s.count > 0 && s.shape == shape {
		shape = ""
	}
	if !l.texts && v.block.Raw == nil {
		s.writeFixed(v, l, shape, from, to)
	} else {
		s.writeVaried(v, l, shape, from, to)
	}
	s.count += to - from
	s.shape = l.shape
}

// grow makes room for n more bytes of the group, which the caller fills, and returns where they begin.
func (s *stripHasher) grow(n int) (at int) {
	at = len(s.group)
	s.group = slices.Grow(s.group, n)[:at+n]
	return at
}

// writeFixed is for frames of equal size: values of a column lie a stride apart.
func (s *stripHasher) writeFixed(v *blockView, l *layout, shape string, from, to int) {
	stride := frameFixed + l.fixed
	at := s.grow(len(shape) + (to-from)*stride)
	first := at + frameHead + len(shape) // value of the first frame
	for row := from; row < to; row++ {
		v.putHead(s.group[at:at+frameHead:at+frameHead], row, shape != "")
		if shape != "" {
			at += copy(s.group[at+frameHead:], shape)
			shape = ""
		}
		at += stride
		binary.LittleEndian.PutUint32(s.group[at-4:at], 0) // no raw payload
	}
	for columns := l.columns; len(columns) > 0; {
		n := s.putFour(columns, first, stride, from, to)
		if n == 0 {
			n = s.putOne(columns[0], first, stride, from, to)
		}
		columns, first = columns[n:], first+8*n
	}
}

// putFour writes the values of four columns of 64 bits a value at once, which is faster than one after the other. It returns how many columns it has
// written: four or none.
func (s *stripHasher) putFour(columns []*segment.Column, at, stride, from, to int) int {
	if len(columns) < 4 {
		return 0
	}
	var values [4][]uint64
	for i, c := range columns[:4] {
		if c.Kind != frame.KindFloat && c.Kind != frame.KindUint {
			return 0
		}
		place := firstValue(c, from)
		values[i] = c.Bits[place : place+to-from]
	}
	v0, v1, v2, v3 := values[0], values[1], values[2], values[3]
	for i := range v0 {
		b := s.group[at : at+32 : at+32]
		binary.LittleEndian.PutUint64(b, v0[i])
		binary.LittleEndian.PutUint64(b[8:], v1[i])
		binary.LittleEndian.PutUint64(b[16:], v2[i])
		binary.LittleEndian.PutUint64(b[24:], v3[i])
		at += stride
	}
	return 4
}

// putOne writes the values of one column.
func (s *stripHasher) putOne(c *segment.Column, at, stride, from, to int) int {
	place := firstValue(c, from)
	switch c.Kind {
	case frame.KindFloat, frame.KindUint:
		putStrided(s.group, at, stride, c.Bits[place:place+to-from])
	case frame.KindInt:
		putStrided(s.group, at, stride, c.Ints[place:place+to-from])
	default:
		for i, is := range c.Bools[place : place+to-from] {
			binary.LittleEndian.PutUint64(s.group[at+i*stride:], number(is))
		}
	}
	return 1
}

func putStrided[T uint64 | int64](buf []byte, at, stride int, values []T) {
	for _, v := range values {
		binary.LittleEndian.PutUint64(buf[at:at+8:at+8], uint64(v))
		at += stride
	}
}

// putHead writes what stands before the shape and the values of a row.
func (v *blockView) putHead(b []byte, row int, shaped bool) {
	flags, ns := v.flags[row], v.block.TimeNS[row]
	if flags&flagNoTime != 0 {
		ns = 0
	}
	if !shaped {
		flags |= flagSameShape
	}
	binary.LittleEndian.PutUint64(b, v.block.Seq[row])
	b[8] = flags
	binary.LittleEndian.PutUint64(b[9:], uint64(ns))
}

// writeVaried is for frames with texts or raw payloads.
func (s *stripHasher) writeVaried(v *blockView, l *layout, shape string, from, to int) {
	for row := from; row < to; row++ {
		at := s.grow(frameHead)
		v.putHead(s.group[at:], row, shape != "")
		s.group = append(s.group, shape...)
		shape = ""
		for _, c := range l.columns {
			place := firstValue(c, row)
			switch c.Kind {
			case frame.KindFloat, frame.KindUint:
				s.group = binary.LittleEndian.AppendUint64(s.group, c.Bits[place])
			case frame.KindInt:
				s.group = binary.LittleEndian.AppendUint64(s.group, uint64(c.Ints[place]))
			case frame.KindBool:
				s.group = binary.LittleEndian.AppendUint64(s.group, number(c.Bools[place]))
			default:
				s.group = appendText(s.group, c.Texts[place])
			}
		}
		s.group = appendText(s.group, rawOf(v.block.Raw, row))
	}
}

// firstValue is where the value of a row, which has one, stands in the column.
func firstValue(c *segment.Column, row int) int {
	if c.Place != nil {
		return int(c.Place[row])
	}
	return row
}

// rawOf is the raw payload of a row.
func rawOf(c *segment.Column, row int) []byte {
	if c == nil {
		return nil
	}
	place := firstValue(c, row)
	if place < 0 {
		return nil
	}
	return c.Texts[place]
}

// number is how a truth value is hashed.
func number(is bool) uint64 {
	if is {
		return 1
	}
	return 0
}
