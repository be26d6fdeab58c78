package frame

import "encoding/binary"

// uvarint reads a varint at b[i:] and returns the index after it. A truncated, overlong or non-minimal one yields an index beyond
// len(b), and so does every later read from such an index: callers may read on and compare the index with len(b) once.
func uvarint(b []byte, i int) (uint64, int) {
	if uint(i) < uint(len(b)) && b[i] < 0x80 {
		return uint64(b[i]), i + 1
	}
	return longUvarint(b, i)
}

func longUvarint(b []byte, i int) (uint64, int) {
	var v uint64
	for shift := uint(0); uint(i) < uint(len(b)) && shift < 64; i, shift = i+1, shift+7 {
		c := b[i]
		if c < 0x80 {
			if c == 0 || shift == 63 && c > 1 {
				break // one number has one form, and at most 64 bits
			}
			return v | uint64(c)<<shift, i + 1
		}
		v |= uint64(c&0x7f) << shift
	}
	return 0, len(b) + 1
}

// varint reads a zigzag varint, with the same rule for damage.
func varint(b []byte, i int) (int64, int) {
	u, i := uvarint(b, i)
	return unzigzag(u), i
}

func zigzag(v int64) uint64   { return uint64(v)<<1 ^ uint64(v>>63) }
func unzigzag(u uint64) int64 { return int64(u>>1) ^ -int64(u&1) }

func appendUvarint(dst []byte, v uint64) []byte {
	if v < 0x80 {
		return append(dst, byte(v))
	}
	return binary.AppendUvarint(dst, v)
}

func appendVarint(dst []byte, v int64) []byte { return appendUvarint(dst, zigzag(v)) }

func appendText[T string | []byte](dst []byte, s T) []byte {
	return append(appendUvarint(dst, uint64(len(s))), s...)
}

// text reads a length and that many bytes, with the same rule for damage.
func text(b []byte, i int) ([]byte, int) {
	n, i := uvarint(b, i)
	if i > len(b) || n > uint64(len(b)-i) {
		return nil, len(b) + 1
	}
	return b[i : i+int(n) : i+int(n)], i + int(n)
}
