package slowreader

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/segment/column"
)

// anyColumn is a column of one kind as the encoder wrote it, and as both decoders read it.
type anyColumn struct {
	kind   string
	values int
	chunk  column.Chunk
	bytes  []byte
}

func (c anyColumn) packed() packed {
	return packed{values: c.values, encoding: byte(c.chunk.Encoding), codec: byte(c.chunk.Codec), payload: c.bytes}
}

// slow decodes the column here.
func (c anyColumn) slow() (any, error) {
	switch c.kind {
	case "int":
		return c.packed().ints()
	case "float":
		return c.packed().floats()
	case "bool":
		return c.packed().bools()
	}
	return c.packed().texts()
}

// ours decodes it with the package that wrote it.
func (c anyColumn) ours() (any, error) {
	var d column.Decoder
	switch c.kind {
	case "int":
		return d.Ints(nil, c.values, c.chunk, c.bytes)
	case "float":
		bits, _, err := d.Floats(nil, c.values, c.chunk, c.bytes)
		return bits, err
	case "bool":
		return d.Bools(nil, c.values, c.chunk, c.bytes)
	}
	return d.Bytes(nil, c.values, c.chunk, c.bytes)
}

// Columns of all shapes have the same values in both readers, and every encoding is among them.
func TestColumnsAgree(t *testing.T) {
	seen := map[column.Chunk]bool{}
	for seed := range uint64(300) {
		c, put := randomColumn(dice(seed), maxValues)
		seen[c.chunk] = true
		got, err := c.slow()
		if err != nil {
			t.Fatalf("seed %d: %v of %d values: %v", seed, c.chunk.Encoding, c.values, err)
		}
		if fmt.Sprint(got) != fmt.Sprint(put) {
			t.Fatalf("seed %d: %v of %d values: got %v, put %v", seed, c.chunk.Encoding, c.values, got, put)
		}
	}
	for encoding := range kindOf {
		if !seen[column.Chunk{Encoding: column.Encoding(encoding)}] && !seen[column.Chunk{Encoding: column.Encoding(encoding), Codec: 1}] {
			t.Errorf("no column of encoding %d (%v) was met", encoding, column.Encoding(encoding))
		}
	}
}

// Damaged columns are refused by both readers, or have the same values in both.
func TestDamagedColumnsAgree(t *testing.T) {
	refused, same := 0, 0
	for seed := range uint64(6000) {
		rnd := dice(seed)
		c, _ := randomColumn(rnd, 300)
		c.bytes = bytes.Clone(c.bytes)
		if len(c.bytes) == 0 {
			continue
		}
		damage(rnd, &c)
		slow, slowErr := c.slow()
		ours, oursErr := c.ours()
		if (slowErr == nil) != (oursErr == nil) {
			t.Fatalf("seed %d: %v %v of %d values:\nslow reader: %v\nours: %v", seed, c.kind, c.chunk, c.values, slowErr, oursErr)
		}
		if slowErr != nil {
			if errors.Is(slowErr, ErrVersion) != errors.Is(oursErr, column.ErrUnknownEncoding) {
				t.Fatalf("seed %d: %v %v: slow reader %v, ours %v", seed, c.kind, c.chunk, slowErr, oursErr)
			}
			refused++
			continue
		}
		if same++; fmt.Sprint(slow) != fmt.Sprint(ours) {
			t.Fatalf("seed %d: %v %v of %d values: slow reader %v, ours %v", seed, c.kind, c.chunk, c.values, slow, ours)
		}
	}
	if refused < 1000 || same < 500 {
		t.Errorf("%d refused, %d read: the damage is of one kind", refused, same)
	}
}

// damage changes a few bytes, what stands beside them, or both.
func damage(rnd *rand.Rand, c *anyColumn) {
	for range 1 + rnd.IntN(2) {
		at := rnd.IntN(min(len(c.bytes), 1+rnd.IntN(len(c.bytes)))) // the front has what is not values
		switch rnd.IntN(8) {
		case 0:
			c.bytes = c.bytes[:at]
		case 1:
			c.bytes = append(c.bytes, byte(rnd.Uint32()))
		case 2:
			c.values = max(0, c.values-3+rnd.IntN(6))
		case 3:
			c.chunk.Codec = column.Codec(rnd.IntN(3))
		case 4:
			c.chunk.Encoding = column.Encoding(rnd.IntN(64))
		case 5:
			c.bytes[at] = byte(rnd.Uint32())
		default:
			c.bytes[at] ^= 1 << rnd.IntN(8)
		}
		if len(c.bytes) == 0 {
			return
		}
	}
}

