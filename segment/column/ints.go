package column

import (
	"encoding/binary"
	"slices"
)

// intRoom is the room for one row of integers on their way: distances from the first, in steps.
type intRoom struct {
	x      []uint64
	survey survey
}

// Depths of integer rows. A row at the bottom is part of another row: it is never made of rows itself.
const (
	top    = 0
	bottom = 1
)

// appendInts encodes v at the end of dst: the body alone, its encoding is the caller's to keep. v has at least one value.
func appendInts[T int64 | uint64](e *Encoder, dst []byte, v []T, depth int) ([]byte, Encoding) {
	room := &e.rooms[depth]
	base := origin{first: uint64(v[0]), step: 1}
	if constant := offsets(room, v); constant {
		return binary.AppendUvarint(dst, zigzag(base.first)), IntConst
	}
	base.step = divideStep(room.x)
	room.survey.take(room.x)
	view, size := room.survey.best()
	if depth == top {
		if out, enc, ok := e.appendNested(dst, room, base, size); ok {
			return out, enc
		}
	}
	return room.append(dst, base, view), viewEncodings[view]
}

func appendColumn[T int64 | uint64](e *Encoder, dst []byte, v []T) ([]byte, Encoding) {
	return appendInts(e, dst, v, top)
}

var viewEncodings = [views]Encoding{asFrame: IntFrame, asDelta: IntDelta, asDelta2: IntDelta2}

// appendRow is appendInts with the encoding in front: a row inside of another payload.
func appendRow[T int64 | uint64](e *Encoder, dst []byte, v []T, depth int) []byte {
	at := len(dst)
	dst, enc := appendInts(e, append(dst, 0), v, depth)
	dst[at] = byte(enc)
	return dst
}

// origin says how offsets become values again: first + step × offset, modulo 2^64.
type origin struct{ first, step uint64 }

func (o origin) value(offset uint64) uint64 { return o.first + o.step*offset }

// offsets copies v into the room as distances from its first value, and tells whether they are all 0. Taken as signed, distances are small
// for signed and unsigned values alike, and around an overflow.
func offsets[T int64 | uint64](room *intRoom, v []T) (constant bool) {
	room.x = slices.Grow(room.x[:0], len(v))[:len(v)]
	differ := uint64(0)
	for i, x := range v {
		d := uint64(x) - uint64(v[0])
		room.x[i] = d
		differ |= d
	}
	return differ == 0
}

// append writes the row in one view.
func (r *intRoom) append(dst []byte, o origin, view int) []byte {
	s := &r.survey
	dst = binary.AppendUvarint(dst, o.step)
	switch view {
	case asFrame:
		dst = binary.AppendUvarint(dst, zigzag(o.first))
	case asDelta:
		dst = binary.AppendUvarint(dst, zigzag(o.value(s.before)))
	case asDelta2:
		dst = binary.AppendUvarint(dst, zigzag(o.value(s.before)))
		dst = binary.AppendUvarint(dst, zigzag(s.delta))
	}
	former, prev, delta := uint64(0), s.before, s.delta
	var part [miniblock]uint64
	for block := 0; block*miniblock < len(r.x); block++ {
		n := copy(part[:], r.x[block*miniblock:])
		ref := s.ref[view][block]
		switch view {
		case asFrame:
			subtract(part[:n], ref)
		case asDelta:
			prev = deltas(part[:n], ref, prev)
		case asDelta2:
			prev, delta = deltas2(part[:n], ref, prev, delta)
		}
		dst = appendMiniblock(dst, part[:n], uint(s.width[view][block]), ref-former)
		former = ref
	}
	return dst
}

func subtract(v []uint64, ref uint64) {
	for i := range v {
		v[i] -= ref
	}
}

// deltas replaces each value by its distance from the one before it, less ref.
func deltas(v []uint64, ref, prev uint64) (last uint64) {
	for i, x := range v {
		v[i] = x - prev - ref
		prev = x
	}
	return prev
}

// deltas2 replaces each value by the change of that distance, less ref.
func deltas2(v []uint64, ref, prev, delta uint64) (last, lastDelta uint64) {
	for i, x := range v {
		d := x - prev
		v[i] = d - delta - ref
		prev, delta = x, d
	}
	return prev, delta
}
