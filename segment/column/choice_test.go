package column

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// random is a small generator of its own: golden files depend on its numbers.
type random uint64

// below returns one of 0 to n-1.
func (r *random) below(n int64) int64 {
	*r = *r*6364136223846793005 + 1442695040888963407
	return int64(uint64(*r)>>33) % n
}

func (r *random) bits() uint64 {
	return uint64(r.below(1<<31))<<42 ^ uint64(r.below(1<<31))<<21 ^ uint64(r.below(1<<31))
}

// shape is a kind of column with the encoding that it should have.
type shape struct {
	name string
	want Encoding
	most float64 // bytes per value that 4,096 of them may take
	make func(n int) any
}

func each[T any](n int, value func(r *random, i int) T) any {
	r := random(1)
	v := make([]T, n)
	for i := range v {
		v[i] = value(&r, i)
	}
	return v
}

func decimalOf(mantissa int64, scale uint8) Float {
	return Float{Bits: form{scale: scale}.bits(mantissa), Mantissa: mantissa, Scale: scale, Decimal: true}
}

// shapes are columns of every encoding. Golden files are made of them: add, never change.
var shapes = []shape{
	{"int-const", IntConst, 0.01, func(n int) any { return each(n, func(*random, int) int64 { return -7 }) }},
	{"int-frame", IntFrame, 0.65, func(n int) any { return each(n, func(r *random, _ int) int64 { return 1480 + r.below(32) }) }},
	{"int-frame-full", IntFrame, 8.1, func(n int) any {
		return each(n, func(r *random, _ int) int64 { return int64(r.bits() * 0x9e3779b97f4a7c15) })
	}},
	{"int-frame-patched", IntFrame, 1.6, func(n int) any {
		return each(n, func(r *random, i int) int64 { return r.below(2000) + int64(i%97/96)*int64(r.bits()>>9) })
	}},
	{"int-delta-counter", IntDelta, 0.01, func(n int) any { return each(n, func(_ *random, i int) int64 { return math.MaxInt64 - 5 + int64(i) }) }},
	{"int-delta-time", IntDelta, 0.68, func(n int) any {
		at := int64(1_760_000_000_000_000_000)
		return each(n, func(r *random, _ int) int64 { at += 1_000_000_000 + (r.below(21)-10)*1_000_000; return at })
	}},
	{"int-delta2", IntDelta2, 0.52, func(n int) any {
		at, speed := int64(0), int64(1_000_000)
		return each(n, func(r *random, _ int) int64 { speed += r.below(9) - 4; at += speed; return at })
	}},
	{"int-runs", IntRuns, 0.065, func(n int) any {
		v := int64(0)
		return each(n, func(r *random, _ int) int64 {
			if r.below(100) == 0 {
				v = r.below(1 << 40)
			}
			return v
		})
	}},
	{"int-dict", IntDict, 0.6, func(n int) any {
		return each(n, func(r *random, _ int) int64 { k := r.below(12); return k * k * k * k * 1_000_003 })
	}},
	{"uint-delta", IntDelta, 0.4, func(n int) any {
		at := uint64(math.MaxUint64 - 100)
		return each(n, func(r *random, _ int) uint64 { at += uint64(r.below(8)); return at })
	}},
	{"float-const", FloatConst, 0.01, func(n int) any {
		return each(n, func(*random, int) Float { return Float{Bits: math.Float64bits(-0.1)} })
	}},
	{"float-decimal-hints", FloatDecimal, 0.4, func(n int) any {
		m := int64(6125)
		return each(n, func(r *random, _ int) Float {
			m += r.below(5) - 2
			if m%10 == 0 {
				return decimalOf(m/10, 1)
			}
			return decimalOf(m, 2)
		})
	}},
	{"float-decimal-search", FloatDecimal, 2.05, func(n int) any {
		return each(n, func(r *random, _ int) Float { return Float{Bits: decimalOf(2_169_750+r.below(40_001), 5).Bits} })
	}},
	{"float-decimal-exceptions", FloatDecimal, 0.7, func(n int) any {
		return each(n, func(r *random, i int) Float {
			if i%50 == 3 {
				return Float{Bits: 0x7ff8_dead_beef_0000 + uint64(i)}
			}
			return decimalOf(205+r.below(8), 1)
		})
	}},
	{"float-decimal32", FloatDecimal32, 1.1, func(n int) any {
		return each(n, func(r *random, _ int) Float { return Float{Bits: form{1, true}.bits(r.below(256) - 128)} })
	}},
	{"float-near", FloatNear, 2.1, func(n int) any {
		return each(n, func(r *random, _ int) Float {
			return Float{Bits: decimalOf(31_000+r.below(4_000), 3).Bits + uint64(r.below(4))}
		})
	}},
	{"float-near32", FloatNear32, 2.1, func(n int) any {
		return each(n, func(r *random, _ int) Float {
			return Float{Bits: form{3, true}.bits(31_000+r.below(4_000)) + uint64(r.below(3))}
		})
	}},
	{"float-ordered", FloatOrdered, 8.1, func(n int) any { return each(n, func(r *random, _ int) Float { return Float{Bits: r.bits()} }) }},
	{"float-ordered-narrow", FloatOrdered, 4.1, func(n int) any {
		return each(n, func(r *random, _ int) Float {
			return Float{Bits: math.Float64bits(float64(math.Float32frombits(0x3f80_0000 + uint32(r.below(1<<31)>>2))))}
		})
	}},
	{"float-dict", FloatDict, 0.9, func(n int) any {
		return each(n, func(r *random, _ int) Float {
			k := r.below(40)
			return Float{Bits: form{3, true}.bits(31_000+k*91) + uint64(k%3)}
		})
	}},
	{"bool-const", BoolConst, 0.01, func(n int) any { return each(n, func(*random, int) bool { return true }) }},
	{"bool-bitmap", BoolBitmap, 0.126, func(n int) any { return each(n, func(r *random, _ int) bool { return r.below(2) == 0 }) }},
	{"bool-runs", BoolRuns, 0.04, func(n int) any { return each(n, func(_ *random, i int) bool { return i%300 < 7 }) }},
	{"bytes-const", BytesConst, 0.01, func(n int) any { return each(n, func(*random, int) []byte { return []byte("idle") }) }},
	{"bytes-dict", BytesDict, 0.3, func(n int) any {
		return each(n, func(r *random, _ int) []byte { return []byte([]string{"idle", "run", "", "fault"}[r.below(4)]) })
	}},
	{"bytes-dict-runs", BytesDict, 0.1, func(n int) any {
		state := "idle"
		return each(n, func(r *random, _ int) []byte {
			if r.below(200) == 0 {
				state = fmt.Sprintf("state %d", r.below(7))
			}
			return []byte(state)
		})
	}},
	{"bytes-plain", BytesPlain, 18, func(n int) any {
		return each(n, func(r *random, i int) []byte { return fmt.Appendf(nil, `{"n":%d,"v":%d}`, i, r.below(1_000_000)) })
	}},
	{"bytes-plain-random", BytesPlain, 20.1, func(n int) any {
		return each(n, func(r *random, i int) []byte {
			b := make([]byte, 20)
			for i := range b {
				b[i] = byte(r.below(256))
			}
			return b
		})
	}},
}

