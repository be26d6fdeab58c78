package query

import (
	"math"
	"strconv"

	"github.com/gaplessdb/gapless/frame"
)

// maxExact is the largest number of 15 digits. Decimals of so many digits are floats that no shorter decimal is nearest to, but for zeros at the
// end, so the digits that came are the shortest ones that read back: no search is needed.
const maxExact = 1e15 - 1

// decimal writes a float that came as a decimal just as float does, in a sixth of the time. It is false, and writes nothing, where that needs more.
func (w *writer) decimal(v *frame.Value) bool {
	m, scale := v.Mantissa, int(v.Scale)
	if !v.Decimal || m > maxExact || m < -maxExact || m == 0 {
		return false
	}
	if same, ok := frame.DecimalFloat(m, v.Scale); !ok || same.Num != v.Num || math.Abs(v.Float64()) < 1e-6 {
		return false
	}
	for scale > 0 && m%10 == 0 {
		m, scale = m/10, scale-1
	}
	w.sep()
	if m < 0 {
		w.b = append(w.b, '-')
		m = -m
	}
	var room [24]byte
	digits := strconv.AppendInt(room[:0], m, 10)
	whole := len(digits) - scale
	if whole <= 0 {
		w.b = append(w.b, '0', '.')
		for range -whole {
			w.b = append(w.b, '0')
		}
		w.b = append(w.b, digits...)
		return true
	}
	w.b = append(append(w.b, digits[:whole]...), '.')
	if scale == 0 {
		w.b = append(w.b, '0')
	}
	w.b = append(w.b, digits[whole:]...)
	return true
}
