package column

import (
	"encoding/binary"
	"math/bits"
)

// zigzag maps small integers of either sign to small unsigned ones.
func zigzag(v uint64) uint64 { return v<<1 ^ uint64(int64(v)>>63) }

func unzigzag(u uint64) uint64 { return u>>1 ^ -(u & 1) }

// uvarintLen is the bytes that binary.AppendUvarint takes for v.
func uvarintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

// cursor reads a payload from front to back. After the first fault everything reads as zero and err stays.
type cursor struct {
	b   []byte // what is left
	err error
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = corrupt(format, args...)
		c.b = nil
	}
}

func (c *cursor) byte() byte {
	if len(c.b) == 0 {
		c.fail("a byte is missing")
		return 0
	}
	x := c.b[0]
	c.b = c.b[1:]
	return x
}

func (c *cursor) uvarint() uint64 {
	x, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.fail("a number is cut off or too long in %d bytes", len(c.b))
		return 0
	}
	c.b = c.b[n:]
	return x
}

func (c *cursor) varint() uint64 { return unzigzag(c.uvarint()) }

// count reads a number that must not be larger than most.
func (c *cursor) count(most int, what string) int {
	x := c.uvarint()
	if x > uint64(most) {
		c.fail("%d %s, at most %d are possible", x, what, most)
		return 0
	}
	return int(x)
}

// take returns the next n bytes, which stay the payload's, or nil when there are fewer.
func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.fail("%d bytes are missing", n-len(c.b))
		return nil
	}
	x := c.b[:n:n]
	c.b = c.b[n:]
	return x
}

// done is the fault, or that something is left over.
func (c *cursor) done() error {
	if c.err == nil && len(c.b) > 0 {
		c.fail("%d bytes too many", len(c.b))
	}
	return c.err
}
