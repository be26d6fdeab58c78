package column

import (
	"encoding/binary"
	"slices"
)

// Encodings of truth values.
//
//	BoolConst   │ 0 or 1 │
//	BoolBitmap  │ one bit per value, the first in the lowest bit of the first byte; the last byte's spare bits are 0 │
//	BoolRuns    │ the first value │ runs - 2 │ row of integers: length of each run but the last, less one │
const boolRunsShare = 8 // runs are tried when there are at most so many values for each

func appendBools(e *Encoder, dst []byte, v []bool) ([]byte, Encoding) {
	runs := 1
	for i := 1; i < len(v); i++ {
		if v[i] != v[i-1] {
			runs++
		}
	}
	if runs == 1 {
		return append(dst, bit(v[0])), BoolConst
	}
	if runs*boolRunsShare <= len(v) {
		if out := e.appendBoolRuns(dst, v, runs); len(out)-len(dst) < packedBytes(len(v), 1) {
			return out, BoolRuns
		}
	}
	return appendBitmap(dst, v), BoolBitmap
}

func bit(v bool) byte {
	if v {
		return 1
	}
	return 0
}

func (e *Encoder) appendBoolRuns(dst []byte, v []bool, runs int) []byte {
	lengths := slices.Grow(e.first[:0], runs)
	start := 0
	for i := 1; i < len(v); i++ {
		if v[i] != v[i-1] {
			lengths = append(lengths, uint64(i-start-1))
			start = i
		}
	}
	e.first = lengths
	dst = binary.AppendUvarint(append(dst, bit(v[0])), uint64(runs-2))
	return appendRow(e, dst, lengths, bottom)
}

func appendBitmap(dst []byte, v []bool) []byte {
	for len(v) > 0 {
		part := v[:min(8, len(v))]
		b := byte(0)
		for i, x := range part {
			b |= bit(x) << i
		}
		dst = append(dst, b)
		v = v[len(part):]
	}
	return dst
}

func readBools(d *Decoder, c *cursor, dst []bool, enc Encoding) {
	switch enc {
	case BoolConst:
		fill(dst, c.bit())
	case BoolBitmap:
		readBitmap(c, dst)
	case BoolRuns:
		readBoolRuns(d, c, dst)
	}
}

func (c *cursor) bit() bool {
	x := c.byte()
	if x > 1 {
		c.fail("a truth value of %d", x)
	}
	return x == 1
}

func fill(dst []bool, v bool) {
	for i := range dst {
		dst[i] = v
	}
}

func readBitmap(c *cursor, dst []bool) {
	b := c.take(packedBytes(len(dst), 1))
	if c.err != nil {
		return
	}
	for i := range dst {
		dst[i] = b[i>>3]>>(i&7)&1 != 0
	}
	if spare := len(b)*8 - len(dst); b[len(b)-1]>>(8-spare) != 0 {
		c.fail("the bitmap's spare bits are not 0")
	}
}

func readBoolRuns(d *Decoder, c *cursor, dst []bool) {
	v := c.bit()
	if len(dst) < 2 {
		c.fail("runs of %d value", len(dst))
		return
	}
	count := c.count(len(dst)-2, "runs less two") + 1
	d.first = slices.Grow(d.first[:0], count)[:count]
	readRow(d, c, d.first, bottom)
	if c.err != nil {
		return
	}
	for _, length := range d.first {
		if length+1 >= uint64(len(dst)) || length+1 == 0 {
			c.fail("a run of %d values more where %d are left", length, len(dst))
			return
		}
		fill(dst[:length+1], v)
		dst, v = dst[length+1:], !v
	}
	fill(dst, v)
}
