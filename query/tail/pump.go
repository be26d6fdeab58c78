package tail

import (
	"context"
	"errors"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/segment"
)

// pump copies new rows out of heads into the ring: once, however many readers there are. It runs while there are live ones.
type pump struct {
	api     *API
	ring    *ring
	names   namer
	history uint64         // of the rows, 0 before it began
	at      segment.Commit // what lies up to here is in the ring, or was
}

// run fills the ring until ctx ends.
func (p *pump) run(ctx context.Context) {
	for ctx.Err() == nil {
		start := time.Now()
		changed := p.api.source.Changed() // before looking, so that none is missed
		more, err := p.step(ctx)
		if err != nil { // no state to read, for example while a node starts; readers find out what it is by themselves
			p.history = 0
		}
		if more {
			continue
		}
		if !rest(ctx, p.api.opt.Linger-time.Since(start)) {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// rest waits for d. It is false when ctx ended meanwhile.
func rest(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

var errNameless = errors.New("tail: the state has no history yet")

// step adds what one look at the state gives. It reports whether there is more.
func (p *pump) step(ctx context.Context) (more bool, err error) {
	var fresh *page
	var now query.AsOf
	err = p.api.view(ctx, query.Stale, frame.Position{}, func(v *query.View) (err error) {
		if now = v.AsOf; now.History == 0 {
			return errNameless
		}
		if now.History != p.history || segment.EndOf(now.Index).Before(p.at) || p.at.Before(flushed(v.Manifest)) {
			return nil
		}
		fresh, err = copyRows(v, &p.names, p.at, p.api.opt.LockRows)
		return err
	})
	switch {
	case err != nil:
		return false, err
	case fresh == nil: // it begins, or the state is another one, or a flush was faster
		p.history, p.at = now.History, segment.EndOf(now.Index)
		p.ring.restart(p.history, p.at)
		return true, nil
	case p.at.Before(fresh.to):
		p.at = fresh.to
		p.ring.add(fresh)
	}
	return p.at.Before(segment.EndOf(now.Index)), nil
}

// flushed is the place up to which everything is in the segments of a manifest: those of heads lies behind it.
func flushed(m *segment.Manifest) (at segment.Commit) {
	for i := range m.Segments() {
		if end := segment.EndOf(m.Segments()[i].LastIndex); at.Before(end) {
			at = end
		}
	}
	return at
}
