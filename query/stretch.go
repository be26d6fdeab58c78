package query

import (
	"github.com/gaplessdb/gapless/segment"
)

// place is a number of one of a walk's targets.
type place struct {
	at  int
	seq uint64
}

// walk reads the stored rows of some epochs in order, as they are in one state, however long that takes: rows committed after it are left
// out, and rows of it are never changed or removed, whichever layers they move through meanwhile.
//
// It goes in stretches, each of which reads a later state than the one before, under the lock no longer than for query.lock_rows.
type walk struct {
	api     *API
	r       *request
	span    segment.Span // by number and time
	cols    segment.Columns
	asOf    AsOf // the state
	targets []target

	manifest *segment.Manifest // of the last stretch
	first    place             // where it began
	place                      // the next row to read
	more     bool              // it stopped at a limit, or because nobody takes the next row, before the end
}

// stretch is a piece of a walk whose rows all lie in one captured state: from the walk's place to an end. In the next one rows may have
// moved from layer to layer: what is before the end is not read again.
type stretch struct {
	layers *layers
	rows   [][]segment.Row // of the newest head, by targets from the walk's place on
	end    place
}

// taker takes the rows of a walk. The record is valid until it returns. It is false when it leaves the row for later.
type taker func(*target, *segment.Record) bool

func (w *walk) ended() bool { return w.at == len(w.targets) }

// step walks one stretch. At most want rows are wanted.
func (w *walk) step(want int, take taker) error {
	var s stretch
	if err := w.api.view(w.r, func(v *View) error { return w.collect(v, &s, want) }); err != nil {
		return err
	}
	return w.use(&s, want, take)
}

// collect takes out of one View what can be read only there: at most as many rows of the head as are wanted or the lock may be held for.
func (w *walk) collect(v *View, s *stretch, want int) error {
	if v.AsOf.History != w.asOf.History {
		return stateGone(w.asOf, v.AsOf)
	}
	s.layers, s.end, w.manifest = w.r.reading.capture(v), w.place, v.Manifest
	for budget := w.api.opt.LockRows; s.end.at < len(w.targets) && budget > 0 && want > 0; {
		t := &w.targets[s.end.at]
		span := w.span
		span.FirstSeq, span.Budget = max(span.FirstSeq, s.end.seq), budget
		var rows []segment.Row
		looked, next, more := v.Head.Scan(t.id, t.key.ordinal, span, func(row *segment.Row) bool {
			if row.Index <= w.asOf.Index { // later ones are not of this state
				rows = append(rows, *row)
				want--
			}
			return want > 0
		})
		budget -= max(looked, 1)
		w.r.reading.rows += looked
		s.rows = append(s.rows, rows)
		if s.end.seq = next; !more {
			s.end = place{at: s.end.at + 1}
		}
	}
	return nil
}

// use reads the rest of the stretch and gives its rows away.
func (w *walk) use(s *stretch, want int, take taker) error {
	given := 0
	for i := 0; i < len(s.rows) && !w.more; i++ {
		err := w.merge(s, s.rows[i], want-given, func(t *target, rec *segment.Record) bool {
			ok := take(t, rec)
			if ok {
				given++
			}
			return ok
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// merge gives the rows of the target at hand, as far as the stretch reaches.
func (w *walk) merge(s *stretch, rows []segment.Row, want int, take taker) error {
	t := &w.targets[w.at]
	m := merge{
		g: &w.r.reading, span: w.span, cols: w.cols, asOf: w.asOf.Index, rows: want, budget: w.api.mergeBudget, moved: w.place != w.first,
	}
	m.span.FirstSeq = max(m.span.FirstSeq, w.seq)
	whole := w.at < s.end.at
	if !whole {
		m.span.LastSeq = min(m.span.LastSeq, s.end.seq-1) // it ends behind a row, so its number is above 0
	}
	m.addRows(rows)
	err := s.layers.each(t, m.wants, func(x layer) (bool, error) {
		m.add(x)
		return true, nil
	})
	if err != nil {
		return err
	}
	next, more, err := m.run(func(rec *segment.Record) bool { return take(t, rec) })
	switch {
	case err != nil:
		return err
	case more:
		w.seq, w.more = next, true
	case whole:
		w.place = place{at: w.at + 1}
	default:
		w.place = s.end
	}
	return nil
}
