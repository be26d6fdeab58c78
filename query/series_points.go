package query

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment"
)

// pointsPage is a page of points: stored frames as columns, in order of device, stream, epoch and number. All pages show the state of the
// first, as those of frames do.
type pointsPage struct {
	listing
	plan   *seriesPlan
	digest uint32

	answer  *SeriesAnswer
	of      *target // whose points the last series has
	bytes   int     // about what the page takes
	decoded frame.Frame
}

// points answers with points.
func (a *API) points(r *request, plan *seriesPlan, q *SeriesQuery) (*SeriesAnswer, error) {
	r.cuts = true
	p := &pointsPage{listing: listing{walk: walk{api: a, r: r, cols: plan.cols}, sel: plan.sel}, plan: plan, digest: q.digest()}
	resume, err := p.resume(q.Cursor)
	if err != nil {
		return nil, err
	}
	if resume == nil {
		err = p.begin()
	} else {
		err = p.goOn(resume)
	}
	if err != nil {
		return nil, err
	}
	if err := r.requireComplete(&p.completeness); err != nil {
		return nil, err
	}
	p.answer = &SeriesAnswer{
		AsOf: p.asOf, FirstNS: p.span.FirstNS, LastNS: p.span.LastNS, Completeness: p.completeness.outer(), whole: p.completeness, points: true,
	}
	for !p.more && !p.ended() {
		if err := p.step(plan.limit-r.rows+1, p.take); err != nil { // one more, to know whether there is a next page
			return nil, err
		}
	}
	if p.more && r.rows < plan.limit {
		a.countLimit(r.reading.spent())
	}
	return p.end(), nil
}

// resume reads the cursor, nil for the first page.
func (p *pointsPage) resume(text string) (*cursor, error) {
	if text == "" {
		return nil, nil
	}
	c, err := parseCursor(text, p.digest)
	if err == nil && c.completeness == nil {
		err = badCursor("it carries no completeness")
	}
	return c, err
}

// begin finds the state and the range: now is the commit time of that state, so it is asked for until the clock stood still meanwhile.
func (p *pointsPage) begin() error {
	now := int64(0)
	if p.plan.relative() {
		if err := p.api.view(p.r, func(v *View) error { now = v.AsOf.TimeMS; return nil }); err != nil {
			return err
		}
	}
	for {
		if err := p.cut(now); err != nil {
			return err
		}
		p.listing = listing{walk: walk{api: p.api, r: p.r, span: p.span, cols: p.cols}, sel: p.plan.sel}
		err := p.listing.start(func(v *View) error {
			return p.sel.haveStream(v)
		})
		if err != nil {
			return err
		}
		if !p.plan.relative() || p.asOf.TimeMS == now {
			return nil
		}
		now = p.asOf.TimeMS
	}
}

// cut finds the range in nanoseconds.
func (p *pointsPage) cut(nowMS int64) error {
	grid, err := p.plan.resolve(nowMS, 1)
	if err == nil {
		p.span = segment.All()
		p.span.FirstNS, p.span.LastNS = grid.Starts[0], grid.Last
	}
	return err
}

// relative reports whether the range depends on now.
func (p *seriesPlan) relative() bool {
	return p.from != nil && p.from.Relative() || p.to != nil && p.to.Relative()
}

// goOn finds the epochs again, and where a cursor points.
func (p *pointsPage) goOn(c *cursor) error {
	if err := p.cut(c.asOf.TimeMS); err != nil {
		return err
	}
	p.asOf, p.completeness = c.asOf, *c.completeness
	if at := p.asOf.position(); at.Compare(p.r.after) > 0 {
		p.r.after = at // another node may not be there yet
	}
	err := p.api.view(p.r, func(v *View) (err error) {
		if err := p.sel.exist(v); err != nil {
			return err
		}
		p.targets, err = p.sel.targets(v, p.api.opt.MaxStreams)
		return err
	})
	for p.at < len(p.targets) && p.targets[p.at].key.compare(c) < 0 {
		p.at++
	}
	if p.at < len(p.targets) && p.targets[p.at].key.compare(c) == 0 {
		p.seq = c.seq
	}
	p.first = p.place
	if err == nil && p.sel.matched() != c.devices {
		err = devicesGone()
	}
	return err
}

