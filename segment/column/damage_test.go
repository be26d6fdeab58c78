package column

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/golang/snappy"
)

// The kinds of column, for tests of decoders.
const (
	ints = iota
	floats
	bools
	texts
	kinds
)

func decodeAny(d *Decoder, kind, n int, c Chunk, b []byte) (any, error) {
	switch kind {
	case ints:
		return d.Ints(nil, n, c, b)
	case floats:
		v, _, err := d.Floats(nil, n, c, b)
		return v, err
	case bools:
		return d.Bools(nil, n, c, b)
	default:
		return d.Bytes(nil, n, c, b)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestDamage has, for everything that a decoder checks, bytes that break just that. Rows of integers are, in hex, "01 xx": const,
// "02 step first head ref bits": frame.
func TestDamage(t *testing.T) {
	tests := []struct {
		name    string
		kind, n int
		enc     Encoding
		hex     string
		want    string
	}{
		{"fine", ints, 4, IntFrame, "01 00 02 00 e4", ""},
		{"nothing", ints, 4, IntFrame, "", "a number is cut off"},
		{"number too long", ints, 4, IntConst, "ff ff ff ff ff ff ff ff ff 02", "too long"},
		{"left over", ints, 4, IntConst, "02 00", "1 bytes too many"},
		{"step 0", ints, 4, IntFrame, "00 00 02 00 e4", "a step of 0"},
		{"no miniblock", ints, 4, IntFrame, "01 00", "a byte is missing"},
		{"width 65", ints, 4, IntFrame, "01 00 41 00 e4", "a width of 65 bits"},
		{"bits cut off", ints, 4, IntFrame, "01 00 09 00 e4", "4 bytes are missing"},
		{"second miniblock missing", ints, 129, IntFrame, "01 00 00 00", "a byte is missing"},
		{"patch", ints, 4, IntFrame, "01 00 80 00 01 02 07", ""},
		{"patch beyond", ints, 4, IntFrame, "01 00 80 00 01 04 07", "patch 0 at 4 of 4 values"},
		{"patches not ascending", ints, 4, IntFrame, "01 00 80 00 02 02 02 07 07", "patch 1 at 2 of 4 values"},
		{"patch of 0", ints, 4, IntFrame, "01 00 80 00 01 02 00", "patch 0x0 above 0 bits"},
		{"patch too high", ints, 1, IntFrame, "01 00 bf 00 01 00 00 00 00 00 00 00 00 00 02", "patch 0x2 above 63 bits"},
		{"patch cut off", ints, 4, IntFrame, "01 00 80 00 01 02", "a number is cut off"},
		{"patches cut off", ints, 4, IntFrame, "01 00 80 00 05 02", "4 bytes are missing"},
		{"runs", ints, 4, IntRuns, "00 01 02 01 06", ""},
		{"runs too long", ints, 4, IntRuns, "00 01 02 01 08", "a run of 4 values more where 4 are left"},
		{"runs too short", ints, 4, IntRuns, "00 01 02 01 04", "1 values are in no run"},
		{"more runs than values", ints, 4, IntRuns, "04 01 02 01 00", "4 entries less one, at most 3"},
		{"runs in runs", ints, 4, IntRuns, "00 05 00 01 02 01 06 01 06", "int-runs inside of another row"},
		{"dict in runs", ints, 4, IntRuns, "00 06 00 01 02 01 06 01 06", "int-dict inside of another row"},
		{"unknown row", ints, 4, IntRuns, "00 09 02", "encoding-9 in a row of integers"},
		{"dict", ints, 4, IntDict, "00 01 02 01 00", ""},
		{"code beyond", ints, 4, IntDict, "00 01 02 01 02", "code 1 of 1"},
		{"negative code", ints, 4, IntDict, "00 01 02 01 01", "code 18446744073709551615 of 1"},
		{"dict larger than column", ints, 4, IntDict, "04 01 02 01 00", "4 entries less one"},

		{"float const cut off", floats, 4, FloatConst, "00 00 00 00 00 00 00", "1 bytes are missing"},
		{"decimal", floats, 4, FloatDecimal, "02 00 01 0a", ""},
		{"scale 23", floats, 4, FloatDecimal, "17 00 01 0a", "a scale of 23"},
		{"exceptions beyond", floats, 4, FloatDecimal, "02 05 01 0a", "5 exceptions, at most 4"},
		{"exception beyond", floats, 4, FloatDecimal, "02 01 04 00 00 00 00 00 00 00 00 01 0a", "an exception at 4 of 4"},
		{"exception skips", floats, 4, FloatDecimal, "02 01 09 00 00 00 00 00 00 00 00 01 0a", "9 values to skip"},
		{"exceptions overlap the end", floats, 4, FloatDecimal, "02 02 03 00 00 00 00 00 00 00 00 00 01 0a", "an exception at 4 of 4"},
		{"exception cut off", floats, 4, FloatDecimal, "02 01 03 00 00", "6 bytes are missing"},
		{"near without mantissas", floats, 4, FloatNear, "02 00 01 02", "a byte is missing"},
		{"float dict", floats, 4, FloatDict, "00 11 02 00 01 0a 01 00", ""},
		{"float dict of dict", floats, 4, FloatDict, "00 16 00 11 02 00 01 0a 01 00 01 00", "float-dict in a dictionary of floats"},
		{"float code beyond", floats, 4, FloatDict, "00 11 02 00 01 0a 01 02", "code 1 of 1"},
		{"ordered without row", floats, 4, FloatOrdered, "", "a byte is missing"},

		{"bool of 2", bools, 4, BoolConst, "02", "a truth value of 2"},
		{"bitmap", bools, 4, BoolBitmap, "0f", ""},
		{"bitmap short", bools, 9, BoolBitmap, "0f", "1 bytes are missing"},
		{"bitmap spare bits", bools, 4, BoolBitmap, "1f", "spare bits are not 0"},
		{"bool runs", bools, 4, BoolRuns, "01 00 01 04", ""},
		{"bool runs to the end", bools, 4, BoolRuns, "01 00 01 06", "a run of 3 values more where 4 are left"},
		{"bool runs overflow", bools, 4, BoolRuns, "01 00 01 01", "a run of 18446744073709551615 values more"},
		{"bool runs too many", bools, 4, BoolRuns, "01 03 01 00", "3 runs less two, at most 2"},
		{"bool runs of one", bools, 1, BoolRuns, "01 00 01 00", "runs of 1 value"},

		{"plain", texts, 3, BytesPlain, "01 04 61 62 63 64 65 66", ""},
		{"plain cut off", texts, 3, BytesPlain, "01 04 61 62 63 64 65", "a value of 2 bytes where 1 are left"},
		{"negative length", texts, 3, BytesPlain, "01 03 61 62 63 64 65 66", "a value of -2 bytes"},
		{"plain left over", texts, 3, BytesPlain, "01 02 61 62 63 64", "1 bytes too many"},
		{"text dict", texts, 3, BytesDict, "00 01 04 61 62 01 00", ""},
		{"text code beyond", texts, 3, BytesDict, "00 01 04 61 62 01 02", "code 1 of 1"},
		{"text code negative", texts, 3, BytesDict, "00 01 04 61 62 01 01", "code -1 of 1"},
		{"text dict too large", texts, 3, BytesDict, "03 01 04 61 62 01 00", "3 entries less one"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d Decoder
			v, err := decodeAny(&d, tt.kind, tt.n, Chunk{Encoding: tt.enc}, unhex(t, tt.hex))
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("decoded %v, error %v, want one with %q", v, err, tt.want)
			}
		})
	}
}

