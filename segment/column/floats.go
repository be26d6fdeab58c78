package column

import (
	"encoding/binary"
	"math"
	"slices"
)

// Encodings of floats.
//
//	FloatConst      │ 8 bytes │
//	FloatDecimal    │ scale │ exceptions │ row of integers: mantissas │
//	FloatDecimal32  │ scale │ exceptions │ row of integers: mantissas │
//	FloatNear       │ scale │ exceptions │ row of integers: distances │ row of integers: mantissas │
//	FloatNear32     │ scale │ exceptions │ row of integers: distances │ row of integers: mantissas │
//	FloatOrdered    │ row of integers: the bits in the order of the numbers │
//	FloatDict       │ count - 1 │ encoding of the distinct values │ those in ascending order │ row of integers: place of each value there │
//
//	exceptions      │ count │ place of each, less the place after the former one │ 8 bytes of each │
const (
	exceptionBits  = 80  // what an exception takes
	exceptionShare = 4   // at most one value in so many
	nearShare      = 16  // when more than one value in so many is odd, a dictionary is tried before distances
	floatDictShare = 4   // a dictionary of floats has at most one entry for so many values
	nearLimit      = 64  // the largest distance, in units in the last place
	nearBits       = 24  // what a distance takes when there are few,
	nearBitsMost   = 4   // what each value takes when there are many,
	nearBitsBase   = 600 // and what the row takes anyway
)

func appendFloats(e *Encoder, dst []byte, v []Float) ([]byte, Encoding) {
	look := lookAt(v)
	if look.constant {
		return binary.LittleEndian.AppendUint64(dst, v[0].Bits), FloatConst
	}
	var room [3]form
	forms := look.forms(room[:0], v)
	for i, f := range forms {
		if out, enc, ok := e.appendForm(dst, v, f); ok {
			return out, enc
		}
		if i < len(forms)-1 {
			continue
		}
		if wider := e.widen(v, f); wider != f {
			if out, enc, ok := e.appendForm(dst, v, wider); ok {
				return out, enc
			}
		}
	}
	return e.appendOrdered(dst, v), FloatOrdered
}

// appendForm encodes v in the form. It reports false, and leaves the places of those, when too many values are not of it.
func (e *Encoder) appendForm(dst []byte, v []Float, f form) ([]byte, Encoding, bool) {
	e.setMantissas(v, f)
	if len(e.odd)*nearShare > len(v) {
		if out, ok := e.appendFloatDict(dst, v, f); ok {
			return out, FloatDict, true
		}
	}
	return e.appendDecimals(dst, v, f)
}

func (f form) encoding(near bool) Encoding {
	switch {
	case near && f.narrow:
		return FloatNear32
	case near:
		return FloatNear
	case f.narrow:
		return FloatDecimal32
	default:
		return FloatDecimal
	}
}

// appendDecimals encodes v as mantissas of the form, which are set. It reports false when too many values are not of it.
func (e *Encoder) appendDecimals(dst []byte, v []Float, f form) ([]byte, Encoding, bool) {
	near := e.setResiduals(v, f)
	if len(e.odd)*exceptionShare > len(v) {
		return dst, 0, false
	}
	e.bridge()
	dst = e.appendExceptions(append(dst, f.scale), v)
	if near {
		dst = appendRow(e, dst, e.residuals, top)
	}
	return appendRow(e, dst, e.mantissas, top), f.encoding(near), true
}

// setMantissas finds each value's mantissa, and the places of the values that their mantissa does not give back.
func (e *Encoder) setMantissas(v []Float, f form) {
	e.mantissas = slices.Grow(e.mantissas[:0], len(v))[:len(v)]
	e.odd = slices.Grow(e.odd[:0], len(v))[:len(v)]
	divisor := pow10[f.scale]
	odd := 0
	for i := range v {
		x := &v[i]
		m, off := int64(0), uint64(1)
		if more := f.scale - x.Scale; x.Decimal && more <= maxScale && !f.narrow {
			m = x.Mantissa * intPow10[more]
			off = x.Bits ^ math.Float64bits(float64(m)/divisor)
		}
		if off != 0 { // no hint, or a false one
			if m, off = f.nearest(x.Bits); off == 0 {
				off = x.Bits ^ f.bits(m)
			}
		}
		e.mantissas[i] = m
		e.odd[odd] = uint16(i)
		odd += int(min(off, 1)) // no branch: which values are odd is hard to predict
	}
	e.odd = e.odd[:odd]
}

