package tail

import (
	"context"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/segment"
)

// reader gives the frames of one tail. All it knows from one look to the next is its place: see the package comment. It is for one goroutine.
type reader struct {
	api *API
	req *request
	start
	ring *ring // nil for one that ends at the state in which it began
	w    *wire
	enc  *query.FrameEncoder

	names  namer
	files  *files // nil before segments are read
	rec    segment.Record
	text   []byte
	given  int  // frames so far
	shared bool // the ring had what came next, the last time it was asked
	moves  moves
}

// progress is a line that is no frame: everything up to here was given.
type progress struct {
	At string `json:"at"`
}

// run gives frames until something ends the tail. It returns the reason.
func (r *reader) run(ctx context.Context) error {
	if err := r.tell(); err != nil {
		return err
	}
	for {
		if err := r.pause(ctx); err != nil {
			return err
		}
		if !r.at.Before(r.until) {
			return endUntil
		}
		changed := r.api.source.Changed()
		if r.ring != nil {
			var p *page
			var held bool
			if p, changed, held = r.ring.next(r.history, r.at); held {
				if err := r.follow(ctx, p, changed); err != nil {
					return err
				}
				continue
			}
			r.missed()
		}
		moved, err := r.look(ctx)
		if err == nil && !moved {
			err = r.wait(ctx, changed)
		}
		if err != nil {
			return err
		}
	}
}

// follow gives what the ring has, or waits until it has something.
func (r *reader) follow(ctx context.Context, p *page, changed <-chan struct{}) error {
	r.shared = true
	if p == nil {
		return r.wait(ctx, changed)
	}
	if r.req.filter.stale(p.revision) {
		if err := r.api.view(ctx, query.Stale, frame.Position{}, func(v *query.View) error {
			r.req.filter.look(v)
			return nil
		}); err != nil {
			return err
		}
	}
	return r.page(p, "ring")
}

// missed counts that the ring went on without this reader.
func (r *reader) missed() {
	if r.shared {
		r.api.metrics.misses.Inc()
	}
	r.shared = false
}

// pause looks whether the tail has to end, and keeps a client informed that gets no frames.
func (r *reader) pause(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if time.Since(r.w.last) < r.api.opt.Heartbeat {
		return nil
	}
	if r.w.pending() > 0 {
		return r.w.flush()
	}
	return r.tell()
}

// tell sends the place at once.
func (r *reader) tell() error {
	at := positionOf(r.history, r.at)
	if err := r.w.event("at", at, progress{at.String()}); err != nil {
		return err
	}
	return r.w.flush()
}

// wait returns when there is something new, or it is time for a line.
func (r *reader) wait(ctx context.Context, changed <-chan struct{}) error {
	if err := r.w.flush(); err != nil {
		return err
	}
	t := time.NewTimer(r.api.opt.Heartbeat - time.Since(r.w.last))
	defer t.Stop()
	select {
	case <-changed:
	case <-t.C:
	case <-ctx.Done():
	}
	return nil
}

// look finds what comes next in the newest state, and gives it. It reports whether the reader came further.
func (r *reader) look(ctx context.Context) (moved bool, err error) {
	before := r.at
	var p *page
	var m *segment.Manifest
	err = r.api.view(ctx, query.Stale, frame.Position{}, func(v *query.View) (err error) {
		if err := r.check(v); err != nil {
			return err
		}
		r.req.filter.look(v)
		if m = r.moves.files(v, r.at); m == nil {
			p, err = copyRows(v, &r.names, r.at, r.api.opt.LockRows)
		}
		return err
	})
	switch {
	case err != nil:
		return false, err
	case m != nil:
		if err = r.segments(ctx, m); codeOf(err) == "segment_dropped" {
			return r.replaced(ctx, m, err)
		}
	default:
		err = r.page(p, "head")
	}
	if err == nil {
		err = r.w.flush()
	}
	return before.Before(r.at), err
}

// replaced is for a segment that is gone: reading took longer than retire_after, and a merge has put its frames into others. The reader looks again,
// unless the newest manifest is the one that it read: then the segment is listed and yet not here, and err stands.
func (r *reader) replaced(ctx context.Context, read *segment.Manifest, err error) (again bool, _ error) {
	return true, r.api.view(ctx, query.Stale, frame.Position{}, func(v *query.View) error {
		if v.Manifest != read {
			return nil
		}
		return err
	})
}

// check makes sure that the state is of the reader's history and still has what follows its place.
func (r *reader) check(v *query.View) error {
	if v.AsOf.History != r.history {
		return endHistory
	}
	if r.at.Before(commitOf(r.api.opt.Retained(v))) {
		return endRetained
	}
	if r.at.Index < v.AsOf.Index {
		r.api.metrics.behind.Observe(float64(v.AsOf.Index - r.at.Index))
	}
	return nil
}

// page gives the frames of a page that lie behind the reader's place.
func (r *reader) page(p *page, from string) error {
	var shared *texts
	if p.ring != nil && r.req.filter.whole() && r.req.show.All() {
		shared = p.text(r.req.filter.tenant, r.api.opt.RingBytes/4)
	}
	given := r.given
	defer func() { r.api.metrics.frames.WithLabelValues(from).Add(float64(r.given - given)) }()
	f := &r.req.filter
	for i := p.after(r.at); i < len(p.rows); i++ {
		row := &p.rows[i]
		c := row.Commit()
		if r.until.Before(c) {
			break
		}
		r.at = c
		if f.class != 0 && f.class != row.Class || !f.takes(&row.name.key) {
			continue
		}
		var text []byte
		ok := false
		if shared != nil {
			text, ok = shared.of(i)
		}
		if !ok {
			r.rec.Row = row.Row
			r.text = r.enc.Append(r.text[:0], &row.name.shown, &r.rec)
			text = r.text
		}
		if err := r.give(text); err != nil {
			return err
		}
	}
	r.reach(p.to)
	return nil
}

// reach moves on to a place behind which nothing was looked at yet.
func (r *reader) reach(to segment.Commit) {
	if r.until.Before(to) {
		to = r.until
	}
	if r.at.Before(to) {
		r.at = to
	}
}

// give puts the frame at the reader's place behind what is to be written, and writes when that is enough.
func (r *reader) give(text []byte) error {
	r.w.frame(positionOf(r.history, r.at), text)
	r.given++
	if r.given == r.req.limit {
		return endLimit
	}
	if r.w.pending() >= r.api.opt.BufferBytes {
		return r.w.flush()
	}
	return nil
}
