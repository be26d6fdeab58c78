package series

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"pgregory.net/rapid"
)

func aggs(t testing.TB, names ...string) []Agg {
	t.Helper()
	list, err := ParseAggs(names)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func bitsOf(list []float64) (bits []uint64) {
	for _, x := range list {
		bits = append(bits, math.Float64bits(x))
	}
	return bits
}

// drawFloat makes floats of any size.
func drawFloat(t *rapid.T) float64 {
	switch rapid.IntRange(0, 3).Draw(t, "size") {
	case 0:
		return rapid.Float64().Draw(t, "any")
	case 1:
		return rapid.SampledFrom([]float64{
			0, math.Copysign(0, -1), math.MaxFloat64, -math.MaxFloat64, 0x1p960, -0x1p960, 0x1p1023, 5e-324, 1, -1,
		}).Draw(t, "odd")
	case 2:
		return float64(rapid.Int64Range(-1000, 1000).Draw(t, "small")) / 10
	}
	return math.Ldexp(rapid.Float64Range(-1, 1).Draw(t, "mantissa"), rapid.IntRange(-1000, 1023).Draw(t, "exponent"))
}

// TestFloatSums adds floats in pieces of any kind and order, and compares with the exact sum: the error is below 2^-51 of the sum of the
// magnitudes, and there is no overflow but that of the sum itself.
func TestFloatSums(t *testing.T) {
	sumOf := aggs(t, "sum")[0]
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(rapid.Custom(drawFloat), 1, 60).Draw(t, "values")
		var total Cell
		for rest := list; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			if rapid.Bool().Draw(t, "merged") {
				var c Cell
				c.Floats(0, bitsOf(rest[:n]), Place{})
				total.Merge(&c)
			} else {
				total.Floats(0, bitsOf(rest[:n]), Place{})
			}
			rest = rest[n:]
		}
		want, size := new(big.Float).SetPrec(3000), new(big.Float).SetPrec(3000)
		for _, x := range list {
			want.Add(want, big.NewFloat(x))
			size.Add(size, new(big.Float).Abs(big.NewFloat(x)))
		}
		got := total.Value(sumOf).Float64()
		slack := size.Mul(size, big.NewFloat(0x1p-51))
		if math.IsInf(got, 0) {
			top := new(big.Float).SetMantExp(big.NewFloat(1), 1024)
			if top.Sub(top, want.Abs(want)).Cmp(slack) > 0 {
				t.Fatalf("the sum of %v overflows, it is %v", list, want)
			}
			return
		}
		if d := new(big.Float).SetPrec(3000).Sub(big.NewFloat(got), want); d.Abs(d).Cmp(slack) > 0 {
			t.Fatalf("the sum of %v is %v, want %v within %v", list, got, want, slack)
		}
	})
}

// TestSmallAmountsAreNotLost adds a thousand times what one addition would round away: in one slice, in many, and in merged cells.
func TestSmallAmountsAreNotLost(t *testing.T) {
	sumOf := aggs(t, "sum")[0]
	list := []float64{1}
	for range 1000 {
		list = append(list, 0x1p-54)
	}
	var slice, slices, merged Cell
	slice.Floats(0, bitsOf(list), Place{})
	for _, x := range list {
		slices.Floats(0, bitsOf([]float64{x}), Place{})
		var one Cell
		one.Floats(0, bitsOf([]float64{x}), Place{})
		merged.Merge(&one)
	}
	for name, c := range map[string]*Cell{"one slice": &slice, "slices": &slices, "merged": &merged} {
		if got := c.Value(sumOf).Float64(); got != 1+1000*0x1p-54 {
			t.Errorf("%s: %v", name, got-1)
		}
	}
}

