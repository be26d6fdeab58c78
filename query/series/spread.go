package series

import "math"

// spread is how far numbers lie from their mean: count, mean and the sum of squared distances from it (Chan, Golub and LeVeque 1979).
// Conversions keep a compiler from fusing a product into a sum, which would differ between processors.
type spread struct {
	n        float64
	mean, m2 float64
}

// add takes one number (Welford 1962).
func (s *spread) add(x float64) {
	s.n++
	d := x - s.mean
	s.mean += d / s.n
	s.m2 += float64(d * (x - s.mean))
}

// floats takes values by their bits, NaN left out: first their mean, then the distances from it.
func (s *spread) floats(v []uint64) {
	total, n := 0.0, 0.0
	for _, bits := range v {
		if x := math.Float64frombits(bits); x == x {
			total += x
			n++
		}
	}
	if n == 0 {
		return
	}
	part := spread{n: n, mean: total / n}
	off := 0.0
	for _, bits := range v {
		if x := math.Float64frombits(bits); x == x {
			d := x - part.mean
			off += d
			part.m2 += float64(d * d)
		}
	}
	part.m2 -= float64(off * off / n) // what the rounding of the mean added
	s.merge(&part)
}

func (s *spread) merge(o *spread) {
	if s.n == 0 || o.n == 0 {
		if s.n == 0 {
			*s = *o
		}
		return
	}
	n := s.n + o.n
	d := o.mean - s.mean
	s.m2 += o.m2 + float64(d*d*(s.n*o.n/n))
	s.mean += float64(d * (o.n / n))
	s.n = n
}

// stddev is the standard deviation of a sample: over n-1. It is null for fewer than two numbers.
func (s *spread) stddev() Value {
	if s.n < 2 {
		return Value{}
	}
	if s.m2 != s.m2 || math.IsInf(s.m2, 0) {
		return floatValue(math.NaN()) // an infinity, or squares beyond the range
	}
	return floatValue(math.Sqrt(max(s.m2, 0) / (s.n - 1)))
}
