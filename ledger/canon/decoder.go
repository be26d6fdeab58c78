package canon

import (
	"encoding/binary"
	"fmt"
)

// Decoder reads what the append functions wrote. The first fault stops it: later reads give zero, and Err says what and where.
type Decoder struct {
	Src []byte
	At  int // what comes next
	Err error
}

// Fail notes a fault at the place at hand, unless there was one.
func (d *Decoder) Fail(format string, args ...any) {
	if d.Err == nil {
		d.Err = fmt.Errorf("byte %d: "+format, append([]any{d.At}, args...)...)
	}
}

// Uvarint is a number.
func (d *Decoder) Uvarint() uint64 {
	if d.Err != nil {
		return 0
	}
	if d.At < len(d.Src) && d.Src[d.At] < 0x80 { // most are short
		d.At++
		return uint64(d.Src[d.At-1])
	}
	v, n := binary.Uvarint(d.Src[d.At:])
	if n <= 0 || n > 1 && d.Src[d.At+n-1] == 0 {
		d.Fail("no valid number")
		return 0
	}
	d.At += n
	return v
}

// Varint is a number with a sign.
func (d *Decoder) Varint() int64 {
	v := d.Uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// Within is a number of at most limit.
func (d *Decoder) Within(what string, limit uint64) uint64 {
	v := d.Uvarint()
	if v > limit {
		d.Fail("%s is %d, the limit is %d", what, v, limit)
		return 0
	}
	return v
}

// Byte is one byte.
func (d *Decoder) Byte() byte {
	if d.Err == nil && d.At == len(d.Src) {
		d.Fail("ends too early")
	}
	if d.Err != nil {
		return 0
	}
	d.At++
	return d.Src[d.At-1]
}

// Flags is one byte of which only the lowest count bits may be set.
func (d *Decoder) Flags(count int) byte {
	f := d.Byte()
	if f>>count != 0 {
		d.Fail("flags %#x, only %d bits are known", f, count)
	}
	return f
}

// Text is a text of at most limit bytes.
func (d *Decoder) Text(limit int) string { return string(d.Raw(limit)) }

// Raw is the bytes of such a text where they are.
func (d *Decoder) Raw(limit int) []byte {
	n := d.Within("length", uint64(limit))
	if d.Err == nil && n > uint64(len(d.Src)-d.At) {
		d.Fail("text of %d bytes, %d are left", n, len(d.Src)-d.At)
	}
	if d.Err != nil {
		return nil
	}
	d.At += int(n)
	return d.Src[d.At-int(n) : d.At]
}

// End reports the first fault, bytes that are left over among them.
func (d *Decoder) End() error {
	if d.Err == nil && d.At != len(d.Src) {
		d.Fail("%d bytes follow the end", len(d.Src)-d.At)
	}
	return d.Err
}