// TestOddFloats checks what NaN, infinities and the negative zero do to every aggregate.
func TestOddFloats(t *testing.T) {
	nan, inf, zero := math.NaN(), math.Inf(1), math.Copysign(0, -1)
	all := []string{"count", "nan", "min", "max", "sum", "avg", "first", "last", "stddev", "delta", "p50"}
	for _, tt := range []struct {
		list []float64
		want string
	}{
		{[]float64{nan}, "1 1 - - - - NaN NaN - NaN -"},
		{[]float64{nan, 1, 3, nan}, "4 2 1 3 4 2 NaN NaN 1.4142135623730951 NaN 2"},
		{[]float64{zero}, "1 0 0 0 0 0 -0 -0 - 0 0"},
		{[]float64{zero, 0}, "2 0 0 0 0 0 -0 0 0 0 0"},
		{[]float64{inf, 1}, "2 0 1 +Inf +Inf +Inf +Inf 1 NaN -Inf +Inf"},
		{[]float64{-inf, 1}, "2 0 -Inf 1 -Inf -Inf -Inf 1 NaN +Inf -Inf"},
		{[]float64{-inf, inf}, "2 0 -Inf +Inf NaN NaN -Inf +Inf NaN +Inf NaN"},
		{[]float64{inf}, "1 0 +Inf +Inf +Inf +Inf +Inf +Inf - NaN +Inf"},
		{[]float64{1e308, 1e308, -1e308}, "3 0 -1e+308 1e+308 1e+308 3.333333333333333e+307 1e+308 -1e+308 NaN -Inf 1e+308"},
		{[]float64{1e308, 1e308}, "2 0 1e+308 1e+308 +Inf +Inf 1e+308 1e+308 NaN 0 1e+308"},
		{[]float64{1e16, 1, -1e16}, "3 0 -1e+16 1e+16 1 0.3333333333333333 1e+16 -1e+16 1e+16 -2e+16 1"},
	} {
		list := aggs(t, all...)
		var c Cell
		c.Floats(NeedOf(list), bitsOf(tt.list), Place{LastSeq: 9})
		c.Close()
		got := ""
		for _, a := range list {
			got += " " + text(c.Value(a))
		}
		if got = got[1:]; got != tt.want {
			t.Errorf("%v: %s, want %s", tt.list, got, tt.want)
		}
	}
}

// text is a value in words of tests.
func text(v Value) string {
	switch v.Kind {
	case Null:
		return "-"
	case Float:
		return fmt.Sprintf("%v", v.Float64())
	case Int:
		return string(v.AppendInt(nil))
	case Bool:
		return fmt.Sprint(v.Low != 0)
	}
	return fmt.Sprintf("%q", v.Str)
}

// TestIntegers checks sums beyond 64 bits, and comparisons that float64 cannot make.
func TestIntegers(t *testing.T) {
	list := aggs(t, "sum", "avg", "min", "max", "delta")
	for _, tt := range []struct {
		name string
		add  func(c *Cell)
		want string
	}{
		{"beyond int64", func(c *Cell) { c.Ints(NeedOf(list), []int64{math.MaxInt64, math.MaxInt64, 1}, Place{LastSeq: 2}) },
			"18446744073709551615 6148914691236516864 1 9223372036854775807 -9223372036854775806"},
		{"below int64", func(c *Cell) {
			c.Ints(NeedOf(list), []int64{math.MinInt64, math.MinInt64, math.MaxInt64}, Place{LastSeq: 2})
		},
			"-9223372036854775809 -3074457345618258432 -9223372036854775808 9223372036854775807 18446744073709551615"},
		{"unsigned", func(c *Cell) { c.Uints(NeedOf(list), []uint64{math.MaxUint64, math.MaxUint64}, Place{LastSeq: 2}) },
			"36893488147419103230 18446744073709551616 18446744073709551615 18446744073709551615 0"},
		{"both", func(c *Cell) {
			c.Uints(NeedOf(list), []uint64{math.MaxUint64}, Place{FirstSeq: 1, LastSeq: 1})
			c.Ints(NeedOf(list), []int64{-1}, Place{FirstSeq: 2, LastSeq: 2})
		}, "18446744073709551614 9223372036854775808 -1 18446744073709551615 -18446744073709551616"},
		{"an integer above its nearest float", func(c *Cell) {
			c.Floats(NeedOf(list), bitsOf([]float64{1 << 53}), Place{})
			c.Ints(NeedOf(list), []int64{1<<53 + 1}, Place{FirstSeq: 1, LastSeq: 1})
		}, "18014398509481984 9007199254740992 9007199254740992 9007199254740993 0"},
		{"equal integer and float", func(c *Cell) {
			c.Floats(NeedOf(list), bitsOf([]float64{5}), Place{})
			c.Ints(NeedOf(list), []int64{5}, Place{FirstSeq: 1, LastSeq: 1})
			c.Floats(NeedOf(list), bitsOf([]float64{5}), Place{FirstSeq: 2, LastSeq: 2})
		}, "15 5 5 5 0"},
		{"bools", func(c *Cell) { c.Bools(NeedOf(list), []bool{true, false, true}, Place{LastSeq: 2}) }, "2 0.6666666666666666 0 1 0"},
	} {
		var c Cell
		tt.add(&c)
		c.Close()
		got := ""
		for _, a := range list {
			v := c.Value(a)
			if v.Kind == Float {
				got += " " + fmt.Sprintf("%.0f", v.Float64())
				if tt.name == "bools" {
					got = got[:len(got)-1] + fmt.Sprint(v.Float64())
				}
				continue
			}
			got += " " + text(v)
		}
		if got[1:] != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got[1:], tt.want)
		}
	}
}

