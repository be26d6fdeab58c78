package ingest

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"pgregory.net/rapid"
)

// Every JSON number comes out as the number that it says, or not at all: integers to the last digit, others as the nearest float64.
func TestNumberIsTheNearest(t *testing.T) {
	whole := rapid.StringMatching(`-?(0|[1-9][0-9]{0,21})`)
	broken := rapid.StringMatching(`-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?`)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(whole, broken).Draw(t, "number")
		if !json.Valid([]byte(text)) {
			t.Fatalf("the generator made %q", text)
		}
		got, ok := number([]byte(text))
		if strings.ContainsAny(text, ".eE") || text == "-0" {
			want, err := strconv.ParseFloat(text, 64)
			if ok != (err == nil) || ok && (got.Kind != frame.KindFloat || got.Num != math.Float64bits(want)) {
				t.Fatalf("%s: %+v %v, want %v %v", text, got, ok, want, err)
			}
			return
		}
		want, _ := new(big.Int).SetString(text, 10)
		if fits := want.IsInt64() || want.IsUint64(); ok != fits {
			t.Fatalf("%s: taken %v, fits %v", text, ok, fits)
		}
		if ok && text != integerText(got) {
			t.Fatalf("%s came out as %s", text, integerText(got))
		}
	})
}

func integerText(v frame.Value) string {
	switch v.Kind {
	case frame.KindInt:
		return fmt.Sprint(v.Int64())
	case frame.KindUint:
		return fmt.Sprint(v.Uint64())
	default:
		return fmt.Sprint("kind ", v.Kind)
	}
}

// A hint that is there must reproduce the float, and short decimals must have one.
func TestDecimalHint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mantissa := rapid.Int64Range(-maxMantissa/16, maxMantissa/16).Draw(t, "mantissa")
		scale := rapid.IntRange(1, 15).Draw(t, "scale")
		text := strconv.FormatFloat(float64(mantissa)/math.Pow10(scale), 'f', scale, 64)
		v, ok := number([]byte(text))
		if !ok || strings.Trim(text, "-0.") != "" && !v.Decimal {
			t.Fatalf("%s has no hint: %+v", text, v)
		}
		if want, _ := strconv.ParseFloat(text, 64); v.Num != math.Float64bits(want) {
			t.Fatalf("%s: %v", text, v.Float64())
		}
	})
}

// The walk over an object finds the same members as a decoder that builds them.
func TestObjectWalk(t *testing.T) {
	for _, text := range []string{
		`{}`, `{ }`, ` {"a":1}`[1:], "{\t\"a\" : 1 ,\r\n \"b\":[1,{\"c\":\"}]\"}] , \"d\" :\"\\\"}\"}",
		`{"a":{"b":{"c":[[],{}]}},"e":-1.5e+7,"f":true,"g":null}`, `{"":"","\\":"\\\\"}`,
	} {
		var want map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		found := 0
		var quoted []byte
		for o := newObject([]byte(text)); o.next(&quoted); found++ {
			value := o.value()
			name, _ := unquote(quoted)
			if string(want[string(name)]) != string(value) {
				t.Errorf("%s: %s is %s, want %s", text, quoted, value, want[string(name)])
			}
		}
		if found != len(want) {
			t.Errorf("%s: %d members of %d", text, found, len(want))
		}
	}
}
