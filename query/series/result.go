package series

import (
	"math"
	"slices"

	"github.com/gaplessdb/gapless/frame"
)

const kindFloat = frame.KindFloat

var nan = math.NaN()

func textual(k frame.Kind) bool { return k == frame.KindString || k == frame.KindBytes }

// Merge adds a closed cell of another stream.
func (c *Cell) Merge(o *Cell) {
	if o.numbers() > 0 {
		c.bound(c.numbers() == 0, o.low, o.high)
	}
	c.kinds |= o.kinds
	c.count += o.count
	c.nan += o.nan
	c.texts += o.texts
	c.sum.merge(&o.sum)
	if o.more == nil {
		return
	}
	m := c.extra()
	m.ends.merge(&o.more.ends)
	m.spread.merge(&o.more.spread)
	m.values = append(m.values, o.more.values...)
	m.delta.merge(&o.more.delta)
	m.rate.merge(&o.more.rate)
}

// Value is an aggregate of the cell. Percentiles sort what was collected.
func (c *Cell) Value(a Agg) Value {
	n := c.numbers()
	switch a.op {
	case opCount:
		return countValue(c.count)
	case opNaN:
		return countValue(c.nan)
	case opFirst, opLast, opDelta, opRate, opStddev, opPercentile:
		if c.more == nil {
			return Value{}
		}
		return c.more.value(a)
	}
	if n == 0 {
		return Value{}
	}
	switch a.op {
	case opMin:
		return c.low.value()
	case opMax:
		return c.high.value()
	case opSum:
		return c.sum.value()
	}
	return floatValue(c.sum.mean(n))
}

func (m *more) value(a Agg) Value {
	switch {
	case a.op == opFirst && m.ends.any:
		return ValueOf(m.ends.first.value)
	case a.op == opLast && m.ends.any:
		return ValueOf(m.ends.last.value)
	case a.op == opDelta:
		return m.delta.value()
	case a.op == opRate:
		return m.rate.value()
	case a.op == opStddev:
		return m.spread.stddev()
	case a.op == opPercentile && len(m.values) > 0:
		return floatValue(m.percentile(a))
	}
	return Value{}
}

// collect keeps values by their bits for percentiles.
func (m *more) collect(v []uint64) {
	for _, bits := range v {
		if x := math.Float64frombits(bits); x == x {
			m.values = append(m.values, x+0) // -0 + 0 is 0: equal values sort in any order
		}
	}
}

// percentile interpolates between the two values whose ranks lie around num/den of the way from the least to the greatest one.
func (m *more) percentile(a Agg) float64 {
	if !slices.IsSorted(m.values) {
		slices.Sort(m.values)
	}
	at := a.num * uint64(len(m.values)-1)
	i, rest := at/a.den, at%a.den
	low := m.values[i]
	if rest == 0 || low == m.values[i+1] {
		return low
	}
	high := m.values[i+1]
	share := float64(rest) / float64(a.den)
	if step := high - low; !math.IsInf(step, 0) {
		return low + float64(share*step)
	}
	return float64(low*(1-share)) + float64(high*share) // the step itself is out of range
}
