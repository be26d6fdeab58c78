package query

import (
	"math"

	"github.com/gaplessdb/gapless/segment"
)

// frames serves GET /v1/frames: the stored frames of one device in pages, ordered by (stream, epoch, seq), or, in one of the formats
// that stream, all frames of many (export).
//
// All pages of one listing show one state, that of the first page: the cursor carries its index, and rows committed later are left
// out. Rows are never changed or removed from it, so the pages put together are exactly the answer that one large page would have been,
// whichever layers the rows moved through meanwhile.
func (a *API) frames(r *request) error {
	f, err := r.frameFormat()
	if err != nil {
		return err
	}
	if f.streams {
		return a.export(r, f)
	}
	p, err := a.newFramePage(r)
	if err != nil {
		return err
	}
	p.ndjson = f.name == formatNDJSON
	for !p.done {
		if err := p.stretch(); err != nil {
			return err
		}
	}
	return p.end()
}

// framePage is one page on its way into the answer.
type framePage struct {
	listing
	show   shown
	limit  int
	ndjson bool

	resume *cursor // where the page starts, nil for the first one
	frames frameWriter
	begun  bool // something is written
	done   bool
}

// newFramePage reads the parameters.
func (a *API) newFramePage(r *request) (*framePage, error) {
	r.cuts = true
	p := &framePage{listing: listing{walk: walk{api: a, r: r}}}
	var err error
	if p.sel, err = r.selection(); err != nil {
		return nil, err
	}
	if p.sel.device == "" {
		return nil, badParameter("device", "", "the name of one device, and it is required; format=ndjson, csv or arrow gives frames of many")
	}
	if p.span, err = r.span(); err != nil {
		return nil, err
	}
	if p.show, err = r.shown(); err != nil {
		return nil, err
	}
	p.cols = p.show.columns()
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

// span reads the range of numbers and times.
func (r *request) span() (s segment.Span, err error) {
	if s.FirstSeq, err = r.args.uint("from_seq", 0, math.MaxUint64); err != nil {
		return s, err
	}
	if s.LastSeq, err = r.args.uint("to_seq", math.MaxUint64, math.MaxUint64); err != nil {
		return s, err
	}
	if s.FirstSeq > s.LastSeq {
		return s, badParameter("to_seq", r.args.text("to_seq"), "a number not below from_seq")
	}
	s.FirstNS, s.LastNS, err = r.args.timeRange()
	return s, err
}

// stretch reads and writes one stretch of the page. The first is of the View that the page begins with.
func (p *framePage) stretch() error {
	var s stretch
	want := p.limit - p.r.rows + 1 // one more, to know whether there is a next page
	var err error
	switch {
	case p.begun:
		err = p.api.view(p.r, func(v *View) error { return p.collect(v, &s, want) })
	case p.resume == nil:
		err = p.start(func(v *View) error { return p.collect(v, &s, want) })
	default:
		err = p.api.view(p.r, func(v *View) error { return p.goOn(v, &s, want) })
	}
	if err != nil {
		return err
	}
	if !p.begun {
		if err := p.begin(); err != nil {
			return err
		}
	}
	if err := p.use(&s, want, p.write); err != nil {
		return err
	}
	if p.more && p.r.rows < p.limit {
		p.api.countLimit(p.r.reading.spent())
	}
	p.done = p.more || p.ended()
	return nil
}

// goOn finds the epochs again, and where the cursor points. They stay the same for the whole listing: what is created later holds only
// later frames.
func (p *framePage) goOn(v *View, s *stretch, want int) (err error) {
	if err := p.sel.exist(v); err != nil {
		return err
	}
	if p.targets, err = p.sel.targets(v, p.api.opt.MaxStreams); err != nil {
		return err
	}
	for p.at < len(p.targets) && p.targets[p.at].key.before(p.resume) {
		p.at++
	}
	if p.at < len(p.targets) && !p.targets[p.at].key.after(p.resume) {
		p.seq = p.resume.seq
	}
	p.first = p.place
	return p.collect(v, s, want)
}

// begin writes what stands before the frames.
func (p *framePage) begin() error {
	if err := p.r.requireComplete(&p.completeness); err != nil {
		return err
	}
	p.begun = true
	p.frames = frameWriter{history: p.asOf.History, show: p.show}
	if p.ndjson {
		p.r.contentType = ndjsonType
		return nil
	}
	p.r.w.open('{')
	p.r.w.key("frames")
	p.r.w.open('[')
	return nil
}

// write writes a frame, or leaves it to the next page.
func (p *framePage) write(t *target, rec *segment.Record) bool {
	if p.r.rows == p.limit || p.r.full(p.api) {
		return false
	}
	p.frames.write(&p.r.w, &t.key, rec)
	if p.ndjson {
		p.r.w.newline()
	}
	p.r.rows++
	return true
}

// end writes what stands behind the frames.
func (p *framePage) end() error {
	w := &p.r.w
	if p.ndjson {
		w.open('{')
	} else {
		w.close(']')
	}
	p.r.writeState(p.asOf, &p.completeness)
	p.r.reading.write(w)
	var next *cursor
	if p.more {
		key := &p.targets[p.at].key
		next = &cursor{
			digest: p.r.digest, asOf: p.asOf, completeness: &p.completeness, stream: key.stream, epoch: key.ordinal, seq: p.seq,
		}
	}
	w.next(next)
	w.close('}')
	if p.ndjson {
		w.newline()
	}
	return nil
}