// TestNumbersCompareExactly compares integers and floats with what they are exactly.
func TestNumbersCompareExactly(t *testing.T) {
	draw := rapid.Custom(func(t *rapid.T) number {
		near := rapid.SampledFrom([]float64{0, 1 << 53, 1 << 62, 1 << 63, 1 << 64, -1 << 63}).Draw(t, "near")
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return intNumber(rapid.SampledFrom([]int64{
				0, 1<<53 - 1, 1 << 53, 1<<53 + 1, math.MaxInt64, math.MaxInt64 - 1, math.MinInt64, math.MinInt64 + 1,
			}).Draw(t, "int"))
		case 1:
			return uintNumber(rapid.SampledFrom([]uint64{1 << 63, 1<<63 + 1, math.MaxUint64, math.MaxUint64 - 1}).Draw(t, "uint"))
		case 2:
			return floatNumber(rapid.Float64().Draw(t, "float"))
		}
		return floatNumber(rapid.SampledFrom([]float64{near, math.Nextafter(near, 1e300), math.Nextafter(near, -1e300), -near}).Draw(t, "float"))
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw.Draw(t, "a"), draw.Draw(t, "b")
		if got, want := a.compare(b), exactly(a).Cmp(exactly(b)); got != want {
			t.Fatalf("%v compared with %v is %d, want %d", exactly(a), exactly(b), got, want)
		}
	})
}

func exactly(n number) *big.Rat {
	switch n.kind {
	case frame.KindFloat:
		return new(big.Rat).SetFloat64(n.float())
	case frame.KindInt:
		return new(big.Rat).SetInt64(int64(n.bits))
	}
	return new(big.Rat).SetInt(new(big.Int).SetUint64(n.bits))
}

func TestPercentiles(t *testing.T) {
	for _, tt := range []struct {
		agg  string
		list []float64
		want float64
	}{
		{"p50", []float64{3, 1, 2}, 2},
		{"p50", []float64{4, 1, 3, 2}, 2.5},
		{"p0", []float64{4, 1, 3, 2}, 1},
		{"p100", []float64{4, 1, 3, 2}, 4},
		{"p25", []float64{1, 2, 3, 4, 5}, 2},
		{"p10", []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 2},
		{"p90", []float64{0, 10}, 9},
		{"p99.9", []float64{7}, 7},
		{"p50", []float64{-math.MaxFloat64, math.MaxFloat64}, 0},
		{"p75", []float64{-math.MaxFloat64, math.MaxFloat64}, math.MaxFloat64 / 2},
		{"p50", []float64{math.Inf(-1), 1, math.Inf(1)}, 1},
		{"p75", []float64{1, math.Inf(1)}, math.Inf(1)},
		{"p75", []float64{math.Inf(1), math.Inf(1)}, math.Inf(1)},
		{"p33.333333", []float64{0, 1e6, 2e6, 3e6}, 999999.99},
	} {
		list := aggs(t, tt.agg)
		var c Cell
		c.Floats(NeedOf(list), bitsOf(tt.list), Place{})
		if got := c.Value(list[0]).Float64(); got != tt.want && !(math.Abs(got-tt.want) <= 1e-9*math.Abs(tt.want)) {
			t.Errorf("%s of %v is %v, want %v", tt.agg, tt.list, got, tt.want)
		}
	}
}

