package column

import (
	"bytes"
	"math"
	"testing"
)

// TestNearest: what is no number or too large for a mantissa has none. Converting such a float would give another integer on another
// machine.
func TestNearest(t *testing.T) {
	tests := []struct {
		value float64
		scale uint8
		want  int64
		off   uint64
	}{
		{20.5, 1, 205, 0},
		{-0.125, 2, -12, 0}, // ties to even
		{1<<53 - 1, 0, 1<<53 - 1, 0},
		{1 << 53, 0, 0, 1},
		{-1e300, 22, 0, 1},
		{math.Inf(1), 0, 0, 1},
		{math.NaN(), 3, 0, 1},
	}
	for _, tt := range tests {
		if m, off := (form{scale: tt.scale}).nearest(math.Float64bits(tt.value)); m != tt.want || off != tt.off {
			t.Errorf("%v at scale %d: %d, %d, want %d, %d", tt.value, tt.scale, m, off, tt.want, tt.off)
		}
	}
}

func floatColumn(t *testing.T, v []Float) (Chunk, []byte, Hint) {
	t.Helper()
	var e Encoder
	var d Decoder
	b, c := e.Floats(nil, v)
	checkAny(t, &d, v, c, b)
	_, hint, err := d.Floats(nil, len(v), c, b)
	if err != nil {
		t.Fatal(err)
	}
	return c, b, hint
}

// TestHintComesBack: a decimal column gives each value's mantissa at the common scale; one that was a float32, or no decimal, gives none.
func TestHintComesBack(t *testing.T) {
	v := []Float{decimalOf(205, 1), decimalOf(-21, 0), {Bits: math.Float64bits(-0.0000001)}, decimalOf(2041, 2), decimalOf(0, 0), decimalOf(7, 1)}
	_, _, hint := floatColumn(t, v)
	want := []Float{decimalOf(2050, 2), decimalOf(-2100, 2), {Bits: v[2].Bits}, decimalOf(2041, 2), decimalOf(0, 2), decimalOf(70, 2)}
	for i, f := range v {
		if got := hint.Float(f.Bits); got != want[i] {
			t.Errorf("value %d, %v: hint %+v, want %+v", i, math.Float64frombits(f.Bits), got, want[i])
		}
	}
	if got := hint.Float(1 << 63); got != (Float{Bits: 1 << 63}) {
		t.Errorf("-0 has the hint %+v", got)
	}
	for _, s := range shapes {
		v, ok := s.make(200).([]Float)
		if !ok {
			continue
		}
		_, _, hint := floatColumn(t, v)
		if decimal := s.want == FloatDecimal || s.want == FloatNear; decimal != hint.Decimal {
			t.Errorf("%s: hint %+v", s.name, hint)
		}
	}
}

// TestHintsGoFirst: halves are decimals and widened float32 alike; the shorter way to see them is the decimal.
func TestHintsGoFirst(t *testing.T) {
	v := each(1000, func(r *random, _ int) Float { return decimalOf(5*r.below(100), 1) }).([]Float)
	if c, _, hint := floatColumn(t, v); c.Encoding != FloatDecimal || hint != (Hint{Decimal: true, Scale: 1}) {
		t.Errorf("%v, hint %+v", c.Encoding, hint)
	}
}

// TestFalseHints: hints that do not hold change the size at most.
func TestFalseHints(t *testing.T) {
	v := each(1000, func(r *random, _ int) Float {
		f := decimalOf(r.below(5000), 2)
		f.Mantissa++
		return f
	}).([]Float)
	floatColumn(t, v)
	for i := range v {
		v[i].Mantissa, v[i].Scale = math.MinInt64, 255
	}
	if c, b, _ := floatColumn(t, v); c.Encoding != FloatDecimal || len(b) > 2000 {
		t.Errorf("%v with %d bytes: a search would have found two places", c.Encoding, len(b))
	}
}