// devicesGone says that other devices match than on the first page: what the registry said then is not kept.
func devicesGone() error {
	return &Error{
		Status: http.StatusConflict, Code: "cursor_expired", Message: "other devices match than on the first page of this listing",
		Hint: "start again without a cursor, or select the devices by name",
	}
}

// compare orders an epoch and the one where a cursor goes on.
func (k *epochKey) compare(c *cursor) int {
	return cmp.Or(cmp.Compare(k.device, c.device), cmp.Compare(k.stream, c.stream), cmp.Compare(k.ordinal, c.epoch))
}

// take puts a frame on the page, or leaves it to the next one. A frame that has none of the named fields is no point.
func (p *pointsPage) take(t *target, rec *segment.Record) bool {
	fields := rec.Fields
	if rec.Body.Size() > 0 {
		rec.Body.Decode(&p.decoded)
		fields = p.decoded.Fields
	}
	if p.plan.fields != nil {
		fields = p.named(fields)
		if len(fields) == 0 {
			return true
		}
	}
	if p.r.rows == p.plan.limit || p.r.rows > 0 && p.bytes >= p.api.opt.MaxAnswerBytes {
		if p.r.rows < p.plan.limit {
			p.api.metrics.limited.WithLabelValues("query.max_answer_bytes").Inc()
		}
		return false
	}
	p.r.rows++
	list := &p.answer.Series
	if p.of != t {
		*list = append(*list, Series{Device: t.key.device, Stream: t.key.stream, Epoch: t.key.ordinal, Devices: 1})
		p.of = t
	}
	p.bytes += (*list)[len(*list)-1].addPoint(rec, fields)
	if p.plan.csv {
		p.bytes += lineBytes(&t.key, fields)
	}
	return true
}

// lineBytes is about what lines of CSV take beside the values: each has all the names.
func lineBytes(key *epochKey, fields []frame.Field) (bytes int) {
	const numbers = 60 // epoch, number and time
	for i := range fields {
		bytes += len(key.device) + len(key.stream) + len(fields[i].Name) + numbers
	}
	return bytes
}

// named leaves only the named fields: those of a head come with all the others.
func (p *pointsPage) named(fields []frame.Field) []frame.Field {
	kept := fields[:0]
	for i := range fields {
		if _, named := slices.BinarySearch(p.plan.fields, fields[i].Name); named {
			kept = append(kept, fields[i])
		}
	}
	return kept
}

// pointsRoom is how many points a column has room for at first.
const pointsRoom = 64

// addPoint adds a frame, and returns about how many bytes it takes in JSON. Fields are ordered by name, in the frame and in the series.
func (s *Series) addPoint(rec *segment.Record, fields []frame.Field) (bytes int) {
	n := len(s.StartNS)
	s.StartNS, s.Seq = append(s.StartNS, rec.TimeNS), append(s.Seq, rec.Seq)
	bytes = 40
	at := 0
	for i := range fields {
		f := &fields[i]
		for at < len(s.Fields) && s.Fields[at].Name < f.Name {
			at++
		}
		if at == len(s.Fields) || s.Fields[at].Name != f.Name {
			s.Fields = append(s.Fields, SeriesField{})
			copy(s.Fields[at+1:], s.Fields[at:])
			s.Fields[at] = SeriesField{Name: f.Name, Points: make([]frame.Value, n, max(2*n, pointsRoom))}
		}
		field := &s.Fields[at]
		field.kinds |= 1 << f.Value.Kind
		field.Points = append(field.Points, f.Value)
		bytes += 20 + 4*len(f.Value.Str)/3
	}
	for i := range s.Fields {
		if c := &s.Fields[i]; len(c.Points) == n {
			c.Points = append(c.Points, frame.Value{})
			bytes += 5
		}
	}
	return bytes
}

// end is the page with what it cost and where the next one begins.
func (p *pointsPage) end() *SeriesAnswer {
	a, g := p.answer, &p.r.reading
	a.Segments, a.Blocks, a.Bytes, a.Rows = len(g.open), g.blocks, g.bytes, g.rows
	if p.more {
		key := &p.targets[p.at].key
		next := cursor{
			digest: p.digest, asOf: p.asOf, completeness: &p.completeness, device: key.device, stream: key.stream, epoch: key.ordinal, seq: p.seq,
			devices: p.sel.matched(),
		}
		a.Next = next.String()
	}
	return a
}