// encodeAny encodes a column of any kind.
func encodeAny(e *Encoder, dst []byte, v any) ([]byte, Chunk) {
	switch v := v.(type) {
	case []int64:
		return e.Ints(dst, v)
	case []uint64:
		return e.Uints(dst, v)
	case []Float:
		return e.Floats(dst, v)
	case []bool:
		return e.Bools(dst, v)
	case [][]byte:
		return e.Bytes(dst, v)
	}
	panic("no column")
}

// checkAny decodes and compares with what was encoded.
func checkAny(t testing.TB, d *Decoder, v any, c Chunk, b []byte) {
	t.Helper()
	var err error
	same := false
	switch v := v.(type) {
	case []int64:
		got, e := d.Ints(nil, len(v), c, b)
		same, err = slices.Equal(got, v), e
	case []uint64:
		got, e := d.Uints(nil, len(v), c, b)
		same, err = slices.Equal(got, v), e
	case []Float:
		got, _, e := d.Floats(nil, len(v), c, b)
		same, err = slices.Equal(got, bitsOf(v)), e
	case []bool:
		got, e := d.Bools(nil, len(v), c, b)
		same, err = slices.Equal(got, v), e
	case [][]byte:
		got, e := d.Bytes(nil, len(v), c, b)
		same, err = slices.EqualFunc(got, v, func(a, b []byte) bool { return string(a) == string(b) }), e
	}
	if err != nil || !same {
		t.Fatalf("%v, codec %d, %d bytes: values come back the same: %v, error %v", c.Encoding, c.Codec, len(b), same, err)
	}
}

