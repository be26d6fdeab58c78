package series

import (
	"math"
	"math/bits"

	"github.com/gaplessdb/gapless/frame"
)

// sum adds integers exactly and floats with their rounding errors. The zero value is the sum of nothing.
type sum struct {
	ints   wide
	floats floatSum
	mixed  bool // floats were added
}

func (s *sum) addWide(w wide) {
	var carry uint64
	s.ints.low, carry = bits.Add64(s.ints.low, w.low, 0)
	s.ints.high += w.high + carry
}

func (s *sum) addFloat(x float64) {
	s.mixed = true
	s.floats.add(x)
}

func (s *sum) addNumber(n number) {
	switch n.kind {
	case frame.KindFloat:
		s.addFloat(n.float())
	case frame.KindInt:
		s.addWide(wide{uint64(int64(n.bits) >> 63), n.bits})
	default:
		s.addWide(wide{0, n.bits})
	}
}

// addDifference adds a - b: exactly where both are integers.
func (s *sum) addDifference(a, b number) {
	if a.kind == frame.KindFloat || b.kind == frame.KindFloat {
		s.addFloat(a.float() - b.float())
		return
	}
	var d sum
	d.addNumber(b)
	low, borrow := bits.Sub64(0, d.ints.low, 0)
	high, _ := bits.Sub64(0, d.ints.high, borrow)
	s.addNumber(a)
	s.addWide(wide{high, low})
}

func (s *sum) merge(o *sum) {
	s.addWide(o.ints)
	s.mixed = s.mixed || o.mixed
	s.floats.merge(&o.floats)
}

func (s *sum) float() float64 {
	if !s.mixed {
		return s.ints.float()
	}
	f := s.floats
	if s.ints != (wide{}) {
		f.add(s.ints.float())
	}
	return f.value()
}

func (s *sum) value() Value {
	if s.mixed {
		return floatValue(s.float())
	}
	return Value{Kind: Int, Low: s.ints.low, High: s.ints.high}
}

// mean is the sum over n, rounded once where it is of integers.
func (s *sum) mean(n uint64) float64 {
	if s.mixed {
		return s.float() / float64(n)
	}
	return s.ints.over(n)
}

// large is where floats begin of which 2^63 could overflow; they are added apart, scaled down.
const (
	large  = 0x1p960
	grow   = 0x1p128
	shrink = 0x1p-128
)

// floatSum is a compensated sum. Its order matters only below the documented precision.
type floatSum struct {
	sum, carry float64
	rest       *floatRest // nil for most sums
}

// floatRest is what does not fit into a plain sum.
type floatRest struct {
	sum, carry       float64 // of large numbers, over grow
	up, down, broken bool    // +Inf, -Inf, NaN was added
}

func (s *floatSum) more() *floatRest {
	if s.rest == nil {
		s.rest = &floatRest{}
	}
	return s.rest
}

// add takes any float.
func (s *floatSum) add(x float64) {
	switch {
	case x < large && x > -large:
		s.sum, s.carry = twoSum(s.sum, s.carry, x)
	case x != x:
		s.more().broken = true
	case math.IsInf(x, 1):
		s.more().up = true
	case math.IsInf(x, -1):
		s.more().down = true
	default:
		r := s.more()
		r.sum, r.carry = twoSum(r.sum, r.carry, x*shrink)
	}
}

// twoSum adds x to sum and what rounding loses to carry. There is no product, so nothing that a compiler may fuse.
func twoSum(sum, carry, x float64) (float64, float64) {
	t := sum + x
	back := t - sum
	return t, carry + ((sum - (t - back)) + (x - back))
}

// mergePlain adds a sum that is not large, with what its rounding lost.
func (s *floatSum) mergePlain(sum, carry float64) {
	s.sum, s.carry = twoSum(s.sum, s.carry, sum)
	s.carry += carry
}

func (s *floatSum) merge(o *floatSum) {
	s.mergePlain(o.sum, o.carry)
	if o.rest == nil {
		return
	}
	r := s.more()
	r.sum, r.carry = twoSum(r.sum, r.carry, o.rest.sum)
	r.carry += o.rest.carry
	r.up, r.down, r.broken = r.up || o.rest.up, r.down || o.rest.down, r.broken || o.rest.broken
}

func (s *floatSum) value() float64 {
	r := s.rest
	switch {
	case r == nil:
		return s.sum + s.carry
	case r.broken || r.up && r.down:
		return math.NaN()
	case r.up:
		return math.Inf(1)
	case r.down:
		return math.Inf(-1)
	}
	high, low := twoSum(r.sum, r.carry, (s.sum+s.carry)*shrink)
	return (high + low) * grow
}
