package query

import (
	"fmt"
	"sort"

	"github.com/gaplessdb/gapless/segment"
)

// layer is one place outside of the newest head where rows of one epoch lie: a sealed head or a segment. Neither ever changes.
type layer interface {
	// scan calls fn with the rows of the span in order, as segment.Head's Scan does. A record is valid until fn returns; the bytes that
	// its values refer to stay.
	scan(span segment.Span, cols segment.Columns, fn func(*segment.Record) bool) (segment.Scanned, error)

	// has, below and above know the stored numbers: this one, the next lower and the next higher one. They read no block.
	has(seq uint64) bool
	neighbours

	// overlaps is false when no row of the span can be here, and none of its numbers is below first.
	overlaps(span *segment.Span) bool
	first() uint64

	// since and until are the segment package's FirstSince and LastUntil.
	since(ns int64) (reach, error)
	until(ns int64) (reach, error)

	// point reads the times of a stored row. Points that are asked for in order cost less when it reads some rows ahead.
	point(seq uint64, ahead int) (point, error)
}

// reach is the first number of a layer that meets a condition of time, from one side, and the number just outside of it.
type reach struct {
	at, beside       uint64
	hasAt, hasBeside bool
}

// point is when a row was: by the device's clock, and where it is filed.
type point struct {
	seq             uint64
	timeNS, filedNS int64
}

func pointOf(row *segment.Row) point { return point{row.Seq, row.TimeNS, row.FiledNS()} }

// headLayer is a head. Of the newest one it may be used only under the lock.
type headLayer struct {
	g    *reading
	head *segment.Head
	t    *target
}

func (h *headLayer) scan(span segment.Span, _ segment.Columns, fn func(*segment.Record) bool) (s segment.Scanned, err error) {
	var rec segment.Record
	s.Rows, s.Next, s.More = h.head.Scan(h.t.id, h.t.key.ordinal, span, func(row *segment.Row) bool {
		rec.Row = *row
		return fn(&rec)
	})
	h.g.spend(s)
	return s, nil
}

func (h *headLayer) has(seq uint64) bool {
	_, ok := h.head.Get(h.t.id, h.t.key.ordinal, seq)
	return ok
}

func (h *headLayer) below(seq uint64) (uint64, bool) {
	row, ok := h.head.Before(h.t.id, h.t.key.ordinal, seq)
	return row.Seq, ok
}

func (h *headLayer) above(seq uint64) (uint64, bool) {
	row, ok := h.head.After(h.t.id, h.t.key.ordinal, seq)
	return row.Seq, ok
}

func (h *headLayer) overlaps(*segment.Span) bool { return true }
func (h *headLayer) first() uint64               { return 0 }

func (h *headLayer) since(ns int64) (r reach, err error) {
	r.at, r.beside, r.hasAt, r.hasBeside = h.head.FirstSince(h.t.id, h.t.key.ordinal, ns)
	return r, nil
}

func (h *headLayer) until(ns int64) (r reach, err error) {
	r.at, r.beside, r.hasAt, r.hasBeside = h.head.LastUntil(h.t.id, h.t.key.ordinal, ns)
	return r, nil
}

func (h *headLayer) point(seq uint64, _ int) (point, error) {
	row, _ := h.head.Get(h.t.id, h.t.key.ordinal, seq)
	return pointOf(&row), nil
}

// fileLayer is an epoch in a segment.
type fileLayer struct {
	g      *reading
	reader *segment.Reader
	t      *target
	epoch  segment.Epoch
	runs   runList // stored numbers
	ahead  []point // read by point, without a hole between them
}

func (f *fileLayer) scan(span segment.Span, cols segment.Columns, fn func(*segment.Record) bool) (segment.Scanned, error) {
	s, err := f.reader.Scan(&f.epoch, span, cols, fn)
	f.g.spend(s)
	return s, damagedSegment(f.reader.Info().Name, err)
}

func (f *fileLayer) has(seq uint64) bool             { return f.runs.has(seq) }
func (f *fileLayer) below(seq uint64) (uint64, bool) { return f.runs.below(seq) }
func (f *fileLayer) above(seq uint64) (uint64, bool) { return f.runs.above(seq) }

func (f *fileLayer) overlaps(span *segment.Span) bool {
	return f.epoch.FirstSeq <= span.LastSeq && f.epoch.LastSeq >= span.FirstSeq &&
		f.epoch.FirstNS <= span.LastNS && f.epoch.LastNS >= span.FirstNS
}

func (f *fileLayer) first() uint64 { return f.epoch.FirstSeq }

func (f *fileLayer) since(ns int64) (r reach, err error) {
	switch { // no block has to be looked into
	case f.epoch.FirstNS >= ns:
		return reach{at: f.epoch.FirstSeq, hasAt: true}, nil
	case f.epoch.LastNS < ns:
		return reach{beside: f.epoch.LastSeq, hasBeside: true}, nil
	}
	if err := f.g.ready(); err != nil {
		return r, err
	}
	f.g.blocks++ // that in which the time begins
	r.at, r.beside, r.hasAt, r.hasBeside, err = f.reader.FirstSince(&f.epoch, ns)
	return r, damagedSegment(f.reader.Info().Name, err)
}

func (f *fileLayer) until(ns int64) (r reach, err error) {
	switch {
	case f.epoch.LastNS <= ns:
		return reach{at: f.epoch.LastSeq, hasAt: true}, nil
	case f.epoch.FirstNS > ns:
		return reach{beside: f.epoch.FirstSeq, hasBeside: true}, nil
	}
	if err := f.g.ready(); err != nil {
		return r, err
	}
	f.g.blocks++
	r.at, r.beside, r.hasAt, r.hasBeside, err = f.reader.LastUntil(&f.epoch, ns)
	return r, damagedSegment(f.reader.Info().Name, err)
}

func (f *fileLayer) point(seq uint64, ahead int) (point, error) {
	if n := len(f.ahead); n == 0 || seq < f.ahead[0].seq || seq > f.ahead[n-1].seq {
		if err := f.look(seq, ahead); err != nil {
			return point{}, err
		}
	}
	i := sort.Search(len(f.ahead), func(i int) bool { return f.ahead[i].seq >= seq })
	if i == len(f.ahead) || f.ahead[i].seq != seq {
		return point{}, f.lost(seq)
	}
	return f.ahead[i], nil
}

// lost says that the segment's index names a number and its blocks have no row of it.
func (f *fileLayer) lost(seq uint64) error {
	return damagedSegment(f.reader.Info().Name, fmt.Errorf("query: it lists number %d of epoch %d of %s/%s, and no block has it: %w",
		seq, f.t.key.ordinal, f.t.key.device, f.t.key.stream, segment.ErrCorrupt))
}

// look reads the points from seq on.
func (f *fileLayer) look(seq uint64, count int) error {
	if err := f.g.ready(); err != nil {
		return err
	}
	f.ahead = f.ahead[:0]
	span := segment.All()
	span.FirstSeq, span.Budget = seq, count
	_, err := f.scan(span, segment.Columns{}, func(rec *segment.Record) bool {
		f.ahead = append(f.ahead, pointOf(&rec.Row))
		return true
	})
	return err
}