// setResiduals tries to see the odd values as a few units in the last place away from a decimal. It reports whether that pays; then only
// the others remain odd.
func (e *Encoder) setResiduals(v []Float, f form) bool {
	if len(e.odd)*exceptionBits <= nearBitsBase {
		return false
	}
	e.residuals = slices.Grow(e.residuals[:0], len(v))[:len(v)]
	clear(e.residuals)
	near := 0
	for _, i := range e.odd {
		if r, ok := f.residual(v[i].Bits, &e.mantissas[i]); ok {
			e.residuals[i] = r
			near++
		}
	}
	if near*exceptionBits <= nearBitsBase+min(near*nearBits, len(v)*nearBitsMost) {
		return false
	}
	e.odd = slices.DeleteFunc(e.odd, func(i uint16) bool { return e.residuals[i] != 0 })
	return true
}

// residual is how far the bits are from those of the nearest mantissa, which it sets. It reports false beyond nearLimit.
func (f form) residual(bits uint64, mantissa *int64) (int64, bool) {
	m, _ := f.nearest(bits) // 0 where there is none, and that is far away
	r := int64(bits - f.bits(m))
	if r > nearLimit || r < -nearLimit {
		return 0, false
	}
	*mantissa = m
	return r, true
}

// bridge gives the exceptions their neighbour's mantissa, so that they do not stand out.
func (e *Encoder) bridge() {
	if len(e.odd) == 0 {
		return
	}
	calm := 0 // the first that is no exception; there is one
	for calm < len(e.odd) && int(e.odd[calm]) == calm {
		calm++
	}
	former := e.mantissas[calm]
	for _, i := range e.odd {
		if i > 0 {
			former = e.mantissas[i-1]
		}
		e.mantissas[i] = former
	}
}

func (e *Encoder) appendExceptions(dst []byte, v []Float) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(e.odd)))
	next := 0
	for _, i := range e.odd {
		dst = binary.AppendUvarint(dst, uint64(int(i)-next))
		next = int(i) + 1
	}
	for _, i := range e.odd {
		dst = binary.LittleEndian.AppendUint64(dst, v[i].Bits)
	}
	return dst
}

// appendOrdered encodes the bits as integers in the order of the numbers.
func (e *Encoder) appendOrdered(dst []byte, v []Float) []byte {
	e.mantissas = slices.Grow(e.mantissas[:0], len(v))[:len(v)]
	for i := range v {
		e.mantissas[i] = ordered(v[i].Bits)
	}
	return appendRow(e, dst, e.mantissas, top)
}

// appendFloatDict encodes the distinct values in the form, and codes. It reports false, and leaves the mantissas of v, where they are too many.
func (e *Encoder) appendFloatDict(dst []byte, v []Float, f form) ([]byte, bool) {
	e.bits = slices.Grow(e.bits[:0], len(v))[:len(v)]
	for i := range v {
		e.bits[i] = uint64(ordered(v[i].Bits))
	}
	if !e.numbers.collect(e.bits, dictLimit, func(distinct int) bool { return distinct*floatDictShare <= len(v) }) {
		return dst, false
	}
	entries, codes := e.dictionary(e.bits)
	e.entries = slices.Grow(e.entries[:0], len(entries))[:len(entries)]
	for i, b := range entries {
		e.entries[i] = Float{Bits: uint64(ordered(b))}
	}
	e.bits = append(e.bits[:0], codes...) // the rows below use the dictionary's buffers
	e.setMantissas(e.entries, f)
	dst = binary.AppendUvarint(dst, uint64(len(entries)-1))
	at := len(dst)
	dst, enc, ok := e.appendDecimals(append(dst, 0), e.entries, f)
	if !ok {
		e.setMantissas(v, f) // as they were
		return dst, false
	}
	dst[at] = byte(enc)
	return appendRow(e, dst, e.bits, top), true
}

// ordered maps float bits to integers that compare as the floats do; it is its own inverse.
func ordered(bits uint64) int64 { return int64(bits ^ uint64(int64(bits)>>63)>>1) }
