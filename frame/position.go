package frame

import (
	"cmp"
	"encoding/base32"
	"encoding/binary"
)

// Position is where a frame was committed. History counts bootstraps and restores, Index is the Raft index, Ordinal the frame's place
// in that entry from 0. The zero Position is before every frame.
type Position struct {
	History uint64
	Index   uint64
	Ordinal uint32
}

const positionBytes = 8 + 8 + 4

// The extended-hex alphabet keeps the order of the bytes, and 20 bytes fill 32 characters without padding.
var positionText = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// String is the opaque text given to clients: 32 characters whose order as text is the order of positions.
func (p Position) String() string {
	var b [positionBytes]byte
	binary.BigEndian.PutUint64(b[0:], p.History)
	binary.BigEndian.PutUint64(b[8:], p.Index)
	binary.BigEndian.PutUint32(b[16:], p.Ordinal)
	return positionText.EncodeToString(b[:])
}

// ParsePosition reads what String wrote, and nothing that merely resembles it. The error is an *InvalidError.
func ParsePosition(s string) (Position, error) {
	var b [positionBytes]byte
	if len(s) == positionText.EncodedLen(positionBytes) {
		_, _ = positionText.Decode(b[:], []byte(s)) // what does not decode does not come out as s again
	}
	p := Position{
		History: binary.BigEndian.Uint64(b[0:]),
		Index:   binary.BigEndian.Uint64(b[8:]),
		Ordinal: binary.BigEndian.Uint32(b[16:]),
	}
	if p.String() != s {
		return Position{}, invalid("bad_position", "pass a position exactly as an answer gave it", "%.40q is not a position", s)
	}
	return p, nil
}

// Compare orders positions as they were committed: -1, 0 or +1.
func (p Position) Compare(o Position) int {
	return cmp.Or(cmp.Compare(p.History, o.History), cmp.Compare(p.Index, o.Index), cmp.Compare(p.Ordinal, o.Ordinal))
}

// IsZero reports whether p is the position before every frame.
func (p Position) IsZero() bool { return p == Position{} }
