package query

import (
	"slices"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// latest serves GET /v1/latest: of every selected stream the frame with the highest (epoch, number), whatever arrived last. Streams
// without frames are left out. Every page shows the state of its own as_of.
func (a *API) latest(r *request) error {
	r.cuts = true
	p := &latestPage{api: a, r: r}
	var err error
	if p.sel, err = r.latestSelection(); err != nil {
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

// latestSelection is selection for the endpoint that takes several devices.
func (r *request) latestSelection() (selection, error) {
	devices := slices.Clone(r.args["device"])
	if len(devices) < 2 {
		return r.selection()
	}
	one := *r
	one.args = params{}
	for name, v := range r.args {
		one.args[name] = v
	}
	one.args["device"] = devices[:1]
	s, err := one.selection()
	if slices.Contains(devices, "") {
		return s, badParameter("device", "", "the name of a device")
	}
	slices.Sort(devices)
	s.device, s.devices = "", slices.Compact(devices)
	return s, err
}

// latestPage is one page, collected in one View and encoded outside of it.
type latestPage struct {
	api            *API
	r              *request
	sel            selection
	limit          int
	device, stream string // the last stream that was looked at

	asOf AsOf
	rows []found
	sums []sum // of the streams of rows[:i+1]: a page can end early
	size int   // bytes of the rows' bodies
	more bool
}

// collect looks at no more streams than the largest page has rows. Where that many have no frames, the page is short and its cursor
// goes on.
func (p *latestPage) collect(v *View) error {
	p.asOf = v.AsOf
	if err := p.sel.exist(v); err != nil {
		return err
	}
	budget := p.api.opt.MaxPageRows
	p.sel.each(v, p.device, p.stream, func(id frame.StreamID, key frame.StreamKey) bool {
		if budget == 0 || len(p.rows) == p.limit || p.size > p.api.opt.MaxAnswerBytes {
			p.more = true
			return false
		}
		budget--
		p.device, p.stream = key.Device, key.Stream
		if ordinal, row, ok := v.Head.Latest(id); ok {
			p.add(v, id, key, ordinal, &row)
		}
		return true
	})
	return nil
}

// add puts a stream's newest frame on the page.
func (p *latestPage) add(v *View, id frame.StreamID, key frame.StreamKey, ordinal uint32, row *segment.Row) {
	value, _ := v.Ledger.EpochValue(id, ordinal)
	p.rows = append(p.rows, found{&epochKey{key.Device, key.Stream, ordinal, value}, *row})
	p.size += row.Body.Size()
	var total sum
	if n := len(p.sums); n > 0 {
		total = p.sums[n-1]
	}
	if part, ok := ofStream(v, id); ok {
		total.add(part)
	}
	p.sums = append(p.sums, total)
}

// write encodes the page, or as much of it as the limit of bytes allows.
func (p *latestPage) write() error {
	w := &p.r.w
	w.open('{')
	w.key("frames")
	w.open('[')
	written, err := p.r.writeFrames(p.rows, p.asOf.History, p.api.opt.MaxAnswerBytes, false)
	if err != nil {
		return err
	}
	w.close(']')
	var total sum
	if written > 0 {
		total = p.sums[written-1]
	}
	c := total.result()
	if err := p.r.requireComplete(&c); err != nil {
		return err
	}
	p.r.writeState(p.asOf, &c)
	w.next(p.next(written))
	w.close('}')
	return nil
}

// next is the cursor behind the last stream written, nil when nothing follows.
func (p *latestPage) next(written int) *cursor {
	device, stream := p.device, p.stream
	switch {
	case written < len(p.rows):
		p.api.metrics.limited.WithLabelValues("query.max_answer_bytes").Inc()
		device, stream = p.rows[written-1].key.device, p.rows[written-1].key.stream
	case !p.more:
		return nil
	}
	return &cursor{digest: p.r.digest, device: device, stream: stream}
}
