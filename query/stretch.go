package query

import (
	"math"

	"github.com/gaplessdb/gapless/segment"
)

// place is a number of one of the page's targets.
type place struct {
	at  int
	seq uint64
}

// stretch is a piece of the listing whose rows all lie in one captured state: from the page's place to an end. The next stretch is
// of a later state, in which rows may have moved from layer to layer: what is before the end is not read again.
type stretch struct {
	layers *layers
	ask    []target        // what segments say of these and the time range has to be read first; then there is nothing else
	begins bool            // the listing begins, and
	parts  []*part         // this is its completeness
	rows   [][]segment.Row // of the newest head, by targets from the page's place on
	end    place
}

// collect takes out of one View what can be read only there: at most as many rows of the head as the page has room for or the lock may
// be held for.
func (p *framePage) collect(v *View, s *stretch) error {
	s.layers = p.r.reading.capture(v)
	if p.targets == nil {
		if err := p.start(v, s); err != nil || s.ask != nil {
			return err
		}
	}
	if v.AsOf.History != p.asOf.History {
		return stateGone(p.asOf, v.AsOf)
	}
	s.end = p.place
	budget, room := p.api.opt.LockRows, p.limit-p.r.rows+1 // one more, to know whether there is a next page
	for s.end.at < len(p.targets) && budget > 0 && room > 0 {
		t := &p.targets[s.end.at]
		span := p.span
		span.FirstSeq, span.Budget = max(span.FirstSeq, s.end.seq), budget
		var rows []segment.Row
		looked, next, more := v.Head.Scan(t.id, t.key.ordinal, span, func(row *segment.Row) bool {
			if row.Index <= p.asOf.Index { // later ones are not of the state that this listing shows
				rows = append(rows, *row)
				room--
			}
			return room > 0
		})
		budget -= looked
		p.r.reading.rows += looked
		s.rows = append(s.rows, rows)
		if s.end.seq = next; !more {
			s.end = place{at: s.end.at + 1}
		}
	}
	return nil
}

// start finds the epochs to read. They stay the same for the whole listing: what is created later holds only later frames.
func (p *framePage) start(v *View, s *stretch) error {
	if err := p.sel.exist(v); err != nil {
		return err
	}
	targets, err := p.sel.targets(v, p.api.opt.MaxStreams)
	if err != nil {
		return err
	}
	if p.resume != nil {
		p.targets = targets
		p.seek(p.resume)
		return nil
	}
	timed := p.span.FirstNS != math.MinInt64 || p.span.LastNS != math.MaxInt64
	if timed && len(targets) > 0 && len(v.Manifest.Segments()) > 0 && !p.windows.of(v.Manifest) {
		s.ask = targets
		return nil
	}
	p.targets, p.asOf, s.begins = targets, v.AsOf, true
	s.parts, err = p.measure(v)
	return err
}

// seek goes to where a cursor points.
func (p *framePage) seek(c *cursor) {
	for p.at < len(p.targets) && p.targets[p.at].key.before(c) {
		p.at++
	}
	if p.at < len(p.targets) && !p.targets[p.at].key.after(c) {
		p.seq = c.seq
	}
	p.first = p.place
}

// measure is the completeness of everything that the listing selects.
func (p *framePage) measure(v *View) (parts []*part, err error) {
	whole := p.sel.epoch == 0 && p.span == segment.All()
	for i := range p.targets {
		if err := p.r.expired(); err != nil {
			return nil, err
		}
		t := &p.targets[i]
		var one *part
		ok := false
		switch {
		case !whole:
			one, ok = ofRange(v, t, p.span, p.windows)
		case t.key.ordinal == 1: // the stream as a whole, once
			one, ok = ofStream(v, t.id, t.stream())
		}
		if ok {
			parts = append(parts, one)
		}
	}
	return parts, nil
}

// use writes the rows of a stretch, or reads what has to be known before there can be one.
func (p *framePage) use(s *stretch) (err error) {
	if s.ask != nil {
		p.windows, err = s.layers.windows(s.ask, p.span.FirstNS, p.span.LastNS)
		return err
	}
	if s.begins {
		if p.completeness, err = s.layers.total(s.parts); err != nil {
			return err
		}
	}
	if !p.begun {
		if err := p.begin(); err != nil {
			return err
		}
	}
	for i := 0; i < len(s.rows) && !p.more; i++ {
		if err := p.merge(s, s.rows[i]); err != nil {
			return err
		}
	}
	p.done = p.more || p.at == len(p.targets)
	return nil
}

// merge writes the rows of the target at hand, as far as the stretch reaches.
func (p *framePage) merge(s *stretch, rows []segment.Row) error {
	t := &p.targets[p.at]
	m := merge{
		g: &p.r.reading, span: p.span, cols: p.show.columns(), asOf: p.asOf.Index, rows: p.limit - p.r.rows + 1,
		budget: p.api.mergeBudget, moved: p.place != p.first,
	}
	m.span.FirstSeq = max(m.span.FirstSeq, p.seq)
	whole := p.at < s.end.at
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
	next, more, err := m.run(func(rec *segment.Record) bool { return p.write(t, rec) })
	switch {
	case err != nil:
		return err
	case more:
		p.seq, p.more = next, true
		if p.r.rows < p.limit {
			p.api.countLimit(p.r.reading.spent())
		}
	case whole:
		p.place = place{at: p.at + 1}
	default:
		p.place = s.end
	}
	return nil
}