// TestFormIsWidened: where the samples miss that a third of the values has more places, the form is found all the same.
func TestFormIsWidened(t *testing.T) {
	v := each(MaxValues, func(r *random, i int) Float {
		m := 1000 + r.below(100)
		if j := i % (MaxValues / formSamples); j > 0 && j < 45 {
			return Float{Bits: decimalOf(100*m+37, 3).Bits}
		}
		return Float{Bits: decimalOf(m, 1).Bits}
	}).([]Float)
	if c, b, _ := floatColumn(t, v); c.Encoding != FloatDecimal || len(b) > 2*MaxValues {
		t.Errorf("%v with %d bytes", c.Encoding, len(b))
	}
}

// TestRareFloatIsNoOutlier: an exception takes its ten bytes and does not widen its neighbours.
func TestRareFloatIsNoOutlier(t *testing.T) {
	make := func(odd bool) []Float {
		return each(1000, func(r *random, i int) Float {
			f := decimalOf(500_000+r.below(16), 1)
			if odd && i%100 == 0 {
				f = Float{Bits: math.Float64bits(math.Inf(1))}
			}
			return f
		}).([]Float)
	}
	_, plain, _ := floatColumn(t, make(false))
	if _, b, _ := floatColumn(t, make(true)); len(b) > len(plain)+10*10+2 {
		t.Errorf("ten exceptions make %d bytes of %d", len(b), len(plain))
	}
}

// TestSnappyShare: compression is kept from 3 in 100 bytes on, and not tried below 24 bytes.
func TestSnappyShare(t *testing.T) {
	r := random(1)
	noise := make([]byte, 4000)
	for i := range noise {
		noise[i] = byte(r.below(256))
	}
	var e Encoder
	for _, tt := range []struct {
		payload []byte
		want    Codec
	}{
		{noise, CodecNone},
		{append(make([]byte, 120), noise...), CodecNone},
		{append(make([]byte, 170), noise...), CodecSnappy},
		{bytes.Repeat([]byte("a"), minSnappy-1), CodecNone},
		{bytes.Repeat([]byte("a"), minSnappy), CodecSnappy},
	} {
		b, c := e.Bytes([]byte("before"), [][]byte{tt.payload})
		if c.Codec != tt.want || string(b[:6]) != "before" {
			t.Errorf("%d bytes become %d with codec %d, want %d", len(tt.payload), len(b)-6, c.Codec, tt.want)
		}
	}
}

// TestDictionaryMustPay: distinct texts that are as short as their codes are kept as they are.
func TestDictionaryMustPay(t *testing.T) {
	var e Encoder
	v := each(200, func(r *random, i int) []byte { return []byte{byte(i * 37)} }).([][]byte)
	if _, c := e.Bytes(nil, v); c.Encoding != BytesPlain {
		t.Errorf("%v", c.Encoding)
	}
}

// TestTextTableGivesUp: on values that are all new, and on values that somebody made to collide.
func TestTextTableGivesUp(t *testing.T) {
	var table textTable
	fresh := each(MaxValues, func(_ *random, i int) []byte { return []byte{byte(i), byte(i >> 8), 7} }).([][]byte)
	if table.collect(fresh) || len(table.entries) > 2*textPatience {
		t.Errorf("%d entries were collected of values that are all new", len(table.entries))
	}
	var same [][]byte // texts that want one of a few slots
	for i := 0; len(same) < MaxValues/2; i++ {
		text := []byte{byte(i), byte(i >> 8), byte(i >> 16), byte(i >> 24), 1}
		if textHash(text)>>32&(1<<14-1) < 8 {
			same = append(same, text)
		}
	}
	row := each(MaxValues, func(_ *random, i int) []byte { return same[i%120] }).([][]byte)
	if table.collect(row) {
		t.Error("values that collide are all collected")
	}
	var e Encoder
	var d Decoder
	b, c := e.Bytes(nil, row)
	checkAny(t, &d, row, c, b)
}
