package query

import (
	"fmt"
	"math"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

const (
	mergeRows   = 1024    // rows of a layer that are read ahead,
	mergeBytes  = 1 << 20 // or fewer when their values are large
	passNumbers = 16      // numbers that only one layer can have, for which it is not worth to read ahead
)

// merge yields the rows of one epoch out of several layers in order of their numbers. A layer is read only when its lowest possible
// number is next, so layers that follow each other are read one after the other, and the last ones perhaps never. As long as no other
// layer can have a row in between, rows go straight to the caller (pass); where layers overlap, some are read ahead (fill).
type merge struct {
	g       *reading
	span    segment.Span
	cols    segment.Columns
	asOf    uint64 // rows of later commits are left out
	rows    int    // how many are wanted at most
	budget  int    // how many may be looked at at once
	moved   bool   // something was given to the caller already: a limit may stop the merge before its first row
	cursors []*mergeCursor

	fn      func(*segment.Record) bool // takes a row, or is false and leaves it to the next page
	next    uint64                     // rows below are behind us
	given   int
	stopped bool // at next, by fn
	ended   bool // behind the last row
	err     error
}

// mergeCursor is the place in one layer.
type mergeCursor struct {
	layer  layer            // nil: all rows are in ahead
	next   uint64           // no row below it is still in the layer
	ended  bool             // no row is in the layer any more
	ahead  []segment.Record // read, and not yet given to the caller
	buffer []segment.Record // what ahead is a part of
	fields []frame.Field    // of the records in buffer
}

// wants reports whether a segment may hold rows of the merge.
func (m *merge) wants(i *segment.Info) bool {
	return i.FirstIndex <= m.asOf && i.FirstNS <= m.span.LastNS && i.LastNS >= m.span.FirstNS
}

// add puts a layer into the merge.
func (m *merge) add(x layer) {
	if x.overlaps(&m.span) {
		m.cursors = append(m.cursors, &mergeCursor{layer: x, next: max(m.span.FirstSeq, x.first())})
	}
}

// addRows puts in rows that were copied out of the newest head.
func (m *merge) addRows(rows []segment.Row) {
	c := &mergeCursor{ended: true, ahead: make([]segment.Record, len(rows))}
	for i := range rows {
		c.ahead[i].Row = rows[i]
	}
	m.cursors = append(m.cursors, c)
}

// bound is the number below which the cursor has nothing more to give.
func (c *mergeCursor) bound() uint64 {
	if len(c.ahead) > 0 {
		return c.ahead[0].Seq
	}
	return c.next
}

// lowest finds the cursor with the lowest bound, nil when all ended, and the lowest bound of the others. Of equal ones the cursor that has
// its row comes first: the row of the other has a higher number, because no two layers have the same.
func (m *merge) lowest() (low *mergeCursor, rival uint64) {
	rival = math.MaxUint64
	for _, c := range m.cursors {
		switch {
		case c.ended && len(c.ahead) == 0:
		case low == nil:
			low = c
		case c.bound() < low.bound() || c.bound() == low.bound() && len(c.ahead) > 0:
			low, rival = c, low.bound()
		default:
			rival = min(rival, c.bound())
		}
	}
	return low, rival
}

// run calls fn for every row in order until it returns false. It returns the number to go on with, and more is false when there is
// nothing left. A limit that is reached ends it like an fn that wants no more, but never before it came further than where it began.
func (m *merge) run(fn func(*segment.Record) bool) (next uint64, more bool, err error) {
	m.next, m.fn = m.span.FirstSeq, fn
	for !m.stopped && !m.ended {
		c, rival := m.lowest()
		if c == nil {
			return 0, false, nil
		}
		m.next = max(m.next, c.bound())
		switch {
		case len(c.ahead) > 0:
			for len(c.ahead) > 0 && c.ahead[0].Seq <= rival && m.give(&c.ahead[0]) {
				c.ahead = c.ahead[1:]
			}
		case m.g.spent() != nil && (m.moved || m.next > m.span.FirstSeq):
			return m.next, true, nil
		case rival-c.next >= passNumbers:
			m.pass(c, rival)
		default:
			m.fill(c)
		}
		if m.err == nil {
			m.err = m.g.ctx.Err()
		}
		if m.err != nil {
			return 0, false, m.err
		}
	}
	return m.next, m.stopped, nil
}

// give gives a row to the caller. It is false when the merge is to stop.
func (m *merge) give(rec *segment.Record) bool {
	if rec.Seq < m.next {
		m.err = fmt.Errorf("query: number %d came where %d or a higher one was due: two layers hold it", rec.Seq, m.next)
		return false
	}
	m.next = rec.Seq
	if m.stopped = !m.fn(rec); m.stopped {
		return false
	}
	m.next, m.moved = rec.Seq+1, true
	m.ended = m.next == 0 // it was the highest number there is
	if m.given++; m.given%deadlineEvery == 0 {
		m.err = m.g.ctx.Err()
	}
	return !m.ended && m.err == nil
}

// pass gives the rows of a layer straight to the caller, as far as no other layer can have one in between.
func (m *merge) pass(c *mergeCursor, rival uint64) {
	span := m.span
	span.FirstSeq, span.LastSeq, span.Budget = c.next, min(span.LastSeq, rival), m.budget
	s, err := c.layer.scan(span, m.cols, func(rec *segment.Record) bool { return rec.Index > m.asOf || m.give(rec) })
	if err != nil {
		m.err = err
	}
	switch {
	case s.More:
		c.next = s.Next
	case span.LastSeq == m.span.LastSeq:
		c.ended = true
	default:
		c.next = span.LastSeq + 1
		rest := m.span
		rest.FirstSeq = c.next
		c.ended = !c.layer.overlaps(&rest) // so that the next layer need not be read ahead for it
	}
}

// fill reads the next rows of a layer, perhaps none, and keeps them until their turn comes.
func (m *merge) fill(c *mergeCursor) {
	span := m.span
	span.FirstSeq, span.Budget = c.next, m.budget
	want, size := min(m.rows, mergeRows), 0
	c.buffer, c.fields = c.buffer[:0], c.fields[:0]
	s, err := c.layer.scan(span, m.cols, func(rec *segment.Record) bool {
		if rec.Index <= m.asOf {
			size += c.keep(rec)
		}
		return len(c.buffer) < want && size < mergeBytes
	})
	if err != nil {
		m.err = err
	}
	c.ahead, c.next, c.ended = c.buffer, s.Next, !s.More
}

// keep copies a record and returns how many bytes its values refer to.
func (c *mergeCursor) keep(rec *segment.Record) (size int) {
	start := len(c.fields)
	c.fields = append(c.fields, rec.Fields...) // a slice that it grows out of stays with the records that have it
	kept := *rec
	kept.Fields = c.fields[start:len(c.fields):len(c.fields)]
	c.buffer = append(c.buffer, kept)
	for i := range kept.Fields {
		size += len(kept.Fields[i].Value.Str)
	}
	return size + len(kept.Raw)
}
