package segment

import (
	"math"

	"github.com/gaplessdb/gapless/frame"
)

// Span selects rows of one epoch. Ranges are inclusive.
type Span struct {
	FirstSeq, LastSeq uint64
	FirstNS, LastNS   int64 // of Row.FiledNS
	Budget            int   // how many rows one call may look at; 0: no limit
}

// All selects every row.
func All() Span {
	return Span{LastSeq: math.MaxUint64, FirstNS: math.MinInt64, LastNS: math.MaxInt64}
}

// Range calls fn for every row with fromSeq <= seq <= toSeq in order, until fn returns false.
func (h *Head) Range(id frame.StreamID, ordinal uint32, fromSeq, toSeq uint64, fn func(*Row) bool) {
	span := All()
	span.FirstSeq, span.LastSeq = fromSeq, toSeq
	h.Scan(id, ordinal, span, fn)
}

// Scan calls fn for every row of the span in order, until fn returns false or the budget is used up. Chunks whose times cannot match
// are skipped unread. It returns how many rows it looked at, and where it has to go on: more is false when the span is exhausted,
// otherwise next is the first number that fn has not seen (one on which fn returned false has been seen).
func (h *Head) Scan(id frame.StreamID, ordinal uint32, span Span, fn func(*Row) bool) (looked int, next uint64, more bool) {
	e := h.find(id, ordinal)
	if e == nil {
		return 0, 0, false
	}
	i, at := e.seek(span.FirstSeq)
	for ; i < len(e.chunks); i, at = i+1, 0 {
		c := e.chunks[i]
		if c.maxNS < span.FirstNS || c.minNS > span.LastNS {
			if c.last() >= span.LastSeq {
				return looked, 0, false
			}
			continue
		}
		for ; at < len(c.rows); at++ {
			row := &c.rows[at]
			if row.Seq > span.LastSeq {
				return looked, 0, false
			}
			if span.Budget > 0 && looked == span.Budget {
				return looked, row.Seq, true
			}
			looked++
			if ns := row.FiledNS(); ns < span.FirstNS || ns > span.LastNS {
				continue
			}
			if !fn(row) {
				return looked, row.Seq + 1, row.Seq < span.LastSeq // no overflow: LastSeq is above
			}
		}
	}
	return looked, 0, false
}

// Window returns the numbers between which every frame of a time range lies, stored or missing: all rows below first are filed before
// fromNS, and all rows above last are filed after toNS. Where no row bounds it, first is 0 and last the highest number there is. Rows
// inside may lie outside of the time range where device times do not ascend. It is false when no number can lie in the range.
func (h *Head) Window(id frame.StreamID, ordinal uint32, fromNS, toNS int64) (first, last uint64, ok bool) {
	if fromNS > toNS {
		return 0, 0, false
	}
	e := h.find(id, ordinal)
	if e == nil {
		return 0, math.MaxUint64, true
	}
	return window(numbersOf(e.firstSince(fromNS)), numbersOf(e.lastUntil(toNS)))
}

// bound is a row that meets a condition and the one just outside of it.
type bound struct {
	at, beside       uint64
	hasAt, hasBeside bool
}

// window turns the first row since a time and the last one until a time into the numbers between which everything of that time lies.
// It is false when no number can: even the highest number there is has a row and is filed before, or number 0 has one and is filed after.
func window(since, until bound) (first, last uint64, ok bool) {
	last = math.MaxUint64
	if since.hasBeside {
		if since.beside == math.MaxUint64 {
			return 0, 0, false
		}
		first = since.beside + 1
	}
	if until.hasBeside {
		if until.beside == 0 {
			return 0, 0, false
		}
		last = until.beside - 1
	}
	return first, last, first <= last
}

func numbersOf(row, beside *Row) (b bound) {
	if row != nil {
		b.at, b.hasAt = row.Seq, true
	}
	if beside != nil {
		b.beside, b.hasBeside = beside.Seq, true
	}
	return b
}

// firstSince returns the first row filed at or after ns, and the row before it.
func (e *epoch) firstSince(ns int64) (at, before *Row) {
	for _, c := range e.chunks {
		if c.maxNS < ns {
			before = &c.rows[len(c.rows)-1]
			continue
		}
		for i := range c.rows {
			if c.rows[i].FiledNS() >= ns {
				return &c.rows[i], before
			}
			before = &c.rows[i]
		}
	}
	return nil, before
}

// lastUntil returns the last row filed at or before ns, and the row after it.
func (e *epoch) lastUntil(ns int64) (at, after *Row) {
	for n := len(e.chunks) - 1; n >= 0; n-- {
		c := e.chunks[n]
		if c.minNS > ns {
			after = &c.rows[0]
			continue
		}
		for i := len(c.rows) - 1; i >= 0; i-- {
			if c.rows[i].FiledNS() <= ns {
				return &c.rows[i], after
			}
			after = &c.rows[i]
		}
	}
	return nil, after
}

// FirstSince is the lowest number of the epoch filed at or after ns (at), and the highest below it (before). Without one, before is the
// highest number of all.
//
// Layers of one epoch (heads and segments) combine: the first number since ns is the lowest at, and the row before it is the highest of
// those befores that lie below it; a layer whose before lies above it must be asked with Before.
func (h *Head) FirstSince(id frame.StreamID, ordinal uint32, ns int64) (at, before uint64, hasAt, hasBefore bool) {
	e := h.find(id, ordinal)
	if e == nil {
		return 0, 0, false, false
	}
	b := numbersOf(e.firstSince(ns))
	return b.at, b.beside, b.hasAt, b.hasBeside
}

// LastUntil is the highest number of the epoch filed at or before ns (at), and the lowest above it (after). Without one, after is the
// lowest number of all. Layers combine as for FirstSince.
func (h *Head) LastUntil(id frame.StreamID, ordinal uint32, ns int64) (at, after uint64, hasAt, hasAfter bool) {
	e := h.find(id, ordinal)
	if e == nil {
		return 0, 0, false, false
	}
	b := numbersOf(e.lastUntil(ns))
	return b.at, b.beside, b.hasAt, b.hasBeside
}
