package query

import (
	"slices"

	"github.com/gaplessdb/gapless/segment"
)

// traced is a stored row and where it lies.
type traced struct {
	found bool
	rec   segment.Record
	layer layer // nil: the newest head
}

// take is for what the newest head gives.
func (r *traced) take(row segment.Row, found bool) { r.rec.Row, r.found = row, found }

// row finds a row in the layers and reads it.
func (l *layers) row(t *target, seq uint64, cols segment.Columns) (r traced, err error) {
	holder, err := l.holder(t, seq)
	if holder == nil || err != nil {
		return r, err
	}
	return l.rowOf(holder, seq, cols)
}

// rowOf reads a row out of the layer that holds it.
func (l *layers) rowOf(holder layer, seq uint64, cols segment.Columns) (r traced, err error) {
	if err := l.g.ready(); err != nil {
		return r, err
	}
	span := segment.All()
	span.FirstSeq, span.LastSeq = seq, seq
	_, err = holder.scan(span, cols, func(one *segment.Record) bool {
		r = traced{found: true, rec: *one, layer: holder}
		r.rec.Fields = slices.Clone(one.Fields)
		return false
	})
	if f, ok := holder.(*fileLayer); ok && err == nil && !r.found {
		err = f.lost(seq)
	}
	return r, err
}

// beside finds the stored rows next to a number, where the layers have nearer ones than the newest head.
func (l *layers) beside(t *target, seq uint64, before, after *traced) error {
	list, err := l.of(t)
	if err != nil {
		return err
	}
	var lower, upper layer
	below, above := before.rec.Seq, after.rec.Seq
	for _, x := range list {
		if n, ok := x.below(seq); ok && (!before.found && lower == nil || n > below) {
			lower, below = x, n
		}
		if n, ok := x.above(seq); ok && (!after.found && upper == nil || n < above) {
			upper, above = x, n
		}
	}
	if lower != nil {
		if *before, err = l.rowOf(lower, below, segment.Columns{}); err != nil {
			return err
		}
	}
	if upper != nil {
		*after, err = l.rowOf(upper, above, segment.Columns{})
	}
	return err
}