// TestRates follows counters that begin again, stand still, jump and have holes.
func TestRates(t *testing.T) {
	rate := aggs(t, "rate")
	type point struct{ v, s float64 } // value and second
	for _, tt := range []struct {
		name   string
		points []point
		want   string
	}{
		{"one point", []point{{5, 0}}, "-"},
		{"no point", nil, "-"},
		{"steady", []point{{5, 0}, {7, 1}, {9, 2}}, "2"},
		{"from zero again", []point{{100, 0}, {110, 1}, {3, 2}, {5, 3}}, "5"}, // 10 + 3 + 2
		{"NaN is no point", []point{{1, 0}, {math.NaN(), 1}, {3, 2}}, "1"},
		{"no time passed", []point{{1, 5}, {3, 5}}, "-"},
		{"time went back", []point{{1, 5}, {3, 4}}, "-"},
		{"slowly", []point{{0, 0}, {1, 1000}}, "0.001"},
	} {
		var c Cell
		var k Counter
		for i, p := range tt.points {
			at := int64(p.s * 1e9)
			c.Floats(NeedOf(rate), bitsOf([]float64{p.v}), Place{FirstSeq: uint64(i), LastSeq: uint64(i), FirstNS: at, LastNS: at})
			k.FloatStep(&c, math.Float64bits(p.v), at)
		}
		c.Close()
		if got := text(c.Value(rate[0])); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	var huge Cell // more than float64 can tell apart
	var k Counter
	for i, v := range []uint64{math.MaxUint64 - 7, math.MaxUint64 - 3} {
		huge.Uints(NeedOf(rate), []uint64{v}, Place{})
		k.UintStep(&huge, v, int64(i)*1e9)
	}
	huge.Close()
	if got := text(huge.Value(rate[0])); got != "4" {
		t.Errorf("a large counter grows by %s a second, want 4", got)
	}
}

// TestSpread compares deviations, however they were put together, with the exact one.
func TestSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		offset := rapid.SampledFrom([]float64{0, 1e3, 1e6, -1e6}).Draw(t, "offset")
		list := rapid.SliceOfN(rapid.Float64Range(-100, 100), 2, 60).Draw(t, "values")
		var whole spread
		mean, squares := new(big.Float).SetPrec(500), new(big.Float).SetPrec(500)
		for i := range list {
			list[i] += offset
			mean.Add(mean, big.NewFloat(list[i]))
		}
		mean.Quo(mean, big.NewFloat(float64(len(list))))
		for _, x := range list {
			d := new(big.Float).SetPrec(500).Sub(big.NewFloat(x), mean)
			squares.Add(squares, d.Mul(d, d))
		}
		for rest := list; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			if rapid.Bool().Draw(t, "one by one") {
				for _, x := range rest[:n] {
					whole.add(x)
				}
			} else {
				whole.floats(bitsOf(rest[:n]))
			}
			rest = rest[n:]
		}
		want, _ := squares.Sqrt(squares.Quo(squares, big.NewFloat(float64(len(list)-1)))).Float64()
		if got := whole.stddev().Float64(); math.Abs(got-want) > 1e-9*want+1e-7 {
			t.Fatalf("the deviation of %v is %v, want %v", list, got, want)
		}
	})
}

// TestGroupsTakeEndsByTime merges streams: the first value is the earliest one, of equal times that of the stream that came first.
func TestGroupsTakeEndsByTime(t *testing.T) {
	list := aggs(t, "first", "last")
	stream := func(v float64, ns int64) *Cell {
		var c Cell
		c.Floats(NeedOf(list), bitsOf([]float64{v, v + 0.5}), Place{FirstNS: ns, LastNS: ns + 10, LastSeq: 1})
		c.Close()
		return &c
	}
	var group Cell
	for _, c := range []*Cell{stream(1, 100), stream(2, 50), stream(3, 50), stream(4, 100)} {
		group.Merge(c)
	}
	if first, last := text(group.Value(list[0])), text(group.Value(list[1])); first != "2" || last != "4.5" {
		t.Errorf("first %s, last %s", first, last)
	}
}

// BenchmarkFloats is what most of a dashboard's time goes into.
func BenchmarkFloats(b *testing.B) {
	v := make([]uint64, 60)
	for i := range v {
		v[i] = math.Float64bits(float64(i) / 10)
	}
	for _, name := range []string{"avg", "max", "stddev", "p99"} {
		need := NeedOf(aggs(b, name))
		b.Run(name, func(b *testing.B) {
			var c Cell
			for b.Loop() {
				c = Cell{}
				c.Floats(need, v, Place{})
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(v)), "ns/value")
		})
	}
}
