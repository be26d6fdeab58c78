package column

import (
	"fmt"

	"github.com/golang/snappy"
)

// Encoder encodes columns. The zero value is ready; it keeps its buffers from column to column and is for one goroutine.
//
// Each method appends a column's bytes to dst and says how to read them. It keeps nothing of v and panics beyond MaxValues values.
type Encoder struct {
	rooms         [bottom + 1]intRoom
	first, second []uint64 // the two rows of a nested encoding
	numbers       numberTable
	texts         textTable
	mantissas     []int64
	residuals     []int64
	bits          []uint64
	entries       []Float
	odd           []uint16 // places of floats that are not what their mantissa says
	packed        []byte
}

// Ints encodes signed integers of the full range.
func (e *Encoder) Ints(dst []byte, v []int64) ([]byte, Chunk) {
	return encode(e, dst, v, appendColumn[int64])
}

// Uints encodes unsigned integers of the full range.
func (e *Encoder) Uints(dst []byte, v []uint64) ([]byte, Chunk) {
	return encode(e, dst, v, appendColumn[uint64])
}

// Floats encodes floats by their bits. A hint that does not hold is ignored.
func (e *Encoder) Floats(dst []byte, v []Float) ([]byte, Chunk) {
	return encode(e, dst, v, appendFloats)
}

// Bools encodes truth values.
func (e *Encoder) Bools(dst []byte, v []bool) ([]byte, Chunk) { return encode(e, dst, v, appendBools) }

// Validity encodes which rows have a value.
func (e *Encoder) Validity(dst []byte, present []bool) ([]byte, Chunk) { return e.Bools(dst, present) }

// Bytes encodes texts or binary values; nil and an empty one are the same.
func (e *Encoder) Bytes(dst []byte, v [][]byte) ([]byte, Chunk) {
	return encode(e, dst, v, appendBytes)
}

// encode appends v by the given encoder, and compresses that where it pays. No values make no bytes, and encoding 0.
func encode[T any](e *Encoder, dst []byte, v []T, add func(*Encoder, []byte, []T) ([]byte, Encoding)) ([]byte, Chunk) {
	if len(v) > MaxValues {
		panic(fmt.Sprintf("column: %d values, a column holds %d", len(v), MaxValues))
	}
	if len(v) == 0 {
		return dst, Chunk{}
	}
	start := len(dst)
	dst, encoding := add(e, dst, v)
	dst, codec := e.compress(dst, start)
	return dst, Chunk{Encoding: encoding, Codec: codec}
}

const (
	minSnappy  = 24      // less is not worth a try
	maxSnappy  = 1 << 28 // more does not fit twice into a 32-bit build
	keptBuffer = 4 << 20 // a larger one is given back after use
)

// compress replaces dst[start:] by its Snappy form where that saves more than 3 in 100 bytes.
func (e *Encoder) compress(dst []byte, start int) ([]byte, Codec) {
	size := len(dst) - start
	if size < minSnappy || size > maxSnappy {
		return dst, CodecNone
	}
	packed := snappy.Encode(e.packed[:cap(e.packed)], dst[start:])
	if cap(packed) <= keptBuffer {
		e.packed = packed
	}
	if int64(len(packed))*100 >= int64(size)*97 {
		return dst, CodecNone
	}
	return append(dst[:start], packed...), CodecSnappy
}
