package query

import (
	"maps"
	"math"
	"math/big"
	"slices"
	"strings"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/query/series"
)

// modelNumber is a value as the nearest float64, false for texts and bytes.
func modelNumber(v frame.Value) (float64, bool) {
	return v.Float64(), v.Kind != frame.KindString && v.Kind != frame.KindBytes
}

// exact is a finite number without rounding.
func exact(v frame.Value) *big.Rat {
	if v.Kind == frame.KindFloat {
		return new(big.Rat).SetFloat64(v.Float64())
	}
	if v.Kind == frame.KindInt {
		return new(big.Rat).SetInt64(v.Int64())
	}
	return new(big.Rat).SetInt(new(big.Int).SetUint64(v.Num))
}

func nearest(x *big.Rat) float64 { f, _ := x.Float64(); return f }

// modelValue is what an aggregate of a bucket is to be, and how far the answer may be from it.
func modelValue(agg string, b *modelBucket) (want series.Value, slack float64) {
	all, numbers, nan := modelNumbers(b)
	switch agg {
	case "count":
		return integerValue(big.NewInt(int64(all))), 0
	case "nan":
		return integerValue(big.NewInt(int64(nan))), 0
	case "first", "last":
		return modelEnd(agg, b), 0
	case "delta", "rate":
		return modelPer(agg, b)
	}
	switch {
	case len(numbers) == 0:
		return series.Value{}, 0
	case agg == "min" || agg == "max":
		return modelExtreme(agg, numbers), 0
	case strings.HasPrefix(agg, "p"):
		return modelPercentile(agg, numbers)
	}
	return modelSum(agg, numbers)
}

// modelNumbers counts the values of a bucket, lists its numbers stream by stream, and counts what is not a number.
func modelNumbers(b *modelBucket) (all int, numbers []modelPoint, nan int) {
	for _, stream := range slices.Sorted(maps.Keys(b.streams)) {
		for _, p := range b.streams[stream] {
			all++
			x, isNumber := modelNumber(p.Value)
			switch {
			case isNumber && x == x:
				numbers = append(numbers, p)
			case isNumber:
				nan++
			}
		}
	}
	return all, numbers, nan
}

func integerValue(x *big.Int) series.Value {
	low := new(big.Int).And(x, new(big.Int).SetUint64(math.MaxUint64))
	return series.Value{Kind: series.Int, Low: low.Uint64(), High: uint64(new(big.Int).Rsh(x, 64).Int64())}
}

func floatValue(x float64) series.Value {
	return series.Value{Kind: series.Float, Low: math.Float64bits(x + 0)}
}

func modelExtreme(agg string, numbers []modelPoint) series.Value {
	best := numbers[0]
	for _, p := range numbers[1:] {
		c := modelCompare(p.Value, best.Value)
		if agg == "max" {
			c = -c
		}
		if c < 0 || c == 0 && p.Kind != frame.KindFloat {
			best = p
		}
	}
	if best.Kind == frame.KindFloat {
		return floatValue(best.Float64())
	}
	return integerValue(exact(best.Value).Num())
}

// modelSum is sum, avg and stddev.
func modelSum(agg string, numbers []modelPoint) (series.Value, float64) {
	sum, magnitude, n := new(big.Rat), new(big.Rat), new(big.Rat).SetInt64(int64(len(numbers)))
	infinite, floats := 0.0, false
	for _, p := range numbers {
		floats = floats || p.Kind == frame.KindFloat
		if x := p.Float64(); math.IsInf(x, 0) {
			infinite += x // both make NaN
			continue
		}
		sum.Add(sum, exact(p.Value))
		magnitude.Add(magnitude, new(big.Rat).Abs(exact(p.Value)))
	}
	slack := nearest(magnitude) * 0x1p-51
	switch odd := infinite != 0 || infinite != infinite; {
	case agg == "stddev" && len(numbers) < 2:
		return series.Value{}, 0
	case agg == "stddev" && odd:
		return floatValue(math.NaN()), 0
	case odd:
		return floatValue(infinite), 0
	case agg == "stddev":
		return modelDeviation(numbers, new(big.Rat).Quo(sum, n))
	case agg == "sum" && !floats:
		return integerValue(sum.Num()), 0
	case agg == "sum":
		return floatValue(nearest(sum)), slack
	case !floats:
		return floatValue(nearest(sum.Quo(sum, n))), 0
	}
	return floatValue(nearest(sum.Quo(sum, n))), slack
}

