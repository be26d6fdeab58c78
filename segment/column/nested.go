package column

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Encodings of integers that are made of two rows of integers.
//
//	IntRuns   │ count - 1 │ row: a value per run, neighbours differ   │ row: length of each run - 1       │
//	IntDict   │ count - 1 │ row: the distinct values, ascending       │ row: place of each value in there │
const (
	runsShare = 4 // runs are tried when there is at most one for so many values
	dictBits  = 3 // a dictionary is tried when a value takes more bits than this without one

	// In eighths of a bit: what an entry takes beside the bits that it saves in each value, and what a dictionary takes anyway.
	entryBits = 2 * 8
	dictBase  = 32 * 8 * 8
)

// appendNested tries runs and the dictionary against size, which is what the best view costs.
func (e *Encoder) appendNested(dst []byte, room *intRoom, o origin, size int) ([]byte, Encoding, bool) {
	if room.survey.runs*runsShare <= len(room.x) {
		if out := e.appendRuns(dst, room.x, o, room.survey.runs); len(out)-len(dst) < size {
			return out, IntRuns, true
		}
	}
	if size*8 > len(room.x)*dictBits {
		if out, ok := e.appendDict(dst, room, o); ok && len(out)-len(dst) < size {
			return out, IntDict, true
		}
	}
	return dst, 0, false
}

func (e *Encoder) appendRuns(dst []byte, x []uint64, o origin, count int) []byte {
	values := slices.Grow(e.first[:0], count)
	lengths := slices.Grow(e.second[:0], count)
	start := 0
	for i := 1; i <= len(x); i++ {
		if i == len(x) || x[i] != x[start] {
			values = append(values, o.value(x[start]))
			lengths = append(lengths, uint64(i-start-1))
			start = i
		}
	}
	e.first, e.second = values, lengths
	dst = binary.AppendUvarint(dst, uint64(len(values)-1))
	dst = appendRow(e, dst, values, bottom)
	return appendRow(e, dst, lengths, bottom)
}

// appendDict reports false where a dictionary would not pay.
func (e *Encoder) appendDict(dst []byte, room *intRoom, o origin) ([]byte, bool) {
	span := uint64(room.survey.high) - uint64(room.survey.low)
	if !e.numbers.collect(room.x, dictLimit, func(distinct int) bool { return sparse(span, distinct, len(room.x)) }) {
		return dst, false
	}
	entries, codes := e.dictionary(room.x)
	for i := range entries {
		entries[i] = o.value(entries[i])
	}
	dst = binary.AppendUvarint(dst, uint64(len(entries)-1))
	dst = appendRow(e, dst, entries, bottom)
	return appendRow(e, dst, codes, bottom), true
}

// sparse estimates whether codes of so many distinct values, in the stead of n values all over the span, save more than their list costs.
func sparse(span uint64, distinct, n int) bool {
	saved := log2(span) - log2(uint64(distinct))
	return n*saved > distinct*(saved+entryBits)+dictBase
}

// log2 is the logarithm in eighths of a bit, about.
func log2(v uint64) int {
	v |= 1
	l := bits.Len64(v)
	return (l-1)*8 + int(v<<(64-l)>>60&7)
}

// dictionary returns, from what was collected, the distinct values of x in ascending order, taken as signed, and each value's place among
// them.
func (e *Encoder) dictionary(x []uint64) (entries, codes []uint64) {
	e.first = append(e.first[:0], e.numbers.keys...)
	flipSigns(e.first)
	slices.Sort(e.first)
	flipSigns(e.first)
	for code, v := range e.first {
		e.numbers.recode(v, uint64(code))
	}
	e.second = slices.Grow(e.second[:0], len(x))[:len(x)]
	for i, v := range x {
		e.second[i] = e.numbers.code(v)
	}
	return e.first, e.second
}

// flipSigns maps signed order to unsigned order, and back.
func flipSigns(v []uint64) {
	for i := range v {
		v[i] ^= 1 << 63
	}
}

func readNested[T int64 | uint64](d *Decoder, c *cursor, dst []T, enc Encoding) {
	count := c.count(len(dst)-1, "entries less one") + 1
	d.first = slices.Grow(d.first[:0], count)[:count]
	readRow(d, c, d.first, bottom)
	if enc == IntDict {
		readRow(d, c, dst, bottom)
		lookUp(c, dst, d.first)
		return
	}
	d.second = slices.Grow(d.second[:0], count)[:count]
	readRow(d, c, d.second, bottom)
	if c.err == nil {
		readRuns(c, dst, d.first, d.second)
	}
}

// lookUp replaces codes by their entries.
func lookUp[T int64 | uint64](c *cursor, codes []T, entries []uint64) {
	if c.err != nil {
		return
	}
	for i, code := range codes {
		if uint64(code) >= uint64(len(entries)) {
			c.fail("code %d of %d", uint64(code), len(entries))
			return
		}
		codes[i] = T(entries[code])
	}
}

func readRuns[T int64 | uint64](c *cursor, dst []T, values, lengths []uint64) {
	for i, length := range lengths {
		if length >= uint64(len(dst)) {
			c.fail("a run of %d values more where %d are left", length, len(dst))
			return
		}
		run := dst[:length+1]
		for j := range run {
			run[j] = T(values[i])
		}
		dst = dst[len(run):]
	}
	if len(dst) > 0 {
		c.fail("%d values are in no run", len(dst))
	}
}