// TestCutOff: no column but a constant text can be shortened without being noticed, wherever it is cut.
func TestCutOff(t *testing.T) {
	var e Encoder
	var d Decoder
	for _, s := range shapes {
		if s.want == BytesConst {
			continue
		}
		v := s.make(300)
		b, c := encodeAny(&e, nil, v)
		kind := map[byte]int{'i': ints, 'u': ints, 'f': floats}[s.name[0]]
		if c.Encoding >= BoolConst {
			kind = bools
		}
		if c.Encoding >= BytesConst {
			kind = texts
		}
		for i := range b {
			if _, err := decodeAny(&d, kind, 300, c, b[:i]); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%s: %d of %d bytes: %v", s.name, i, len(b), err)
			}
		}
		if _, err := decodeAny(&d, kind, 300, c, append(slices.Clone(b), 0)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: one byte more: %v", s.name, err)
		}
	}
}

func TestUnknownEncoding(t *testing.T) {
	var d Decoder
	for kind := range kinds {
		for _, c := range []Chunk{{Encoding: 7}, {Encoding: 64}, {Encoding: 255}, {Encoding: 0}, {Encoding: IntConst, Codec: 2}} {
			if _, err := decodeAny(&d, kind, 5, c, []byte{0}); !errors.Is(err, ErrUnknownEncoding) || errors.Is(err, ErrCorrupt) {
				t.Errorf("kind %d, %+v: %v", kind, c, err)
			}
		}
		for enc := range encodingNames {
			_, err := decodeAny(&d, kind, 5, Chunk{Encoding: enc}, nil)
			foreign := kind != map[bool]int{enc < FloatConst: ints, enc >= FloatConst && enc < BoolConst: floats,
				enc >= BoolConst && enc < BytesConst: bools, enc >= BytesConst: texts}[true]
			if foreign && (!errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "another kind")) {
				t.Errorf("kind %d, %v: %v", kind, enc, err)
			}
		}
	}
}

