package segment

import (
	"math"
	"math/big"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment/column"
	"pgregory.net/rapid"
)

func floats(v ...float64) []column.Float {
	list := make([]column.Float, len(v))
	for i, x := range v {
		list[i].Bits = math.Float64bits(x)
	}
	return list
}

// The sum of floats is the exact one, rounded, but for two units in the last place.
func TestFloatSumIsNearlyExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scale := rapid.IntRange(-40, 40).Draw(t, "scale")
		v := rapid.SliceOfN(rapid.Float64Range(-1e6, 1e6), 1, 500).Draw(t, "values")
		exact := new(big.Float).SetPrec(2000)
		for i := range v {
			v[i] = math.Ldexp(v[i], scale*(i%2))
			exact.Add(exact, big.NewFloat(v[i]))
		}
		want, _ := exact.Float64()
		got := floatStats(floats(v...)).Sum.Float
		if ulp := math.Nextafter(math.Abs(want), math.Inf(1)) - math.Abs(want); math.Abs(got-want) > 2*ulp && math.Abs(want) > 1e-3 {
			t.Fatalf("sum %v, want %v", got, want)
		}
	})
}

func TestStatisticsOfFloats(t *testing.T) {
	nan, inf, negative := math.NaN(), math.Inf(1), math.Copysign(0, -1)
	tests := []struct {
		name     string
		v        []float64
		min, max float64
		nans     int
		sum      float64
	}{
		{"one", []float64{1.5}, 1.5, 1.5, 0, 1.5},
		{"tenths", []float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1}, 0.1, 1, 0, 5.5},
		{"what cancels", []float64{1e16, 1, -1e16}, -1e16, 1e16, 0, 1},
		{"not a number here and there", []float64{nan, 2, nan, 1, nan}, 1, 2, 3, 3},
		{"an infinity", []float64{1, inf, 2}, 1, inf, 0, inf},
		{"both infinities", []float64{inf, -inf, 2}, -inf, inf, 0, nan},
		{"too large", []float64{math.MaxFloat64, math.MaxFloat64}, math.MaxFloat64, math.MaxFloat64, 0, inf},
		{"zeros: the first one counts", []float64{negative, 0}, negative, negative, 0, 0},
	}
	for _, tt := range tests {
		s := floatStats(floats(tt.v...))
		same := func(a frame.Value, b float64) bool { return a.Num == math.Float64bits(b) }
		if !same(s.Min, tt.min) || !same(s.Max, tt.max) || s.NaN != tt.nans || math.Float64bits(s.Sum.Float) != math.Float64bits(tt.sum) ||
			!same(s.First, tt.v[0]) || !same(s.Last, tt.v[len(tt.v)-1]) || s.Count != len(tt.v) || !s.HasRange {
			t.Errorf("%s: %+v", tt.name, s)
		}
	}
	s := floatStats(floats(nan, nan))
	if s.HasRange || s.NaN != 2 || s.Sum.Float != 0 {
		t.Errorf("nothing but NaN: %+v", s)
	}
}

func TestStatisticsOfIntegers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ints := rapid.SliceOfN(rapid.Int64(), 1, 100).Draw(t, "ints")
		exact := new(big.Int)
		for _, v := range ints {
			exact.Add(exact, big.NewInt(v))
		}
		s := intStats(ints)
		got := new(big.Int).Add(new(big.Int).Lsh(big.NewInt(int64(s.Sum.High)), 64), new(big.Int).SetUint64(s.Sum.Low))
		if got.Cmp(exact) != 0 {
			t.Fatalf("sum %v, want %v", got, exact)
		}
		uints := rapid.SliceOfN(rapid.Uint64(), 1, 100).Draw(t, "uints")
		exact.SetInt64(0)
		for _, v := range uints {
			exact.Add(exact, new(big.Int).SetUint64(v))
		}
		s = uintStats(uints)
		got = new(big.Int).Add(new(big.Int).Lsh(new(big.Int).SetUint64(s.Sum.High), 64), new(big.Int).SetUint64(s.Sum.Low))
		if got.Cmp(exact) != 0 {
			t.Fatalf("sum %v, want %v", got, exact)
		}
	})
}

// What is written is read, and a decimal form costs no bit of a value.
func TestStatisticsRoundTrip(t *testing.T) {
	hinted := floats(20.25, math.NaN(), 0.1)
	hinted[0].Mantissa, hinted[0].Scale, hinted[0].Decimal = 2025, 2, true
	hinted[2].Mantissa, hinted[2].Scale, hinted[2].Decimal = 2, 1, true // a wrong hint
	long := []byte("a text that has more than sixteen bytes")
	for _, s := range []FieldStats{
		floatStats(hinted), floatStats(floats(math.NaN())), intStats([]int64{math.MinInt64, math.MaxInt64, -1}), uintStats([]uint64{math.MaxUint64, 1 << 63}),
		boolStats([]bool{true, true}), boolStats([]bool{false, true, false}), boolStats([]bool{false}),
		textStats(frame.KindString, [][]byte{[]byte("b"), long, {}}), textStats(frame.KindBytes, [][]byte{{0xff}}),
	} {
		got := FieldStats{Kind: s.Kind, Count: s.Count}
		b := s.append(nil)
		if !got.parse(append(b, "later"...)) || !got.same(&s) {
			t.Errorf("%+v is read as %+v", s, got)
		}
		for n := range b {
			if cut := (FieldStats{Kind: s.Kind, Count: s.Count}); cut.parse(b[:n]) {
				t.Errorf("%d of %d bytes of %+v are read", n, len(b), s)
			}
		}
	}
	if s := textStats(frame.KindString, [][]byte{long}); string(s.Min.Str) != string(long[:16]) || string(s.Max.Str) != string(long[:16]) {
		t.Errorf("prefixes %q and %q", s.Min.Str, s.Max.Str)
	}
}
