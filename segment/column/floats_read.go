package column

import (
	"encoding/binary"
	"math"
	"slices"
)

// readFloats fills dst with bits.
func readFloats(d *Decoder, c *cursor, dst []uint64, enc Encoding) Hint {
	switch enc {
	case FloatConst:
		if b := c.take(8); b != nil {
			v := binary.LittleEndian.Uint64(b)
			for i := range dst {
				dst[i] = v
			}
		}
	case FloatOrdered:
		readRow(d, c, dst, top)
		for i, v := range dst {
			dst[i] = uint64(ordered(v))
		}
	case FloatDecimal, FloatDecimal32, FloatNear, FloatNear32:
		return readDecimals(d, c, dst, enc)
	case FloatDict:
		return readFloatDict(d, c, dst)
	}
	return Hint{}
}

func readFloatDict(d *Decoder, c *cursor, dst []uint64) Hint {
	count := c.count(len(dst)-1, "entries less one") + 1
	d.entries = slices.Grow(d.entries[:0], count)[:count]
	enc := Encoding(c.byte())
	switch enc {
	case FloatDecimal, FloatDecimal32, FloatNear, FloatNear32:
	default:
		c.fail("%v in a dictionary of floats", enc)
	}
	hint := readDecimals(d, c, d.entries, enc)
	readRow(d, c, dst, top)
	lookUp(c, dst, d.entries)
	return hint
}

func readDecimals(d *Decoder, c *cursor, dst []uint64, enc Encoding) Hint {
	f := form{scale: c.byte(), narrow: enc == FloatDecimal32 || enc == FloatNear32}
	near := enc == FloatNear || enc == FloatNear32
	if f.scale > maxScale {
		c.fail("a scale of %d, the largest is %d", f.scale, maxScale)
		return Hint{}
	}
	exceptions := c.readExceptions(len(dst))
	if near {
		d.residuals = slices.Grow(d.residuals[:0], len(dst))[:len(dst)]
		readRow(d, c, d.residuals, top)
	}
	readRow(d, c, dst, top)
	if c.err != nil {
		return Hint{}
	}
	f.read(dst)
	if near {
		for i, r := range d.residuals {
			dst[i] += uint64(r)
		}
	}
	exceptions.patch(dst)
	return Hint{Decimal: !f.narrow, Scale: f.scale}
}

// read replaces mantissas by the bits of their floats.
func (f form) read(dst []uint64) {
	p := pow10[f.scale]
	if f.narrow {
		for i, m := range dst {
			dst[i] = math.Float64bits(float64(float32(float64(int64(m)) / p)))
		}
		return
	}
	for i, m := range dst {
		dst[i] = math.Float64bits(float64(int64(m)) / p)
	}
}

// exceptions are values to put over decoded ones.
type exceptions struct {
	places []byte // uvarints, checked
	values []byte // 8 bytes each
}

func (c *cursor) readExceptions(n int) exceptions {
	count := c.count(n, "exceptions")
	start, place := c.b, uint64(0)
	for range count {
		place += uint64(c.count(n, "values to skip"))
		if place >= uint64(n) {
			c.fail("an exception at %d of %d", place, n)
			return exceptions{}
		}
		place++
	}
	places := start[:len(start)-len(c.b)]
	return exceptions{places: places, values: c.take(8 * count)}
}

func (x exceptions) patch(dst []uint64) {
	places := cursor{b: x.places}
	for at := 0; at < len(x.values); at += 8 {
		skip := places.uvarint()
		dst = dst[skip:]
		dst[0] = binary.LittleEndian.Uint64(x.values[at:])
		dst = dst[1:]
	}
}
