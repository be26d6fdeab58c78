package query

import (
	"fmt"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// latest serves GET /v1/latest: of every selected stream the frame with the highest (epoch, number), whatever arrived last. Streams
// without frames are left out. Every page shows the state of its own as_of.
func (a *API) latest(r *request) error {
	r.cuts = true
	p := &latestPage{api: a, r: r}
	var err error
	if p.sel, err = r.manySelection(); err != nil {
		return err
	}
	if p.limit, err = a.limit(r); err != nil {
		return err
	}
	c, err := r.cursor()
	if err != nil {
		return err
	}
	if c != nil {
		p.device, p.stream = c.device, c.stream
	}
	if err := a.view(r, p.collect); err != nil {
		return err
	}
	return p.write()
}

// latestPage is one page, chosen in one View, read and written outside of it.
type latestPage struct {
	api            *API
	r              *request
	sel            selection
	limit          int
	device, stream string // the last stream that was looked at

	asOf   AsOf
	layers *layers
	rows   []newest
	more   bool
}

// newest is the newest frame of a stream.
type newest struct {
	target
	seq    uint64
	part   *part          // the stream's completeness
	inHead bool           // of the newest head,
	rec    segment.Record // and then this is it
}

// collect looks at no more streams than the largest page has rows. Where that many have no frames, the page is short and its cursor
// goes on.
func (p *latestPage) collect(v *View) error {
	p.asOf, p.layers = v.AsOf, p.r.reading.capture(v)
	if err := p.sel.exist(v); err != nil {
		return err
	}
	budget := p.api.opt.MaxPageRows
	p.sel.each(v, p.device, p.stream, func(id frame.StreamID, key frame.StreamKey) bool {
		if budget == 0 || len(p.rows) == p.limit {
			p.more = true
			return false
		}
		budget--
		p.device, p.stream = key.Device, key.Stream
		if ordinal, seq, ok := v.Ledger.HighestStored(id); ok {
			n := newest{target: targetOf(v, id, key, ordinal), seq: seq}
			n.part, _ = ofStream(v, id, key)
			n.rec.Row, n.inHead = v.Head.Get(id, ordinal, seq)
			p.rows = append(p.rows, n)
		}
		return true
	})
	return nil
}

// write encodes the page, or as much of it as the limit of bytes allows. What is complete is told of the streams that are on it.
func (p *latestPage) write() error {
	w := &p.r.w
	w.open('{')
	w.key("frames")
	w.open('[')
	frames := frameWriter{history: p.asOf.History}
	var total sum
	written := 0
	for ; written < len(p.rows) && !p.r.full(p.api); written++ {
		n := p.rows[written] // a copy, so that no more than one frame's values are held
		if err := p.read(&n); err != nil {
			return err
		}
		frames.write(w, &n.key, &n.rec)
		total.add(n.part.completeness)
		p.r.rows++
	}
	w.close(']')
	c := total.result()
	if err := p.r.requireComplete(&c); err != nil {
		return err
	}
	p.r.writeState(p.asOf, &c)
	w.next(p.next(written))
	w.close('}')
	return nil
}

// read finds the frame where the newest head did not have it, and how far its stream is complete.
func (p *latestPage) read(n *newest) error {
	if err := p.r.expired(); err != nil {
		return err
	}
	if !n.inHead {
		found, err := p.layers.get(&n.target, n.seq, &n.rec)
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("query: number %d of epoch %d of %s/%s is stored and in no head and no segment",
				n.seq, n.key.ordinal, n.key.device, n.key.stream)
		}
	}
	if t := &n.part.through; t.hasSeq && t.epoch == n.key.ordinal && t.seq == n.seq {
		t.hasTime, t.timeNS = true, n.rec.TimeNS
	}
	return p.layers.settle(n.part)
}

// next is the cursor behind the last stream written, nil when nothing follows.
func (p *latestPage) next(written int) *cursor {
	device, stream := p.device, p.stream
	switch {
	case written < len(p.rows):
		device, stream = p.rows[written-1].key.device, p.rows[written-1].key.stream
	case !p.more:
		return nil
	}
	return &cursor{digest: p.r.digest, device: device, stream: stream}
}
