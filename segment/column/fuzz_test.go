package column

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

// seedColumns adds a short column of each shape of a kind to a fuzz target's corpus.
func seedColumns(f *testing.F, first, last Encoding) {
	var e Encoder
	for _, s := range shapes {
		if s.want < first || s.want > last {
			continue
		}
		for _, n := range []int{3, 140} {
			b, c := encodeAny(&e, nil, s.make(n))
			f.Add(uint16(n), uint8(c.Encoding), uint8(c.Codec), b)
		}
	}
}

// fuzzDecoder holds that any bytes are refused with one of the two errors or give exactly n values, which, encoded again, come back the
// same; and that a used decoder and a fresh one agree.
func fuzzDecoder[T any](f *testing.F, first, last Encoding, decode func(*Decoder, []T, int, Chunk, []byte) ([]T, error),
	encode func(*Encoder, []T) ([]byte, Chunk), same func(a, b T) bool) {
	seedColumns(f, first, last)
	used := Decoder{MaxBytes: 1 << 20}
	f.Fuzz(func(t *testing.T, count uint16, encoding, codec uint8, b []byte) {
		n, c := int(count), Chunk{Encoding(encoding), Codec(codec)}
		fresh := Decoder{MaxBytes: 1 << 20}
		v, err := decode(&fresh, nil, n, c, b)
		again, err2 := decode(&used, nil, n, c, b)
		if (err == nil) != (err2 == nil) || !slices.EqualFunc(v, again, same) {
			t.Fatalf("a fresh decoder gives %v, a used one %v", err, err2)
		}
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnknownEncoding) || len(v) > 0 {
				t.Fatalf("%d values, error %v", len(v), err)
			}
			return
		}
		if len(v) != n {
			t.Fatalf("%d values of %d", len(v), n)
		}
		out, c := encode(new(Encoder), v)
		back, err := decode(&fresh, nil, n, c, out)
		if err != nil || !slices.EqualFunc(v, back, same) {
			t.Fatalf("%v: not the same after encoding: %v", c.Encoding, err)
		}
	})
}

func is[T comparable](a, b T) bool { return a == b }

func FuzzDecodeInts(f *testing.F) {
	fuzzDecoder(f, IntConst, FloatConst-1, (*Decoder).Ints, func(e *Encoder, v []int64) ([]byte, Chunk) { return e.Ints(nil, v) }, is)
}

func FuzzDecodeFloats(f *testing.F) {
	decode := func(d *Decoder, dst []Float, n int, c Chunk, b []byte) ([]Float, error) {
		bits, hint, err := d.Floats(nil, n, c, b)
		for _, x := range bits {
			dst = append(dst, hint.Float(x))
		}
		return dst, err
	}
	encode := func(e *Encoder, v []Float) ([]byte, Chunk) { return e.Floats(nil, v) }
	fuzzDecoder(f, FloatConst, BoolConst-1, decode, encode, func(a, b Float) bool { return a.Bits == b.Bits })
}

func FuzzDecodeBools(f *testing.F) {
	fuzzDecoder(f, BoolConst, BytesConst-1, (*Decoder).Bools, func(e *Encoder, v []bool) ([]byte, Chunk) { return e.Bools(nil, v) }, is)
}

func FuzzDecodeBytes(f *testing.F) {
	fuzzDecoder(f, BytesConst, 63, (*Decoder).Bytes, func(e *Encoder, v [][]byte) ([]byte, Chunk) { return e.Bytes(nil, v) }, bytes.Equal)
}

// words cuts bytes into numbers, at most a full column of them.
func words(b []byte) []uint64 {
	var v []uint64
	for ; len(b) >= 8 && len(v) < MaxValues; b = b[8:] {
		v = append(v, binary.LittleEndian.Uint64(b))
	}
	return v
}

// FuzzInts: whatever integers, as they are and summed up, signed and unsigned.
func FuzzInts(f *testing.F) {
	for _, s := range shapes {
		if v, ok := s.make(40).([]int64); ok {
			var b []byte
			for _, x := range v {
				b = binary.LittleEndian.AppendUint64(b, uint64(x))
			}
			f.Add(b, uint8(0))
		}
	}
	var e Encoder
	var d Decoder
	f.Fuzz(func(t *testing.T, b []byte, shift uint8) {
		u := words(b)
		sum := uint64(0)
		v, walk := make([]int64, len(u)), make([]uint64, len(u))
		for i, x := range u {
			v[i] = int64(x) >> (shift & 63)
			sum += uint64(v[i])
			walk[i] = sum
		}
		for _, column := range []any{u, v, walk} {
			out, c := encodeAny(&e, nil, column)
			checkAny(t, &d, column, c, out)
		}
	})
}

// FuzzFloats: whatever bits, with whatever hints.
func FuzzFloats(f *testing.F) {
	for _, s := range shapes {
		if v, ok := s.make(40).([]Float); ok {
			var b []byte
			for _, x := range v {
				b = binary.LittleEndian.AppendUint64(b, x.Bits)
			}
			f.Add(b, []byte{1, 0, 3}, uint8(2))
		}
	}
	var e Encoder
	var d Decoder
	f.Fuzz(func(t *testing.T, b, hints []byte, scale uint8) {
		u := words(b)
		v, decimals := make([]Float, len(u)), make([]Float, len(u))
		for i, x := range u {
			v[i] = Float{Bits: x}
			m := int64(x) >> 20
			decimals[i] = Float{Bits: form{scale: scale % (maxScale + 1)}.bits(m)}
			if len(hints) > 0 && hints[i%len(hints)] > 0 {
				v[i].Mantissa, v[i].Scale, v[i].Decimal = m, hints[i%len(hints)], true
				decimals[i].Mantissa, decimals[i].Scale, decimals[i].Decimal = m, scale%(maxScale+1), true
			}
		}
		for _, column := range [][]Float{v, decimals} {
			out, c := e.Floats(nil, column)
			checkAny(t, &d, column, c, out)
		}
	})
}

// FuzzBools: whatever bits, each as often as a second input says.
func FuzzBools(f *testing.F) {
	f.Add([]byte{0x5a, 0xff, 0}, uint8(3))
	f.Add([]byte{1}, uint8(200))
	var e Encoder
	var d Decoder
	f.Fuzz(func(t *testing.T, b []byte, repeat uint8) {
		var v []bool
		for i := 0; i < 8*len(b) && len(v)+int(repeat) < MaxValues; i++ {
			v = append(v, slices.Repeat([]bool{b[i/8]>>(i%8)&1 != 0}, int(repeat)+1)...)
		}
		out, c := e.Bools(nil, v)
		checkAny(t, &d, v, c, out)
	})
}

// FuzzBytes: whatever texts, cut out of the input at whatever places.
func FuzzBytes(f *testing.F) {
	f.Add([]byte("idlerunidlefault"), []byte{4, 3, 4, 5})
	f.Add([]byte{}, []byte{0, 0, 0})
	var e Encoder
	var d Decoder
	f.Fuzz(func(t *testing.T, text, cuts []byte) {
		var v [][]byte
		for i := 0; i < min(len(cuts), MaxValues); i++ {
			end := min(int(cuts[i]), len(text))
			v = append(v, text[:end])
			if i%3 == 0 {
				text = text[end:]
			}
		}
		out, c := e.Bytes(nil, v)
		checkAny(t, &d, v, c, out)
	})
}
