package frame

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
)

// Item is a frame whose values are still encoded.
type Item struct {
	Seq         uint64 // as on the wire, 0 when the group has no numbers
	TimeNS      int64  // device time, or the batch's receive time with NoTime
	NoTime      bool
	Class       Class
	Fingerprint uint32
	Body        Body
}

// Decode fills f with the whole frame and reuses its slices.
func (it *Item) Decode(f *Frame) {
	f.Seq, f.TimeNS, f.NoTime = it.Seq, it.TimeNS, it.NoTime
	f.Class, f.Fingerprint = it.Class, it.Fingerprint
	it.Body.Decode(f)
}

// Body is the encoded values and raw payload of one frame. It refers to the batch's bytes, and its shape to nothing else, so it lives as
// long as those bytes do. The zero Body has no fields and no raw payload.
type Body struct {
	data  []byte
	shape *Shape
}

// Shape is the names of the body's fields.
func (b Body) Shape() *Shape {
	if b.shape == nil {
		return emptyShape
	}
	return b.shape
}

// Size is the encoded size in bytes.
func (b Body) Size() int { return len(b.data) }

// Decode fills f.Fields and f.Raw, and nothing else. It reuses the slice of Fields; string and bytes values and Raw refer to the batch.
// A Raw of no bytes is nil.
func (b Body) Decode(f *Frame) {
	names := b.Shape().names
	fields := f.Fields[:0]
	if cap(fields) < len(names) {
		fields = make([]Field, 0, len(names))
	}
	fields = fields[:len(names)]
	i := 0
	for k := range fields {
		fields[k].Name = names[k]
		i = readValue(&fields[k].Value, b.data, i)
	}
	f.Fields = fields
	f.Raw = nil
	if i < len(b.data) {
		f.Raw = b.data[i:]
	}
}

// readValue decodes a validated value and returns the index after it.
func readValue(v *Value, b []byte, i int) int {
	tag := b[i]
	i++
	switch tag {
	case tagFloat:
		*v = Value{Kind: KindFloat, Num: binary.LittleEndian.Uint64(b[i:])}
		return i + 8
	case tagInt:
		n, i := varint(b, i)
		*v = Value{Kind: KindInt, Num: uint64(n)}
		return i
	case tagUint:
		n, i := uvarint(b, i)
		*v = Value{Kind: KindUint, Num: n}
		return i
	case tagFalse, tagTrue:
		*v = Value{Kind: KindBool, Num: uint64(tag - tagFalse)}
		return i
	case tagString, tagBytes:
		s, i := text(b, i)
		*v = Value{Kind: KindString + Kind(tag-tagString), Str: s}
		return i
	default:
		m, i := varint(b, i)
		scale := tag - tagDecimal
		num := math.Float64bits(float64(m) / pow10[scale])
		*v = Value{Kind: KindFloat, Decimal: true, Scale: scale, Num: num, Mantissa: m}
		return i
	}
}

// VerifyFingerprints recomputes every fingerprint and returns an *InvalidError at the first that differs. A client's fingerprints are
// claims: whoever takes a batch from outside calls this once. It does not disturb the iteration.
func (r *Reader) VerifyFingerprints() error {
	walk := Reader{b: r.b, header: r.header, table: r.table, names: r.names, ngroups: r.ngroups, groupsAt: r.groupsAt}
	walk.Rewind()
	var g Group
	var it Item
	for walk.NextGroup(&g) {
		for walk.Next(&it) {
			r.content = it.appendContent(r.content[:0])
			if fp := crc32.Update(it.Body.shape.crc, castagnoli, r.content); fp != it.Fingerprint {
				return invalid("bad_fingerprint", "the client computes fingerprints wrongly: update it",
					"frame %d of stream %d has fingerprint %08x, its content %08x", it.Seq, g.Stream, it.Fingerprint, fp)
			}
		}
	}
	return nil
}

// appendContent appends the canonical content after the names.
func (it *Item) appendContent(dst []byte) []byte {
	dst = appendContentHead(dst, it.Class, it.NoTime, it.TimeNS)
	var v Value
	i := 0
	for range it.Body.shape.names {
		i = readValue(&v, it.Body.data, i)
		dst = appendContentValue(dst, &v)
	}
	return append(dst, it.Body.data[i:]...)
}

// String is for messages about a test that fails.
func (b Body) String() string { return fmt.Sprintf("%v %x", b.Shape(), b.data) }
