package column

import "encoding/binary"

// slack is how many bytes pack may write, and unpack may read, behind the last one that counts.
const slack = 8

// packedBytes is the room that n values of width bits take.
func packedBytes(n int, width uint) int { return (n*int(width) + 7) / 8 }

// pack writes the low width bits of each value, the first value in the lowest bits of the first byte. No value may have higher bits.
// dst must be packedBytes + slack long. It may change v.
func pack(dst []byte, v []uint64, width uint) {
	for width <= 28 && len(v)%2 == 0 { // two neighbours are one value of twice the width, and their bytes are the same
		for i := range len(v) / 2 {
			v[i] = v[2*i] | v[2*i+1]<<width
		}
		v, width = v[:len(v)/2], 2*width
	}
	if width > 56 {
		packWide(dst, v, width)
		return
	}
	var word uint64 // bits not yet written, from the lowest; fewer than 8 after each value
	var have uint
	at := 0
	for _, x := range v {
		word |= x << have
		have += width
		binary.LittleEndian.PutUint64(dst[at:], word)
		at += int(have >> 3)
		word >>= have &^ 7
		have &= 7
	}
}

// packWide is pack for more than 56 bits: it writes whole words.
func packWide(dst []byte, v []uint64, width uint) {
	var word uint64
	var have uint
	at := 0
	for _, x := range v {
		word |= x << have
		if have+width < 64 {
			have += width
			continue
		}
		binary.LittleEndian.PutUint64(dst[at:], word)
		at += 8
		word = x >> (64 - have)
		have += width - 64
	}
	binary.LittleEndian.PutUint64(dst[at:], word)
}

// unpack is the inverse: it fills dst. src must be packedBytes + slack long.
func unpack(dst []uint64, src []byte, width uint) {
	mask := uint64(1)<<width - 1
	bit := uint(0)
	if width <= 57 {
		if width <= 14 { // four values lie in one word
			for ; len(dst) >= 4; dst = dst[4:] {
				word := binary.LittleEndian.Uint64(src[bit>>3:]) >> (bit & 7)
				dst[0], dst[1], dst[2], dst[3] = word&mask, word>>width&mask, word>>(2*width)&mask, word>>(3*width)&mask
				bit += 4 * width
			}
		}
		for i := range dst {
			dst[i] = binary.LittleEndian.Uint64(src[bit>>3:]) >> (bit & 7) & mask
			bit += width
		}
		return
	}
	for i := range dst {
		at, low := bit>>3, bit&7
		high := uint64(src[at+8]) << (64 - low) // all gone when low is 0
		dst[i] = (binary.LittleEndian.Uint64(src[at:])>>low | high) & mask
		bit += width
	}
}
