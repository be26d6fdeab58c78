package query

import (
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"pgregory.net/rapid"
)

// TestDecimalsAreWrittenAsFloats: how a value came does not show in an answer.
func TestDecimalsAreWrittenAsFloats(t *testing.T) {
	quick := 0
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-5000, 5000), rapid.Int64Range(-maxExact-3, maxExact+3)).Draw(t, "mantissa")
		if rapid.Bool().Draw(t, "round") {
			m = m / 1000 * 1000
		}
		v, ok := frame.DecimalFloat(m, uint8(rapid.IntRange(0, 22).Draw(t, "scale")))
		if !ok {
			return
		}
		var got, want writer
		got.b, want.b = append(got.b, "1"...), append(want.b, "1"...)
		want.float(v.Float64())
		if !got.decimal(&v) {
			return
		}
		quick++
		if string(got.b) != string(want.b) {
			t.Fatalf("%d / 10^%d is %s, want %s", v.Mantissa, v.Scale, got.b, want.b)
		}
	})
	if quick == 0 {
		t.Errorf("%d values were written in the quick way", quick)
	}
	lie := frame.Value{Kind: frame.KindFloat, Decimal: true, Scale: 1, Mantissa: 15, Num: frame.Float(2).Num}
	if new(writer).decimal(&lie) {
		t.Error("a mantissa that is not the value's was written")
	}
}
