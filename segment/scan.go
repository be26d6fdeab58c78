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
	first, some := e.firstSince(fromNS)
	last, any := e.lastUntil(toNS)
	return first, last, some && any && first <= last
}

// firstSince is one more than the number of the row before the first one filed at or after ns. It is false when even the highest
// number there is has a row, and that is filed before.
func (e *epoch) firstSince(ns int64) (uint64, bool) {
	var before *Row
	for _, c := range e.chunks {
		if c.maxNS < ns {
			before = &c.rows[len(c.rows)-1]
			continue
		}
		for i := range c.rows {
			if c.rows[i].FiledNS() >= ns {
				return above(before), true
			}
			before = &c.rows[i]
		}
	}
	return above(before), before.Seq < math.MaxUint64
}

// above is the number after the row's, 0 for none.
func above(row *Row) uint64 {
	if row == nil {
		return 0
	}
	return row.Seq + 1
}

// lastUntil is one less than the number of the row after the last one filed at or before ns. It is false when number 0 has a row, and
// that is filed after.
func (e *epoch) lastUntil(ns int64) (uint64, bool) {
	var after *Row
	for n := len(e.chunks) - 1; n >= 0; n-- {
		c := e.chunks[n]
		if c.minNS > ns {
			after = &c.rows[0]
			continue
		}
		for i := len(c.rows) - 1; i >= 0; i-- {
			if c.rows[i].FiledNS() <= ns {
				return below(after), true
			}
			after = &c.rows[i]
		}
	}
	return below(after), after.Seq > 0
}

// below is the number before the row's, the highest there is for none.
func below(row *Row) uint64 {
	if row == nil {
		return math.MaxUint64
	}
	return row.Seq - 1
}