func TestChoice(t *testing.T) {
	reached := map[Encoding]bool{}
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			var e Encoder
			var d Decoder
			v := s.make(MaxValues)
			b, c := encodeAny(&e, nil, v)
			checkAny(t, &d, v, c, b)
			if size := float64(len(b)) / MaxValues; c.Encoding != s.want || size > s.most {
				t.Errorf("%v, codec %d, with %.4f bytes per value, want %v with at most %.4f", c.Encoding, c.Codec, size, s.want, s.most)
			}
			reached[c.Encoding] = true
		})
	}
	for enc, name := range encodingNames {
		if !reached[enc] && !t.Failed() {
			t.Errorf("no shape is encoded as %s", name)
		}
	}
}

// TestShortColumns: all lengths around the miniblock, where partial words and single values are.
func TestShortColumns(t *testing.T) {
	var e Encoder
	var d Decoder
	for _, s := range shapes {
		for _, n := range []int{1, 2, 3, 4, 7, 8, 9, 63, 64, 65, 127, 128, 129, 255, 256, 257} {
			v := s.make(n)
			b, c := encodeAny(&e, nil, v)
			checkAny(t, &d, v, c, b)
		}
	}
}

func TestNoValues(t *testing.T) {
	var e Encoder
	var d Decoder
	for _, v := range []any{[]int64{}, []uint64{}, []Float{}, []bool{}, [][]byte{}} {
		b, c := encodeAny(&e, []byte("x"), v)
		if string(b) != "x" || c != (Chunk{}) {
			t.Errorf("%T: %q, %+v", v, b, c)
		}
		checkAny(t, &d, v, c, nil)
	}
}

func TestTooManyValues(t *testing.T) {
	defer func() {
		if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), "4097 values, a column holds 4096") {
			t.Errorf("recovered %v", r)
		}
	}()
	new(Encoder).Ints(nil, make([]int64, MaxValues+1))
}

// TestEncoderHasNoMemory: what was encoded before has no influence on the bytes, and appending neither.
func TestEncoderHasNoMemory(t *testing.T) {
	var used Encoder
	for round := range 2 {
		for i := range shapes {
			s := shapes[(i*7+round)%len(shapes)]
			v := s.make(1000 + 17*i)
			want, c := encodeAny(new(Encoder), nil, v)
			got, c2 := encodeAny(&used, []byte("before"), v)
			if string(got) != "before"+string(want) || c != c2 {
				t.Errorf("%s: a used encoder writes %d bytes as %+v, a fresh one %d as %+v", s.name, len(got)-6, c2, len(want), c)
			}
		}
	}
}

// TestInputsStay: an encoder changes nothing of its input, a decoder returns nothing of its own.
func TestInputsStay(t *testing.T) {
	var e Encoder
	var d Decoder
	for _, s := range shapes {
		v, same := s.make(500), s.make(500)
		b, c := encodeAny(&e, nil, v)
		checkAny(t, &d, same, c, b)
		if fmt.Sprint(v) != fmt.Sprint(same) {
			t.Errorf("%s: the encoder changed its input", s.name)
		}
	}
	texts := [][]byte{[]byte("one"), []byte("two")}
	b, c := e.Bytes(nil, texts)
	got, err := d.Bytes(nil, 2, c, b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	other, c := e.Bytes(nil, [][]byte{[]byte("six"), []byte("ten")})
	if _, err := d.Bytes(nil, 2, c, other); err != nil {
		t.Fatal(err)
	}
	if string(got[0])+string(got[1]) != "onetwo" {
		t.Errorf("decoded texts became %q", got)
	}
	if _ = append(got[0], "xxx"...); string(got[1]) != "two" {
		t.Error("an append to a decoded text reaches the next one")
	}
}
