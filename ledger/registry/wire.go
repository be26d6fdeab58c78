package registry

import (
	"encoding/binary"
	"fmt"
)

// A checkpoint is made of uvarints, zigzag varints and length-prefixed text. A shortest form is required, so equal content has equal bytes.

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// decoder reads what the append functions wrote. The first fault stops it: later reads give zero, and err says what and where.
type decoder struct {
	b   []byte
	at  int
	err error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("byte %d: "+format, append([]any{d.at}, args...)...)
	}
}

func (d *decoder) uvarint() uint64 {
	if d.err != nil {
		return 0
	}
	if d.at < len(d.b) && d.b[d.at] < 0x80 { // most are short
		d.at++
		return uint64(d.b[d.at-1])
	}
	v, n := binary.Uvarint(d.b[d.at:])
	if n <= 0 || n > 1 && d.b[d.at+n-1] == 0 {
		d.fail("no valid number")
		return 0
	}
	d.at += n
	return v
}

func (d *decoder) varint() int64 {
	v := d.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

func (d *decoder) within(what string, limit uint64) uint64 {
	v := d.uvarint()
	if v > limit {
		d.fail("%s is %d, the limit is %d", what, v, limit)
		return 0
	}
	return v
}

// flags is one byte of which only the lowest count bits may be set.
func (d *decoder) flags(count int) byte {
	if d.err == nil && d.at == len(d.b) {
		d.fail("ends too early")
	}
	if d.err != nil {
		return 0
	}
	f := d.b[d.at]
	if d.at++; f>>count != 0 {
		d.fail("flags %#x, only %d bits are known", f, count)
	}
	return f
}

func (d *decoder) text(limit int) string { return string(d.raw(limit)) }

// raw is the bytes of a text where they are.
func (d *decoder) raw(limit int) []byte {
	n := d.within("length", uint64(limit))
	if d.err == nil && n > uint64(len(d.b)-d.at) {
		d.fail("text of %d bytes, %d are left", n, len(d.b)-d.at)
	}
	if d.err != nil {
		return nil
	}
	d.at += int(n)
	return d.b[d.at-int(n) : d.at]
}
