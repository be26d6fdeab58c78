package series

import (
	"math"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// Cell is what is known of the values of one field in one bucket. The zero value has none. It is for one goroutine.
type Cell struct {
	count, nan, texts uint64 // values, and of these not a number, and texts or bytes
	kinds             uint8  // a bit for each frame.Kind that was seen

	low, high number // valid while there are numbers
	sum       sum
	more      *more // nil until something is needed of it
}

// more is what only some aggregates need.
type more struct {
	ends        ends
	numbers     ends // those that are no texts
	spread      spread
	values      []float64
	rise        rise
	delta, rate per // of the streams that were merged into it, or of itself once it is closed
}

func (c *Cell) extra() *more {
	if c.more == nil {
		c.more = &more{}
	}
	return c.more
}

// Place is where values lie: the rows of the first and of the last of them.
type Place struct {
	Epoch             uint32
	FirstSeq, LastSeq uint64
	FirstNS, LastNS   int64
}

// Count is how many values there are, of any kind.
func (c *Cell) Count() uint64 { return c.count }

// NaN is how many of them are not a number.
func (c *Cell) NaN() uint64 { return c.nan }

// Kinds has bit 1<<k set for each frame.Kind k that was seen.
func (c *Cell) Kinds() uint8 { return c.kinds }

// numbers is how many values are numbers.
func (c *Cell) numbers() uint64 { return c.count - c.nan - c.texts }

func (c *Cell) take(kind frame.Kind, n int) (first bool) {
	first = c.numbers() == 0
	c.kinds |= 1 << kind
	c.count += uint64(n)
	return first
}

// bound widens the extremes; first says that there were none.
func (c *Cell) bound(first bool, low, high number) {
	if first || low.less(c.low) {
		c.low = low
	}
	if first || high.more(c.high) {
		c.high = high
	}
}

// Floats adds values by their bits; there is at least one.
func (c *Cell) Floats(need Need, v []uint64, at Place) {
	first := c.take(frame.KindFloat, len(v))
	sum, carry := 0.0, 0.0
	for _, bits := range v {
		x := math.Float64frombits(bits)
		t := sum + x
		back := t - sum
		carry += (sum - (t - back)) + (x - back)
		sum = t
	}
	numbers := len(v)
	if sum < large && sum > -large {
		c.sum.mixed = true
		c.sum.floats.mergePlain(sum, carry)
	} else { // NaN and infinities make it so, too
		numbers -= c.oddFloats(v)
	}
	if need&needBounds != 0 && numbers > 0 {
		low, high := floatBounds(v)
		c.bound(first, floatNumber(low), floatNumber(high))
	}
	if need&needSpread != 0 {
		c.extra().spread.floats(v)
	}
	if need&needValues != 0 {
		c.extra().collect(v)
	}
	if need.Ends() {
		c.end(need, at, frame.Value{Kind: frame.KindFloat, Num: v[0]}, frame.Value{Kind: frame.KindFloat, Num: v[len(v)-1]})
	}
}

// oddFloats adds values one by one, and returns how many are not a number.
func (c *Cell) oddFloats(v []uint64) (nan int) {
	for _, bits := range v {
		if x := math.Float64frombits(bits); x == x {
			c.sum.addFloat(x)
		} else {
			nan++
		}
	}
	c.nan += uint64(nan)
	return nan
}

// floatBounds finds the extremes of values of which at least one is a number.
func floatBounds(v []uint64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, bits := range v {
		x := math.Float64frombits(bits)
		if x < low {
			low = x
		}
		if x > high {
			high = x
		}
	}
	return low, high
}

// Ints adds values; there is at least one.
func (c *Cell) Ints(need Need, v []int64, at Place) {
	first := c.take(frame.KindInt, len(v))
	low, high := v[0], v[0]
	for _, x := range v {
		low, high = min(low, x), max(high, x)
		c.sum.addWide(wide{uint64(x >> 63), uint64(x)})
	}
	c.bound(first, intNumber(low), intNumber(high))
	each(c, need, v, func(x int64) float64 { return float64(x) })
	if need.Ends() {
		c.end(need, at, frame.Int(v[0]), frame.Int(v[len(v)-1]))
	}
}

// Uints adds values of frame.KindUint; there is at least one.
func (c *Cell) Uints(need Need, v []uint64, at Place) {
	first := c.take(frame.KindUint, len(v))
	low, high := v[0], v[0]
	for _, x := range v {
		low, high = min(low, x), max(high, x)
		c.sum.addWide(wide{0, x})
	}
	c.bound(first, uintNumber(low), uintNumber(high))
	each(c, need, v, func(x uint64) float64 { return float64(x) })
	if need.Ends() {
		c.end(need, at, frame.Value{Kind: frame.KindUint, Num: v[0]}, frame.Value{Kind: frame.KindUint, Num: v[len(v)-1]})
	}
}

// Bools adds values; there is at least one.
func (c *Cell) Bools(need Need, v []bool, at Place) {
	first := c.take(frame.KindBool, len(v))
	yes := uint64(0)
	for _, x := range v {
		if x {
			yes++
		}
	}
	c.bools(first, yes, uint64(len(v)))
	each(c, need, v, func(x bool) float64 {
		if x {
			return 1
		}
		return 0
	})
	if need.Ends() {
		c.end(need, at, frame.Bool(v[0]), frame.Bool(v[len(v)-1]))
	}
}

func (c *Cell) bools(first bool, yes, of uint64) {
	c.sum.addWide(wide{0, yes})
	low, high := int64(0), int64(0)
	if yes == of {
		low = 1
	}
	if yes > 0 {
		high = 1
	}
	c.bound(first, intNumber(low), intNumber(high))
}

// Texts adds values of KindString or KindBytes; there is at least one.
func (c *Cell) Texts(need Need, kind frame.Kind, v [][]byte, at Place) {
	c.take(kind, len(v))
	c.texts += uint64(len(v))
	if need.Ends() {
		c.end(need, at, frame.Value{Kind: kind, Str: v[0]}, frame.Value{Kind: kind, Str: v[len(v)-1]})
	}
}

// each hands integers to what wants them as floats.
func each[T any](c *Cell, need Need, v []T, float func(T) float64) {
	if need&needSpread != 0 {
		var s spread
		for _, x := range v {
			s.add(float(x))
		}
		c.extra().spread.merge(&s)
	}
	if need&needValues != 0 {
		m := c.extra()
		for _, x := range v {
			m.values = append(m.values, float(x))
		}
	}
}

// Suffices reports whether what a block knows of a field says all that is needed.
func Suffices(need Need, s *segment.FieldStats) bool {
	switch s.Kind {
	case frame.KindFloat:
		if s.HasRange && !(s.Min.Float64() > -large && s.Max.Float64() < large) {
			return false // its sum may have overflown on the way
		}
	case frame.KindInt, frame.KindUint, frame.KindBool:
	default:
		return !need.Ends()
	}
	return !need.Decodes()
}

// Statistics adds what a block knows of its values, which Suffices and are in one place.
func (c *Cell) Statistics(need Need, s *segment.FieldStats, at Place) {
	if s.Count == 0 {
		return
	}
	first := c.take(s.Kind, s.Count)
	switch s.Kind {
	case frame.KindFloat:
		c.nan += uint64(s.NaN)
		if s.HasRange {
			c.sum.addFloat(s.Sum.Float)
			c.bound(first, floatNumber(s.Min.Float64()), floatNumber(s.Max.Float64()))
		}
	case frame.KindInt:
		c.sum.addWide(wide{s.Sum.High, s.Sum.Low})
		c.bound(first, intNumber(s.Min.Int64()), intNumber(s.Max.Int64()))
	case frame.KindUint:
		c.sum.addWide(wide{s.Sum.High, s.Sum.Low})
		c.bound(first, uintNumber(s.Min.Num), uintNumber(s.Max.Num))
	case frame.KindBool:
		c.bools(first, s.Sum.Low, uint64(s.Count))
	default:
		c.texts += uint64(s.Count)
		return
	}
	if need.Ends() {
		c.end(need, at, s.First, s.Last)
	}
}
