package column

import "math"

const (
	maxScale    = 22      // 10^22 is the largest power of ten that float64 holds exactly
	maxMantissa = 1 << 53 // below it every integer is a float64
)

var pow10 = [maxScale + 1]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// intPow10 has the powers that int64 holds. Beyond them a mantissa overflows, and what it then says is wrong and found to be so.
var intPow10 = [maxScale + 1]int64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
}

// form is a way to make floats of integers: mantissa / 10^scale, and, if narrow, the float32 nearest to that.
type form struct {
	scale  uint8
	narrow bool
}

// bits is the float of a mantissa: one or two correctly rounded operations, so that it has the same bits on every machine.
func (f form) bits(mantissa int64) uint64 {
	q := float64(mantissa) / pow10[f.scale]
	if f.narrow {
		q = float64(float32(q))
	}
	return math.Float64bits(q)
}

// nearest is the mantissa closest to the float with these bits. There is none, and off is 1, where that would be 2^53 or more, or is no number.
func (f form) nearest(bits uint64) (mantissa int64, off uint64) {
	m := float64(math.Float64frombits(bits) * pow10[f.scale])
	if !(math.Abs(m) < maxMantissa) {
		return 0, 1
	}
	return int64(math.RoundToEven(m)), 0
}

// Float is the value with these bits and, where it has one at the hint's scale, its decimal form.
func (h Hint) Float(bits uint64) Float {
	if h.Decimal && h.Scale <= maxScale {
		f := form{scale: h.Scale}
		if m, off := f.nearest(bits); off == 0 && f.bits(m) == bits {
			return Float{Bits: bits, Mantissa: m, Scale: h.Scale, Decimal: true}
		}
	}
	return Float{Bits: bits}
}