func TestCounts(t *testing.T) {
	var d Decoder
	for _, n := range []int{-1, MaxValues + 1, math.MaxInt32} {
		if _, err := d.Ints(nil, n, Chunk{Encoding: IntConst}, []byte{2}); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d values: %v", n, err)
		}
	}
	if _, err := d.Ints(nil, 0, Chunk{Encoding: IntConst}, nil); !errors.Is(err, ErrCorrupt) {
		t.Errorf("an encoding of no values: %v", err)
	}
	if _, err := d.Ints(nil, 0, Chunk{}, []byte{2}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("bytes of no values: %v", err)
	}
}

// TestFailedDecodeKeepsDst: what was in dst is returned when the column is damaged.
func TestFailedDecodeKeepsDst(t *testing.T) {
	var d Decoder
	got, err := d.Ints([]int64{1, 2}, 4, Chunk{Encoding: IntFrame}, []byte{1, 0})
	if err == nil || !equal(got, []int64{1, 2}) {
		t.Errorf("%v, %v", got, err)
	}
	bits, hint, err := d.Floats([]uint64{1}, 4, Chunk{Encoding: FloatDecimal}, []byte{2, 0, 1, 10, 0})
	if err == nil || !equal(bits, []uint64{1}) || hint != (Hint{}) {
		t.Errorf("%v, %+v, %v", bits, hint, err)
	}
}

// allocated is how many bytes fn asks for.
func allocated(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestMemoryIsBounded: a few bytes cannot ask for more than their count and the limit allow.
func TestMemoryIsBounded(t *testing.T) {
	huge := binary.AppendUvarint(nil, 1<<30)
	bomb := snappy.Encode(nil, make([]byte, 8<<20)) // honest, but 20 times its size
	tests := []struct {
		name string
		kind int
		c    Chunk
		b    []byte
		want string
	}{
		{"claimed length", texts, Chunk{BytesPlain, CodecSnappy}, append(slices.Clone(huge), make([]byte, 100)...), "when decompressed"},
		{"text beyond the limit", texts, Chunk{BytesConst, CodecSnappy}, bomb, "when decompressed"},
		{"more than Snappy can", floats, Chunk{FloatOrdered, CodecSnappy}, binary.AppendUvarint(nil, 220_000), "when decompressed"},
		{"text beyond the limit, plain", texts, Chunk{BytesConst, CodecNone}, make([]byte, 1<<20+1), "1048577 bytes of values, the limit is 1048576"},
		{"numbers", ints, Chunk{IntConst, CodecSnappy}, bomb, "when decompressed"},
		{"not snappy", ints, Chunk{IntConst, CodecSnappy}, []byte{4, 0xff, 0xff}, "snappy: corrupt"},
		{"no snappy at all", ints, Chunk{IntConst, CodecSnappy}, nil, "snappy: corrupt"},
		{"lengths", texts, Chunk{Encoding: BytesPlain}, append([]byte{byte(IntConst)}, binary.AppendUvarint(nil, 1<<62)...), "a value of"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := Decoder{MaxBytes: 1 << 20}
			var err error
			size := allocated(func() { _, err = decodeAny(&d, tt.kind, MaxValues, tt.c, tt.b) })
			if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
			if size > 512<<10 {
				t.Errorf("%d bytes were allocated for an error", size)
			}
		})
	}
}

// TestBuffersAreGivenBack: one large column does not stay in memory.
func TestBuffersAreGivenBack(t *testing.T) {
	var e Encoder
	var d Decoder
	v := [][]byte{make([]byte, 3*keptBuffer), []byte("x")}
	b, c := e.Bytes(nil, v)
	checkAny(t, &d, v, c, b)
	if cap(e.packed) > keptBuffer || cap(d.plain) > keptBuffer {
		t.Errorf("%d and %d bytes are kept", cap(e.packed), cap(d.plain))
	}
	for _, entry := range e.texts.entries[:cap(e.texts.entries)] {
		if entry != nil {
			t.Fatal("the encoder holds on to a text")
		}
	}
}
