package column

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Integers are packed in miniblocks of 128 (the last may be shorter), each with its own reference and width, so that a quiet stretch is
// small beside a lively one:
//
//	┌───────────┬─────────────────────────┬────────────────────────┬──────────────────┬────────────────────┐
//	│ p │ width │ ref - ref of the former │ only if p: k, k places │ n × width bits   │ only if p: k highs │
//	│   1 byte  │ zigzag varint           │ 1 byte, k bytes        │ to the next byte │ k uvarints         │
//	└───────────┴─────────────────────────┴────────────────────────┴──────────────────┴────────────────────┘
//	entry = ref + bits + high << width
const (
	miniblock  = 128
	maxBlocks  = MaxValues / miniblock
	patchedBit = 0x80
	patchWidth = 3 // narrower miniblocks are not worth a look for outliers
)

// blockBytes is what a miniblock without patches takes: n values of width bits whose reference is step away from the former one.
func blockBytes(n int, width uint, step uint64) int {
	return 1 + uvarintLen(zigzag(step)) + packedBytes(n, width)
}

// appendMiniblock writes the offsets v (0 to 2^width - 1) from a reference that lies step from the former one. It changes v.
func appendMiniblock(dst []byte, v []uint64, width uint, step uint64) []byte {
	narrow := patchedWidth(v, width)
	if narrow == width {
		dst = append(dst, byte(width))
		dst = binary.AppendUvarint(dst, zigzag(step))
		return appendBits(dst, v, width)
	}
	dst = append(dst, byte(narrow)|patchedBit)
	dst = binary.AppendUvarint(dst, zigzag(step))
	return appendPatched(dst, v, narrow)
}

func appendPatched(dst []byte, v []uint64, width uint) []byte {
	var highs [miniblock]uint64
	at, k := len(dst), 0
	dst = append(dst, 0)
	for i, x := range v {
		if high := x >> width; high != 0 {
			dst = append(dst, byte(i))
			highs[k] = high
			v[i] = x & (1<<width - 1)
			k++
		}
	}
	dst[at] = byte(k)
	dst = appendBits(dst, v, width)
	for _, high := range highs[:k] {
		dst = binary.AppendUvarint(dst, high)
	}
	return dst
}

func appendBits(dst []byte, v []uint64, width uint) []byte {
	if width == 0 {
		return dst
	}
	at, size := len(dst), packedBytes(len(v), width)
	dst = slices.Grow(dst, size+slack)
	pack(dst[at:at+size+slack], v, width)
	return dst[:at+size]
}

// patchedWidth is the width at which v is smallest when the values that need more are patched.
func patchedWidth(v []uint64, width uint) uint {
	if width < patchWidth {
		return width
	}
	large := uint64(0) // how many need one of the two highest bits
	for _, x := range v {
		large += min(x>>(width-2), 1)
	}
	if large*8 > uint64(len(v)) {
		return width
	}
	var count [65]int
	for _, x := range v {
		count[bits.Len64(x)]++
	}
	best, bestBits, patches := width, len(v)*int(width), 0
	for w := width; w > 0; w-- {
		patches += count[w]
		each := 8 + 8*((width-w+1+6)/7)
		if total := 8 + patches*int(each) + len(v)*int(w-1); total < bestBits {
			best, bestBits = w-1, total
		}
	}
	return best
}

// readMiniblock fills dst with offsets and returns the step of the reference.
func (c *cursor) readMiniblock(dst []uint64) (step uint64) {
	head := c.byte()
	width := uint(head &^ patchedBit)
	step = c.varint()
	if width > 64 {
		c.fail("a width of %d bits", width)
	}
	var places []byte
	if head&patchedBit != 0 {
		places = c.take(int(c.byte()))
	}
	c.readBits(dst, width)
	for i, p := range places {
		high := c.uvarint()
		if int(p) >= len(dst) || i > 0 && p <= places[i-1] {
			c.fail("patch %d at %d of %d values", i, p, len(dst))
		}
		if high == 0 || bits.Len64(high)+int(width) > 64 {
			c.fail("patch %#x above %d bits", high, width)
		}
		if c.err != nil {
			return 0
		}
		dst[p] |= high << width
	}
	return step
}

func (c *cursor) readBits(dst []uint64, width uint) {
	if width == 0 {
		clear(dst)
		return
	}
	size := packedBytes(len(dst), width)
	if size+slack <= len(c.b) {
		unpack(dst, c.b[:size+slack], width)
		c.b = c.b[size:]
		return
	}
	var end [miniblock*8 + slack]byte
	copy(end[:], c.take(size))
	if c.err == nil {
		unpack(dst, end[:], width)
	}
}
