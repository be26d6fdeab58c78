package query

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"pgregory.net/rapid"
)

func written(fn func(*writer)) string {
	var w writer
	fn(&w)
	return string(w.b)
}

func TestNumbersAreExact(t *testing.T) {
	negativeZero := math.Copysign(0, -1)
	for _, tt := range []struct {
		value frame.Value
		want  string
	}{
		{frame.Uint(math.MaxUint64), "18446744073709551615"},
		{frame.Uint(1<<53 + 1), "9007199254740993"},
		{frame.Int(math.MinInt64), "-9223372036854775808"},
		{frame.Float(0), "0.0"},
		{frame.Float(negativeZero), "-0.0"},
		{frame.Float(1), "1.0"},
		{frame.Float(21.5), "21.5"},
		{frame.Float(0.1), "0.1"},
		{frame.Float(1e-6), "0.000001"},
		{frame.Float(1e-7), "1e-07"},
		{frame.Float(1e20), "100000000000000000000.0"},
		{frame.Float(1e21), "1e+21"},
		{frame.Float(5e-324), "5e-324"},
		{frame.Float(math.MaxFloat64), "1.7976931348623157e+308"},
		{frame.Float(math.NaN()), `"NaN"`},
		{frame.Float(math.Inf(1)), `"+Inf"`},
		{frame.Float(math.Inf(-1)), `"-Inf"`},
		{frame.Bool(true), "true"},
		{frame.Bool(false), "false"},
		{frame.String("a\"b\\c\n\t\x01é\u2028"), `"a\"b\\c\n\t\u0001é` + "\u2028" + `"`},
		{frame.Bytes([]byte{0, 255, 16}), `"AP8Q"`},
		{frame.Value{}, "null"},
	} {
		if got := written(func(w *writer) { w.value(&tt.value) }); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.value, got, tt.want)
		}
	}
}

func TestFloatsReadBackBitForBit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := math.Float64frombits(rapid.Uint64().Draw(t, "bits"))
		text := written(func(w *writer) { w.float(v) })
		if math.IsNaN(v) || math.IsInf(v, 0) {
			if text[0] != '"' {
				t.Fatalf("%v: %s", v, text)
			}
			return
		}
		back, err := strconv.ParseFloat(text, 64)
		if err != nil || math.Float64bits(back) != math.Float64bits(v) {
			t.Fatalf("%v: %s reads back as %v (%v)", v, text, back, err)
		}
		if !strings.ContainsAny(text, ".e") {
			t.Fatalf("%s looks like an integer", text)
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("%s is not JSON", text)
		}
	})
}

func TestStringsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "s")
		var back string
		text := written(func(w *writer) { w.str(s) })
		if err := json.Unmarshal([]byte(text), &back); err != nil {
			t.Fatalf("%q: %s: %v", s, text, err)
		}
		if want := string([]rune(s)); back != want { // runes: a byte that is not UTF-8 becomes U+FFFD
			t.Fatalf("%q reads back as %q", s, back)
		}
		if bytes := written(func(w *writer) { w.text([]byte(s)) }); bytes != text {
			t.Fatalf("as bytes %s, as a string %s", bytes, text)
		}
	})
}

func TestCommas(t *testing.T) {
	got := written(func(w *writer) {
		w.open('{')
		w.key("a")
		w.open('[')
		w.close(']')
		w.key("b")
		w.open('[')
		w.int(1)
		w.str("x,{[:")
		w.open('{')
		w.close('}')
		w.null()
		w.close(']')
		w.anyKey(`c"`)
		w.bool(true)
		w.close('}')
		w.newline()
		w.open('{')
		w.close('}')
	})
	if want := `{"a":[],"b":[1,"x,{[:",{},null],"c\"":true}` + "\n{}"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestTimes(t *testing.T) {
	for _, tt := range []struct {
		ns   int64
		want string
	}{
		{0, `"1970-01-01T00:00:00Z"`},
		{1, `"1970-01-01T00:00:00.000000001Z"`},
		{time.Date(2026, 11, 21, 10, 0, 0, 500_000_000, time.UTC).UnixNano(), `"2026-11-21T10:00:00.5Z"`},
		{math.MinInt64, `"1677-09-21T00:12:43.145224192Z"`},
		{math.MaxInt64, `"2262-04-11T23:47:16.854775807Z"`},
	} {
		if got := written(func(w *writer) { w.timeNS(tt.ns) }); got != tt.want {
			t.Errorf("%d: %s, want %s", tt.ns, got, tt.want)
		}
	}
	if got := written(func(w *writer) { w.timeMS(1) }); got != `"1970-01-01T00:00:00.001Z"` {
		t.Errorf("1 ms: %s", got)
	}
}

func TestRatioIsOneOnlyWhenNothingIsMissing(t *testing.T) {
	for _, tt := range []struct {
		expected, stored uint64
		want             string
	}{
		{0, 0, "null"},
		{10, 10, "1"},
		{10, 0, "0.0"},
		{10, 5, "0.5"},
		{3, 2, "0.666666666666"},
		{86400, 86391, "0.999895833333"},
		{math.MaxUint64, math.MaxUint64 - 1, "0.999999999999"},
		{math.MaxUint64, 1, "0.0"},
	} {
		c := completeness{expected: tt.expected, stored: tt.stored}
		if got := written(c.writeRatio); got != tt.want {
			t.Errorf("%d of %d: %s, want %s", tt.stored, tt.expected, got, tt.want)
		}
	}
}
