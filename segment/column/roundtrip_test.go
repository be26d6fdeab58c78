package column

import (
	"bytes"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The shapes that telemetry has, and the ones that no encoding expects. Each gives n integers.
func drawInts(t *rapid.T, n int) []int64 {
	v := make([]int64, n)
	start := rapid.Int64().Draw(t, "start")
	step := rapid.OneOf(rapid.Int64Range(-5, 5), rapid.Int64()).Draw(t, "step")
	width := rapid.IntRange(0, 63).Draw(t, "width")
	noise := rapid.SliceOfN(rapid.Int64(), n, n).Draw(t, "noise")
	shape := rapid.SampledFrom([]string{"line", "walk", "levels", "noise", "curve", "outliers", "steps"}).Draw(t, "shape")
	at, slope := start, step
	for i, x := range noise {
		low := x >> width
		switch shape {
		case "line":
			v[i] = start + step*int64(i)
		case "walk":
			at += step + low
			v[i] = at
		case "levels":
			if x%16 == 0 {
				at = start + low
			}
			v[i] = at
		case "noise":
			v[i] = low
		case "curve":
			slope += x >> 61
			at += slope
			v[i] = at
		case "outliers":
			v[i] = start + x>>60
			if x%32 == 0 {
				v[i] = x
			}
		case "steps":
			v[i] = start + step*(x>>58)
		}
	}
	return v
}

func count(t *rapid.T) int {
	return rapid.OneOf(rapid.IntRange(0, 4), rapid.IntRange(0, 300), rapid.SampledFrom([]int{127, 128, 129, 256, 1000})).Draw(t, "count")
}

func TestIntsRoundTrip(t *testing.T) {
	var e Encoder
	var d Decoder
	rapid.Check(t, func(t *rapid.T) {
		v := drawInts(t, count(t))
		b, c := e.Ints([]byte("before"), v)
		got, err := d.Ints([]int64{7}, len(v), c, b[6:])
		if err != nil || string(b[:6]) != "before" || got[0] != 7 || !equal(got[1:], v) {
			t.Fatalf("%v: %v\ngot  %v\nwant %v", c, err, got[1:], v)
		}
		u := make([]uint64, len(v))
		for i, x := range v {
			u[i] = uint64(x)
		}
		b2, c2 := e.Uints(nil, u)
		gotU, err := d.Uints(nil, len(u), c2, b2)
		if err != nil || !equal(gotU, u) {
			t.Fatalf("%v: %v\ngot  %v\nwant %v", c2, err, gotU, u)
		}
	})
}

func equal[T comparable](a, b []T) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

var oddFloats = []uint64{
	0, 1 << 63, 1, 1<<63 | 1, 0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000001, 0x7ff0000000000001, 0xffffdeadbeef0001,
	0x000fffffffffffff, 0x0010000000000000, 0x7fefffffffffffff, math.Float64bits(1 << 53), math.Float64bits(1<<53 + 2), math.Float64bits(1e300),
}

func drawFloats(t *rapid.T, n int) []Float {
	v := make([]Float, n)
	ints := drawInts(t, n)
	scale := rapid.IntRange(0, 25).Draw(t, "scale")
	shift := rapid.IntRange(0, 63).Draw(t, "shift")
	hints := rapid.SampledFrom([]string{"none", "all", "some", "shorter", "false"}).Draw(t, "hints")
	kind := rapid.SampledFrom([]string{"decimal", "narrow", "near", "bits", "narrow bits"}).Draw(t, "kind")
	rare := rapid.IntRange(1, 100).Draw(t, "rare")
	for i, m := range ints {
		m >>= shift
		f := form{uint8(min(scale, maxScale)), kind == "narrow"}
		v[i].Bits = f.bits(m)
		switch kind {
		case "near":
			v[i].Bits += uint64(m % 4)
		case "bits":
			v[i].Bits = uint64(ints[i])
		case "narrow bits":
			v[i].Bits = uint64(ints[i]) &^ narrowMask
		}
		if i%rare == 1 {
			v[i].Bits = oddFloats[int(uint64(m)%uint64(len(oddFloats)))]
		}
		if hints == "all" || hints == "some" && m%3 == 0 || hints == "shorter" {
			v[i].Mantissa, v[i].Scale, v[i].Decimal = m, uint8(scale), true
		}
		for hints == "shorter" && v[i].Mantissa%10 == 0 && v[i].Scale > 0 {
			v[i].Mantissa /= 10
			v[i].Scale--
		}
		if hints == "false" {
			v[i].Mantissa, v[i].Scale, v[i].Decimal = ints[i], uint8(m), true
		}
	}
	return v
}

func bitsOf(v []Float) []uint64 {
	bits := make([]uint64, len(v))
	for i := range v {
		bits[i] = v[i].Bits
	}
	return bits
}

func TestFloatsRoundTrip(t *testing.T) {
	var e Encoder
	var d Decoder
	rapid.Check(t, func(t *rapid.T) {
		v := drawFloats(t, count(t))
		b, c := e.Floats(nil, v)
		got, hint, err := d.Floats(nil, len(v), c, b)
		if err != nil || !equal(got, bitsOf(v)) {
			t.Fatalf("%v: %v\ngot  %x\nwant %x", c, err, got, bitsOf(v))
		}
		for _, bits := range got {
			f := hint.Float(bits)
			if f.Bits != bits || f.Decimal && (form{scale: f.Scale}).bits(f.Mantissa) != bits {
				t.Fatalf("hint %+v of %x", f, bits)
			}
		}
	})
}

func TestBoolsRoundTrip(t *testing.T) {
	var e Encoder
	var d Decoder
	rapid.Check(t, func(t *rapid.T) {
		v := make([]bool, count(t))
		rare := rapid.IntRange(1, 100).Draw(t, "rare")
		for i, x := range drawInts(t, len(v)) {
			v[i] = i > 0 && v[i-1] != (x%int64(rare) == 0)
		}
		b, c := e.Validity(nil, v)
		got, err := d.Validity(nil, len(v), c, b)
		if err != nil || !equal(got, v) {
			t.Fatalf("%v: %v\ngot  %v\nwant %v", c, err, got, v)
		}
	})
}

func TestBytesRoundTrip(t *testing.T) {
	var e Encoder
	var d Decoder
	rapid.Check(t, func(t *rapid.T) {
		few := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 40), 1, 20).Draw(t, "few")
		fresh := rapid.IntRange(1, 50).Draw(t, "fresh")
		v := make([][]byte, count(t))
		for i, x := range drawInts(t, len(v)) {
			v[i] = few[int(uint64(x)%uint64(len(few)))]
			if i%fresh == 0 {
				v[i] = bytes.Repeat([]byte{byte(x), byte(x >> 8)}, int(uint64(x)>>59))
			}
		}
		b, c := e.Bytes(nil, v)
		got, err := d.Bytes(nil, len(v), c, b)
		if err != nil || len(got) != len(v) {
			t.Fatalf("%v: %v", c, err)
		}
		for i := range v {
			if !bytes.Equal(got[i], v[i]) {
				t.Fatalf("%v: value %d is %x, want %x", c, i, got[i], v[i])
			}
		}
	})
}
