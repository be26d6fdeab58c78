package replay

import (
	"math"
	"strconv"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

func TestValuesAreInferred(t *testing.T) {
	tests := []struct {
		text string
		want frame.Value
	}{
		{"0", frame.Int(0)},
		{"-7", frame.Int(-7)},
		{"9223372036854775807", frame.Int(math.MaxInt64)},
		{"-9223372036854775808", frame.Int(math.MinInt64)},
		{"9223372036854775808", frame.Uint(1 << 63)},
		{"18446744073709551615", frame.Uint(math.MaxUint64)},
		{"18446744073709551616", frame.String("18446744073709551616")},
		{"-9223372036854775809", frame.String("-9223372036854775809")},
		{"7.0", frame.Float(7)},
		{"73.96732207", frame.Float(73.96732207)},
		{"74.93588199999998", frame.Float(74.93588199999998)},
		{"0.1", frame.Float(0.1)},
		{"9e+02", frame.Float(900)},
		{"-1E-7", frame.Float(-1e-7)},
		{"-0", frame.Float(math.Copysign(0, -1))},
		{"-0.0", frame.Float(math.Copysign(0, -1))},
		{"1e400", frame.String("1e400")},
		{"NaN", frame.Float(math.NaN())},
		{"-Inf", frame.Float(math.Inf(-1))},
		{"+Inf", frame.Float(math.Inf(1))},
		{"true", frame.Bool(true)},
		{"FALSE", frame.Bool(false)},
		{"007", frame.String("007")},
		{"07000048", frame.String("07000048")},
		{"+5", frame.String("+5")},
		{".5", frame.String(".5")},
		{"5.", frame.String("5.")},
		{"1e", frame.String("1e")},
		{"1_000", frame.String("1_000")},
		{"0x1f", frame.String("0x1f")},
		{" 5", frame.String(" 5")},
		{"-", frame.String("-")},
		{"é", frame.String("é")},
	}
	for _, tt := range tests {
		got, err := readInferred.value(cell{tt.text, cellLoose})
		if err != nil || !got.Equal(tt.want) {
			t.Errorf("%q: got %v %v (%v), want %v %v", tt.text, got.Kind, got, err, tt.want.Kind, tt.want)
		}
	}
}

func TestReadings(t *testing.T) {
	tests := []struct {
		how  reading
		cell cell
		want frame.Value // zero: refused
	}{
		{readText, cell{"12", cellLoose}, frame.String("12")},
		{readText, cell{"\xff", cellLoose}, frame.Value{}},
		{readFloat, cell{"7", cellLoose}, frame.Float(7)},
		{readFloat, cell{"nan", cellLoose}, frame.Float(math.NaN())},
		{readFloat, cell{"007", cellLoose}, frame.Value{}},
		{readFloat, cell{"1e400", cellLoose}, frame.Value{}},
		{readHex, cell{"50270c", cellLoose}, frame.Bytes([]byte{0x50, 0x27, 0x0c})},
		{readHex, cell{"5027F", cellLoose}, frame.Value{}},
		{readBase64, cell{"AQI=", cellLoose}, frame.Bytes([]byte{1, 2})},
		{readBase64, cell{"AQI", cellLoose}, frame.Value{}},
		{readInferred, cell{"12", cellText}, frame.String("12")},
		{readInferred, cell{"", cellText}, frame.String("")},
		{readInferred, cell{"12", cellNumber}, frame.Int(12)},
		{readInferred, cell{"18446744073709551616", cellNumber}, frame.Value{}},
		{readInferred, cell{"true", cellBool}, frame.Bool(true)},
		{readInferred, cell{"\xff", cellLoose}, frame.Value{}},
	}
	for _, tt := range tests {
		got, err := tt.how.value(tt.cell)
		if refused := tt.want.Kind == 0; refused != (err != nil) || !refused && !got.Equal(tt.want) {
			t.Errorf("reading %d of %q: got %v (%v), want %v", tt.how, tt.cell.text, got, err, tt.want)
		}
	}
}

// FuzzNumbers holds the fast readers against the standard library's.
func FuzzNumbers(f *testing.F) {
	for _, s := range []string{"0", "-0", "1.5", "123456789.0123456", "1e3", "-9e+02", "0.0000000000001", "922337203685477580.7", "00", "-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, ok := float(s)
		if !isNumber(s) {
			return
		}
		want, err := strconv.ParseFloat(s, 64)
		if err != nil {
			if ok {
				t.Errorf("%q is %v, strconv says %v", s, v, err)
			}
			return
		}
		if !ok || math.Float64bits(v.Float64()) != math.Float64bits(want) {
			t.Errorf("%q is %v %v, want %v", s, v.Float64(), ok, want)
		}
		if n, ok := number(s); ok && n.Kind != frame.KindFloat && n.Float64() != want {
			t.Errorf("%q is the integer %v, want %v", s, n, want)
		}
	})
}
