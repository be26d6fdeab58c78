package column

import "math/bits"

const (
	stepSamples  = 16
	stepAttempts = 8
)

// divider divides signed numbers by a step with one multiplication: an odd step has an inverse modulo 2^64, factors of two are shifted out.
type divider struct {
	step, inverse uint64
	twos          int
	limit         uint64 // no quotient has a larger magnitude
}

// newDivider is for steps of 2 to 2^63.
func newDivider(step uint64) divider {
	twos := bits.TrailingZeros64(step)
	odd := step >> twos
	inverse := odd // right in 3 bits; each round of Newton's doubles that
	for range 5 {
		inverse *= 2 - odd*inverse
	}
	return divider{step: step, inverse: inverse, twos: twos, limit: 1 << 63 / step}
}

// divide is the quotient if v is a multiple of the step.
func (d *divider) divide(v uint64) uint64 { return uint64(int64(v*d.inverse) >> d.twos) }

// divides tells whether it is. Modulo 2^64 every number is a multiple of an odd one, but then the quotient is beyond the limit.
func (d *divider) divides(v uint64) bool {
	q := d.divide(v)
	return q*d.step == v && q+d.limit <= 2*d.limit
}

// divideStep divides the signed numbers x by the largest step that it finds to divide all of them, and returns that. It looks at some of
// them before it looks at all.
func divideStep(x []uint64) uint64 {
	step := uint64(0)
	for i := len(x) - 1; i >= 0 && step != 1; i -= max(1, len(x)/stepSamples) {
		step = gcd(step, magnitude(x[i]))
	}
	for range stepAttempts {
		if step <= 1 {
			return 1
		}
		d := newDivider(step)
		odd := d.remainder(x)
		if odd == len(x) {
			for i := range x {
				x[i] = d.divide(x[i])
			}
			return step
		}
		step = gcd(step, magnitude(x[odd]))
	}
	return 1
}

// remainder finds the first value that is no multiple, or the end.
func (d *divider) remainder(x []uint64) int {
	for i, v := range x {
		if !d.divides(v) {
			return i
		}
	}
	return len(x)
}

func magnitude(v uint64) uint64 { return uint64(max(int64(v), -int64(v))) }

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
