package slowreader

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

var (
	// ErrDamaged is found in the error of every file that is not what the documents say.
	ErrDamaged = errors.New("damaged")
	// ErrVersion is found in the error of a file that may be fine, and that a later version wrote.
	ErrVersion = errors.New("of a version that this reader does not know")
)

// input reads bytes from front to back. The first fault stays, and whatever is read after it is zero: so a caller may read a whole
// structure and look for a fault once, if it bounds its loops.
type input struct {
	rest []byte
	err  error
}

func (in *input) fail(format string, args ...any) {
	if in.err == nil {
		in.err = fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
	}
}

// take returns the next n bytes, or nil where there are fewer.
func (in *input) take(n uint64) []byte {
	if in.err == nil && n > uint64(len(in.rest)) {
		in.fail("%d bytes are wanted and %d are left", n, len(in.rest))
	}
	if in.err != nil {
		return nil
	}
	taken := in.rest[:n:n]
	in.rest = in.rest[n:]
	return taken
}

// fixed returns the next n bytes, zeros where they are missing.
func (in *input) fixed(n int) []byte {
	if b := in.take(uint64(n)); b != nil {
		return b
	}
	return make([]byte, n)
}

func (in *input) u8() byte    { return in.fixed(1)[0] }
func (in *input) u16() uint16 { return binary.LittleEndian.Uint16(in.fixed(2)) }
func (in *input) u32() uint32 { return binary.LittleEndian.Uint32(in.fixed(4)) }
func (in *input) u64() uint64 { return binary.LittleEndian.Uint64(in.fixed(8)) }

func (in *input) uvarint() uint64 {
	if in.err != nil {
		return 0
	}
	x, n := binary.Uvarint(in.rest)
	if n <= 0 {
		in.fail("a uvarint has no end within 10 bytes and 64 bits")
		return 0
	}
	in.rest = in.rest[n:]
	return x
}

// shortest reads a uvarint that has no byte too many.
func (in *input) shortest() uint64 {
	before := in.rest
	x := in.uvarint()
	if n := len(before) - len(in.rest); in.err == nil && n > 1 && before[n-1] == 0 {
		in.fail("%d is written in %d bytes, and needs fewer", x, n)
	}
	return x
}

// varint undoes the zigzag: 0, 1, 2, 3, 4 are 0, -1, 1, -2, 2.
func (in *input) varint() int64 { return unzigzag(in.uvarint()) }

func unzigzag(x uint64) int64 { return int64(x>>1) ^ -int64(x&1) }

// text is a uvarint length and that many bytes.
func (in *input) text() string { return string(in.take(in.uvarint())) }

// count reads a uvarint that has to be at most limit.
func (in *input) count(what string, limit int) int {
	n := in.uvarint()
	if n > uint64(limit) {
		in.fail("%d %s, at most %d are possible", n, what, limit)
		return 0
	}
	return int(n)
}

// end reports the first fault, or that bytes are left over.
func (in *input) end() error {
	if in.err == nil && len(in.rest) > 0 {
		in.fail("%d bytes are left over", len(in.rest))
	}
	return in.err
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is the CRC32C of all parts, one behind the other.
func checksum(parts ...[]byte) uint32 {
	var sum uint32
	for _, part := range parts {
		sum = crc32.Update(sum, castagnoli, part)
	}
	return sum
}

// damaged makes an error of what a file says and what it should say.
func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}
