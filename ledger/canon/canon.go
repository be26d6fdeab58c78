// Package canon writes and reads the numbers and texts that commands and checkpoints are made of: uvarints, zigzag varints and length-prefixed text.
// A shortest form is required, so equal content has equal bytes.
package canon

import "encoding/binary"

// AppendText appends a text behind its length.
func AppendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// AppendFlags packs up to 8 bools, the first in the lowest bit.
func AppendFlags(dst []byte, flags ...bool) []byte {
	b := byte(0)
	for i, f := range flags {
		if f {
			b |= 1 << i
		}
	}
	return append(dst, b)
}
