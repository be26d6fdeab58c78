package tail

import (
	"context"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/segment"
)

// gapEvent is a line of GET /v1/gaps/events.
type gapEvent struct {
	Event  string `json:"event"` // opened, requested, final, explained, closed
	Device string `json:"device"`
	Stream string `json:"stream"`
	Epoch  uint32 `json:"epoch"`
	From   uint64 `json:"from"`
	To     uint64 `json:"to"`
	Count  uint64 `json:"count"`
	Cause  string `json:"cause,omitempty"` // of final and explained
	Late   *bool  `json:"late,omitempty"`  // of closed: they were final
	Time   string `json:"time"`            // commit time
}

// resetLine says that changes were missed: what is known from events before has to be read anew.
type resetLine struct {
	Event   string `json:"event"`
	Message string `json:"message"`
	At      string `json:"at"`
}

var gapParams = []string{"device", "match", "stream", "system", "format", "consistency"}

// serveGapEvents is GET /v1/gaps/events: what happens to gaps from now on, on this node.
func (a *API) serveGapEvents(ctx *fasthttp.RequestCtx, who auth.Principal) error {
	p, err := parseParams(ctx.QueryArgs(), gapParams)
	if err != nil {
		return err
	}
	events, err := p.asEvents(ctx)
	if err != nil {
		return err
	}
	r := &request{filter: filter{tenant: who.Tenant}}
	if r.consistency, err = p.consistency(); err != nil {
		return err
	}
	if err := r.filter.parse(p, a.opt.MaxDevices); err != nil {
		return err
	}
	if _, err := a.start(r); err != nil { // a node that knows nothing of its cluster says so
		return err
	}
	return a.stream(ctx, "gaps", events, func(ctx context.Context, w *wire) (frame.Position, error) {
		g := &gapReader{api: a, filter: &r.filter, w: w}
		err := g.run(ctx)
		return frame.Position{}, err
	})
}

// gapReader follows the changes of one ledger. It is for one goroutine.
type gapReader struct {
	api    *API
	filter *filter
	w      *wire

	ledger *ledger.Ledger // whose changes at is a place among
	at     ledger.GapCursor
	asOf   query.AsOf
	events []gapEvent
	reset  bool
}

// run gives events until something ends the stream.
func (g *gapReader) run(ctx context.Context) error {
	if _, err := g.look(ctx); err != nil {
		return err
	}
	if err := g.tell(); err != nil {
		return err
	}
	for ctx.Err() == nil {
		changed := g.api.source.Changed()
		more, err := g.look(ctx)
		if err == nil {
			err = g.give()
		}
		if err == nil && !more {
			err = g.wait(ctx, changed)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// look takes the next events out of a state, lock_rows at most. It reports whether there may be more. The first time it finds where to begin, and
// so it does when the ledger is another one since.
func (g *gapReader) look(ctx context.Context) (more bool, err error) {
	g.events, g.reset = g.events[:0], false
	err = g.api.view(ctx, query.Stale, frame.Position{}, func(v *query.View) error {
		g.asOf = v.AsOf
		g.filter.look(v)
		if v.Ledger != g.ledger {
			g.reset = g.ledger != nil
			g.ledger, g.at = v.Ledger, v.Ledger.GapsNow()
			return nil
		}
		looked := 0
		g.reset = !v.Ledger.GapEvents(&g.at, func(e ledger.GapEvent) bool {
			g.take(v, &e)
			looked++
			more = looked == g.api.opt.LockRows
			return !more
		})
		return nil
	})
	return more, err
}

// take keeps an event that is wanted.
func (g *gapReader) take(v *query.View, e *ledger.GapEvent) {
	key, ok := v.Ledger.Key(e.Stream)
	if !ok || !g.filter.takes(&key) {
		return
	}
	one := gapEvent{
		Event: e.Change.String(), Device: key.Device, Stream: key.Stream, Epoch: e.Epoch, From: e.First, To: e.Last, Count: e.Last - e.First + 1,
		Time: time.UnixMilli(e.AtMS).UTC().Format(timeMS),
	}
	if e.Cause != 0 {
		one.Cause = e.Cause.String()
	}
	if e.Change == ledger.GapClosed {
		late := e.Late
		one.Late = &late
	}
	g.events = append(g.events, one)
}

// give puts the events behind what is to be written, and writes it.
func (g *gapReader) give() error {
	if g.reset {
		line := resetLine{"reset", "more happened than this node keeps, or its state was replaced: list the gaps again", g.position().String()}
		if err := g.w.event("reset", frame.Position{}, line); err != nil {
			return err
		}
	}
	for i := range g.events {
		if err := g.w.event(g.events[i].Event, frame.Position{}, &g.events[i]); err != nil {
			return err
		}
		if g.w.pending() >= g.api.opt.BufferBytes {
			if err := g.w.flush(); err != nil {
				return err
			}
		}
	}
	return g.w.flush()
}

func (g *gapReader) position() frame.Position {
	return positionOf(g.asOf.History, segment.EndOf(g.asOf.Index))
}

// tell says up to which place everything was told.
func (g *gapReader) tell() error {
	if err := g.w.event("at", frame.Position{}, progress{g.position().String()}); err != nil {
		return err
	}
	return g.w.flush()
}

// wait returns when there may be something new, but not more often than tail.linger says.
func (g *gapReader) wait(ctx context.Context, changed <-chan struct{}) error {
	if !rest(ctx, g.api.opt.Linger) {
		return ctx.Err()
	}
	t := time.NewTimer(g.api.opt.Heartbeat - time.Since(g.w.last))
	defer t.Stop()
	select {
	case <-changed:
		return nil
	case <-t.C:
		return g.tell()
	case <-ctx.Done():
		return ctx.Err()
	}
}