func dice(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

// randomColumn encodes a column and returns it with what was put into it.
func randomColumn(rnd *rand.Rand, most int) (c anyColumn, put any) {
	var e column.Encoder
	n := 1 + rnd.IntN(20)
	if rnd.IntN(2) == 0 {
		n = 1 + rnd.IntN(most)
	}
	c.values = n
	switch rnd.IntN(4) {
	case 0:
		v := randomInts(rnd, n)
		c.kind, put = "int", v
		c.bytes, c.chunk = e.Ints(nil, v)
	case 1:
		v := randomFloats(rnd, n)
		var bits []uint64
		for _, f := range v {
			bits = append(bits, f.Bits)
		}
		c.kind, put = "float", bits
		c.bytes, c.chunk = e.Floats(nil, v)
	case 2:
		v := randomBools(rnd, n)
		c.kind, put = "bool", v
		c.bytes, c.chunk = e.Bools(nil, v)
	default:
		v := randomTexts(rnd, n)
		c.kind, put = "bytes", v
		c.bytes, c.chunk = e.Bytes(nil, v)
	}
	return c, put
}

// randomInts has rows in which each of the encodings is the shortest now and then.
func randomInts(rnd *rand.Rand, n int) []int64 {
	v := make([]int64, n)
	style, width, step := rnd.IntN(9), 1+rnd.IntN(63), int64(1)<<rnd.IntN(30)
	last, delta := int64(rnd.Uint64()), int64(rnd.IntN(1000))
	few := make([]int64, 1+rnd.IntN(50))
	for i := range few {
		few[i] = int64(rnd.Uint64())
	}
	for i := range v {
		switch style {
		case 0: // one value
		case 1: // anything
			last = int64(rnd.Uint64())
		case 2: // some bits above a reference
			last = last>>width<<width | int64(rnd.Uint64()>>(64-width))
		case 3: // a counter with holes
			last += step * int64(1+rnd.IntN(4))
		case 4: // a counter that jumps now and then
			if last += step; rnd.IntN(60) == 0 {
				last = int64(rnd.Uint64())
			}
		case 5: // a curve
			delta += int64(rnd.IntN(3)) - 1
			last += delta * step
		case 6: // few values, long
			if rnd.IntN(20) == 0 {
				last = few[rnd.IntN(len(few))]
			}
		case 7: // few values
			last = few[rnd.IntN(len(few))]
		case 8: // the ends
			last = []int64{math.MinInt64, math.MaxInt64, 0, -1, 1}[rnd.IntN(5)]
		}
		v[i] = last
	}
	return v
}

func randomFloats(rnd *rand.Rand, n int) []column.Float {
	v := make([]column.Float, n)
	style, places, hints := rnd.IntN(10), rnd.IntN(6), rnd.IntN(2) == 0
	mantissa, few := int64(rnd.IntN(1<<20)), rnd.Perm(1+rnd.IntN(30))
	for i := range v {
		mantissa += int64(rnd.IntN(200)) - 100
		value := float64(mantissa) / math.Pow10(places)
		switch style {
		case 1: // rounded to float32 on the way
			value = float64(float32(value))
		case 2: // next to a decimal
			value = math.Float64frombits(math.Float64bits(value) + uint64(rnd.IntN(7)) - 3)
		case 3: // next to a decimal of float32
			value = math.Float64frombits(math.Float64bits(float64(float32(value))) + uint64(rnd.IntN(7)) - 3)
		case 4: // some bits
			value = math.Float64frombits(rnd.Uint64())
		case 5: // decimals but for a few
			if rnd.IntN(30) == 0 {
				value = math.Float64frombits(rnd.Uint64())
			}
		case 6: // few values, next to decimals
			value = math.Float64frombits(math.Float64bits(float64(few[rnd.IntN(len(few))])/1000) + 2)
		case 7: // one value
			value = math.Pi
		case 9: // what compares equal, and is not
			value = []float64{math.Copysign(0, -1), 0}[rnd.IntN(2)]
		case 8: // what is no number, or hardly one
			value = []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 0, math.SmallestNonzeroFloat64}[rnd.IntN(6)]
		}
		v[i].Bits = math.Float64bits(value)
		if hints && (style == 0 || style == 5) {
			v[i].Mantissa, v[i].Scale, v[i].Decimal = mantissa, uint8(places), true
		}
	}
	return v
}

func randomBools(rnd *rand.Rand, n int) []bool {
	v := make([]bool, n)
	stay := []int{1, 2, 40, 1 << 20}[rnd.IntN(4)]
	last := rnd.IntN(2) == 0
	for i := range v {
		if rnd.IntN(stay+1) == 0 {
			last = !last
		}
		v[i] = last
	}
	return v
}

func randomTexts(rnd *rand.Rand, n int) [][]byte {
	v := make([][]byte, n)
	few := rnd.IntN(3)
	for i := range v {
		text := fmt.Sprintf("state-%d", rnd.IntN(12))
		switch few {
		case 0:
			text = "idle"
		case 1:
			text = string(slices.Repeat([]byte{byte(rnd.Uint32())}, rnd.IntN(30))) + fmt.Sprint(rnd.Uint32())
		}
		v[i] = []byte(text)
	}
	return v
}
