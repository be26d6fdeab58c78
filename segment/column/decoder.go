package column

import (
	"math"
	"slices"

	"github.com/golang/snappy"
)

// DefaultMaxBytes is what Decoder.MaxBytes means when it is zero.
const DefaultMaxBytes = 256 << 20

// Decoder decodes columns. The zero value is ready; it keeps its buffers from column to column and is for one goroutine.
//
// Each method appends n values to dst, or returns dst as it was and an error. What it returns refers neither to b nor to the decoder.
type Decoder struct {
	// MaxBytes is the most bytes that the distinct values of one Bytes column may come to, with a few for their lengths.
	// It bounds the memory that damaged bytes can ask for. 0 means DefaultMaxBytes.
	MaxBytes int

	plain         []byte   // decompressed
	first, second []uint64 // the two rows of a nested encoding
	entries       []uint64 // of a dictionary of floats
	mantissas     []int64
	residuals     []int64
}

// Ints decodes n signed integers.
func (d *Decoder) Ints(dst []int64, n int, c Chunk, b []byte) ([]int64, error) {
	return decode(d, dst, n, c, b, intEncodings, readColumn[int64])
}

// Uints decodes n unsigned integers.
func (d *Decoder) Uints(dst []uint64, n int, c Chunk, b []byte) ([]uint64, error) {
	return decode(d, dst, n, c, b, intEncodings, readColumn[uint64])
}

// Floats decodes the bits of n floats. The hint gives back their decimal form, where they came with one.
func (d *Decoder) Floats(dst []uint64, n int, c Chunk, b []byte) ([]uint64, Hint, error) {
	var hint Hint
	dst, err := decode(d, dst, n, c, b, floatEncodings, func(d *Decoder, c *cursor, dst []uint64, enc Encoding) {
		hint = readFloats(d, c, dst, enc)
	})
	if err != nil {
		return dst, Hint{}, err
	}
	return dst, hint, nil
}

// Bools decodes n truth values.
func (d *Decoder) Bools(dst []bool, n int, c Chunk, b []byte) ([]bool, error) {
	return decode(d, dst, n, c, b, boolEncodings, readBools)
}

// Validity decodes which of n rows have a value.
func (d *Decoder) Validity(dst []bool, n int, c Chunk, b []byte) ([]bool, error) {
	return d.Bools(dst, n, c, b)
}

// Bytes decodes n texts or binary values into one new buffer, in which values of a dictionary are shared.
func (d *Decoder) Bytes(dst [][]byte, n int, c Chunk, b []byte) ([][]byte, error) {
	return decode(d, dst, n, c, b, bytesEncodings, readBytes)
}

// decode checks what is common to all columns and reads the payload into the n values behind dst.
func decode[T any](d *Decoder, dst []T, n int, c Chunk, b []byte, known []Encoding,
	read func(*Decoder, *cursor, []T, Encoding)) ([]T, error) {
	if n < 0 || n > MaxValues {
		return dst, corrupt("%d values, a column holds %d", n, MaxValues)
	}
	if n == 0 {
		if len(b) > 0 || c != (Chunk{}) {
			return dst, corrupt("%d bytes, encoding %d and codec %d for no values", len(b), c.Encoding, c.Codec)
		}
		return dst, nil
	}
	if encodingNames[c.Encoding] == "" || c.Codec > CodecSnappy {
		return dst, unknown(c)
	}
	if !slices.Contains(known, c.Encoding) {
		return dst, corrupt("%v in a column of another kind", c.Encoding)
	}
	cur := cursor{b: b}
	if c.Codec == CodecSnappy {
		cur.b, cur.err = d.decompress(b, d.payloadLimit(n, c.Encoding))
	}
	if cur.err != nil {
		return dst, cur.err
	}
	out := slices.Grow(dst, n)[:len(dst)+n]
	read(d, &cur, out[len(dst):], c.Encoding)
	if err := cur.done(); err != nil {
		return dst, err
	}
	return out, nil
}

// snappyRatio is the most bytes that one byte of Snappy can stand for: a copy of 64 bytes takes 3.
const snappyRatio = 22

// payloadLimit is the most bytes that n values can take before compression. A number takes at most 10 bytes, a float two of them and an
// exception; miniblocks add their heads.
func (d *Decoder) payloadLimit(n int, enc Encoding) int {
	numbers := 256 + 64*n
	if !slices.Contains(bytesEncodings, enc) {
		return numbers
	}
	return numbers + min(d.maxBytes(), math.MaxInt-numbers)
}

func (d *Decoder) maxBytes() int {
	if d.MaxBytes == 0 {
		return DefaultMaxBytes
	}
	return d.MaxBytes
}

func (d *Decoder) decompress(b []byte, limit int) ([]byte, error) {
	size, err := snappy.DecodedLen(b)
	if err != nil {
		return nil, corrupt("snappy: %v", err)
	}
	if size > limit || uint64(size) > uint64(len(b))*snappyRatio {
		return nil, corrupt("%d bytes when decompressed, of %d bytes and here at most %d can come", size, len(b), limit)
	}
	plain, err := snappy.Decode(slices.Grow(d.plain[:0], size)[:size], b)
	if err != nil {
		return nil, corrupt("snappy: %v", err)
	}
	if cap(plain) <= keptBuffer {
		d.plain = plain
	}
	return plain, nil
}