func modelCompare(a, b frame.Value) int {
	x, y := a.Float64(), b.Float64()
	if math.IsInf(x, 0) || math.IsInf(y, 0) {
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	return exact(a).Cmp(exact(b))
}

// modelEnd is the first or the last value: of a stream by number, of several by time.
func modelEnd(agg string, b *modelBucket) series.Value {
	var best *modelPoint
	for _, name := range slices.Sorted(maps.Keys(b.streams)) {
		list := b.streams[name]
		if p := &list[0]; agg == "first" && (best == nil || p.ns < best.ns) {
			best = p
		}
		if p := &list[len(list)-1]; agg == "last" && (best == nil || p.ns >= best.ns) {
			best = p
		}
	}
	if best == nil {
		return series.Value{}
	}
	return series.ValueOf(best.Value)
}

// modelPer adds up what every stream has once.
func modelPer(agg string, b *modelBucket) (series.Value, float64) {
	sum, size, any, plain := new(big.Rat), 0.0, false, 0.0
	whole := true
	for _, list := range b.streams {
		list = slices.DeleteFunc(slices.Clone(list), func(p modelPoint) bool { _, ok := modelNumber(p.Value); return !ok })
		if len(list) == 0 {
			continue
		}
		if agg == "delta" {
			first, last := list[0], list[len(list)-1]
			x, y := first.Float64(), last.Float64()
			any = true
			whole = whole && first.Kind != frame.KindFloat && last.Kind != frame.KindFloat
			if d := y - x; d != d || math.IsInf(d, 0) {
				plain += d
				continue
			}
			sum.Add(sum, new(big.Rat).Sub(exact(last.Value), exact(first.Value)))
			size += math.Abs(x) + math.Abs(y)
			continue
		}
		rise, scale, ns, odd := new(big.Rat), 0.0, int64(0), 0.0
		for _, p := range list {
			if p.before == nil {
				continue
			}
			ns += p.ns - p.before.ns
			y, x := p.Float64(), p.before.Float64()
			grown := modelCompare(p.Value, p.before.Value) >= 0
			up := y
			if grown {
				up = y - x
			}
			if up != up || math.IsInf(up, 0) {
				odd += up
				continue
			}
			rise.Add(rise, exact(p.Value))
			if grown {
				rise.Sub(rise, exact(p.before.Value))
			}
			scale += math.Abs(x) + math.Abs(y)
		}
		if ns <= 0 {
			continue
		}
		any, whole = true, false
		rise.Quo(rise, new(big.Rat).SetFrac64(ns, 1e9))
		sum.Add(sum, rise)
		plain += odd
		size += scale / (float64(ns) / 1e9)
	}
	switch {
	case !any:
		return series.Value{}, 0
	case plain != 0 || plain != plain:
		return floatValue(plain), 0
	case whole:
		return integerValue(sum.Num()), 0
	}
	return floatValue(nearest(sum)), size * 0x1p-48
}

func modelPercentile(agg string, numbers []modelPoint) (series.Value, float64) {
	p, _ := new(big.Rat).SetString(agg[1:])
	list := make([]float64, len(numbers))
	for i := range numbers {
		list[i] = numbers[i].Float64()
	}
	slices.Sort(list)
	at := p.Mul(p, big.NewRat(int64(len(list)-1), 100))
	i := int(new(big.Int).Quo(at.Num(), at.Denom()).Int64())
	rest := nearest(new(big.Rat).Sub(at, big.NewRat(int64(i), 1)))
	if rest == 0 {
		return floatValue(list[i]), 0
	}
	low, high := list[i], list[i+1]
	if low == high {
		return floatValue(low), 0
	}
	if math.IsInf(low, 0) || math.IsInf(high, 0) {
		return floatValue(low*(1-rest) + high*rest), 0
	}
	return floatValue(low*(1-rest) + high*rest), (math.Abs(low) + math.Abs(high)) * 0x1p-50
}

func modelDeviation(numbers []modelPoint, mean *big.Rat) (series.Value, float64) {
	squares, size := new(big.Rat), 0.0
	for _, p := range numbers {
		d := new(big.Rat).Sub(exact(p.Value), mean)
		squares.Add(squares, d.Mul(d, d))
		size = max(size, math.Abs(p.Float64()))
	}
	squares.Quo(squares, big.NewRat(int64(len(numbers)-1), 1))
	f := new(big.Float).SetPrec(200).SetRat(squares)
	x, _ := f.Sqrt(f).Float64()
	if size > 1e150 || x > 0 && x < 1e-150 {
		return floatValue(x), math.Inf(1) // squares leave the range of float64
	}
	return floatValue(x), x*1e-9 + size*1e-7
}
