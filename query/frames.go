package query

import (
	"bytes"
	"math"

	"github.com/gaplessdb/gapless/segment"
)

// frames serves GET /v1/frames: the stored frames of one device, ordered by (stream, epoch, seq).
//
// All pages of one listing show one state, that of the first page: the cursor carries its index, and rows committed later are left
// out. Rows are never changed or removed from it, so the pages put together are exactly the answer that one large page would have been.
func (a *API) frames(r *request) error {
	p, err := a.newFramePage(r)
	if err != nil {
		return err
	}
	for !p.done {
		if err := a.view(r, p.collect); err != nil {
			return err
		}
	}
	if err := r.requireComplete(&p.completeness); err != nil {
		return err
	}
	return p.write()
}

// framePage collects one page. Its parts are filled under the lock and encoded outside of it.
type framePage struct {
	api    *API
	r      *request
	sel    selection
	span   segment.Span // by number and time
	limit  int
	ndjson bool

	asOf         AsOf // the state that all pages show
	completeness completeness
	resume       *cursor // where the page starts, nil for the first one

	targets []target // the epochs to read, in order; nil before the first View
	at      int      // the one at hand
	seq     uint64   // the next number of it
	rows    []found
	size    int // bytes of the rows' bodies
	more    bool
	done    bool
}

func (a *API) newFramePage(r *request) (*framePage, error) {
	r.cuts = true
	p := &framePage{api: a, r: r, ndjson: bytes.Contains(r.http.Request.Header.Peek("Accept"), []byte(ndjsonType))}
	var err error
	if p.sel, err = r.selection(); err != nil {
		return nil, err
	}
	if p.sel.device == "" {
		return nil, badParameter("device", "", "the name of one device, and it is required")
	}
	if p.span.FirstSeq, err = r.args.uint("from_seq", 0, math.MaxUint64); err != nil {
		return nil, err
	}
	if p.span.LastSeq, err = r.args.uint("to_seq", math.MaxUint64, math.MaxUint64); err != nil {
		return nil, err
	}
	if p.span.FirstSeq > p.span.LastSeq {
		return nil, badParameter("to_seq", r.args.text("to_seq"), "a number not below from_seq")
	}
	if p.span.FirstNS, p.span.LastNS, err = r.args.timeRange(); err != nil {
		return nil, err
	}
	if p.limit, err = a.limit(r); err != nil {
		return nil, err
	}
	if p.resume, err = r.cursor(); err != nil || p.resume == nil {
		return p, err
	}
	p.asOf = p.resume.asOf
	if p.resume.completeness == nil {
		return nil, badCursor("it carries no completeness")
	}
	p.completeness = *p.resume.completeness
	if at := p.asOf.position(); at.Compare(r.after) > 0 {
		r.after = at // another node may not be there yet
	}
	return p, nil
}

// collect copies rows out of one View, at most as many as the lock may be held for. It is called again until done.
func (p *framePage) collect(v *View) error {
	if p.targets == nil {
		if err := p.start(v); err != nil {
			return err
		}
	}
	if v.AsOf.History != p.asOf.History {
		return stateGone(p.asOf, v.AsOf)
	}
	budget := p.api.opt.LockRows
	for p.at < len(p.targets) && !p.more {
		if budget <= 0 {
			return p.r.expired()
		}
		t := &p.targets[p.at]
		span := p.span
		span.FirstSeq, span.Budget = max(span.FirstSeq, p.seq), budget
		looked, next, more := v.Head.Scan(t.id, t.key.ordinal, span, func(row *segment.Row) bool { return p.take(t, row) })
		budget -= looked
		switch {
		case p.more:
		case more:
			p.seq = next
		default:
			p.at, p.seq = p.at+1, 0
		}
	}
	p.done = true
	return nil
}

// start finds the epochs to read. They stay the same for the whole listing: what is created later holds only later frames.
func (p *framePage) start(v *View) error {
	if err := p.sel.exist(v); err != nil {
		return err
	}
	targets, err := p.sel.targets(v, p.api.opt.MaxStreams)
	if err != nil {
		return err
	}
	p.targets = targets
	if p.resume == nil {
		p.asOf = v.AsOf
		p.completeness, err = p.measure(v)
		return err
	}
	for p.at < len(targets) && targets[p.at].key.before(p.resume) {
		p.at++
	}
	if p.at < len(targets) && !targets[p.at].key.after(p.resume) {
		p.seq = p.resume.seq
	}
	return nil
}

// measure is the completeness of everything that the listing selects.
func (p *framePage) measure(v *View) (completeness, error) {
	var s sum
	whole := p.sel.epoch == 0 && p.span == segment.All()
	for i := range p.targets {
		if err := p.r.expired(); err != nil {
			return completeness{}, err
		}
		t := &p.targets[i]
		part, ok := completeness{}, false
		switch {
		case !whole:
			part, ok = ofRange(v, t, p.span)
		case t.key.ordinal == 1: // the stream as a whole, once
			part, ok = ofStream(v, t.id)
		}
		if ok {
			s.add(part)
		}
	}
	return s.result(), nil
}

// take copies the row, or marks it as the first one of the next page.
func (p *framePage) take(t *target, row *segment.Row) bool {
	if row.Index > p.asOf.Index {
		return true // committed after the state that this listing shows
	}
	if len(p.rows) == p.limit || p.size > p.api.opt.MaxAnswerBytes {
		p.more, p.seq = true, row.Seq
		return false
	}
	p.rows = append(p.rows, found{key: &t.key, row: *row})
	p.size += row.Body.Size()
	return true
}

// write encodes the page. A page that reaches the limit of bytes ends there, and its cursor goes on with the next row.
func (p *framePage) write() error {
	w := &p.r.w
	if p.ndjson {
		p.r.contentType = ndjsonType
	} else {
		w.open('{')
		w.key("frames")
		w.open('[')
	}
	written, err := p.r.writeFrames(p.rows, p.asOf.History, p.api.opt.MaxAnswerBytes, p.ndjson)
	if err != nil {
		return err
	}
	next := p.next(written)
	if p.ndjson {
		w.open('{')
	} else {
		w.close(']')
	}
	p.r.writeState(p.asOf, &p.completeness)
	w.next(next)
	w.close('}')
	if p.ndjson {
		w.newline()
	}
	return nil
}

// next is the cursor behind the written rows, nil when nothing follows.
func (p *framePage) next(written int) *cursor {
	c := &cursor{digest: p.r.digest, asOf: p.asOf, completeness: &p.completeness}
	switch {
	case written < len(p.rows):
		p.api.metrics.limited.WithLabelValues("query.max_answer_bytes").Inc()
		row := &p.rows[written]
		c.stream, c.epoch, c.seq = row.key.stream, row.key.ordinal, row.row.Seq
	case p.more:
		key := &p.targets[p.at].key
		c.stream, c.epoch, c.seq = key.stream, key.ordinal, p.seq
	default:
		return nil
	}
	return c
}
