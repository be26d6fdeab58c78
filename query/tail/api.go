package tail

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/query"
)

// API gives frames in order of commits, and what happens to gaps, over HTTP. It is safe for concurrent use.
type API struct {
	source   Source
	opener   query.Opener
	proposer Proposer
	opt      Options
	metrics  *metrics
	turns    chan struct{} // a token for each reader that holds rows of segments

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	mu      sync.Mutex // protects what follows
	closed  bool
	readers int
	live    int                // readers that use the ring
	ring    *ring              // of them, and of nobody else
	stop    context.CancelFunc // ends the pump that fills it
}

// New returns the API over a source of states and the segments that these name. A nil opener has no segments, a nil proposer no consumers. It
// fails on settings that cannot work, naming each.
func New(source Source, opener query.Opener, proposer Proposer, opt Options) (*API, error) {
	opt = opt.withDefaults()
	if err := opt.validate(); err != nil {
		return nil, err
	}
	m, err := newMetrics(opt.Metrics)
	if err != nil {
		return nil, fmt.Errorf("tail: register metrics: %w", err)
	}
	a := &API{
		source: source, opener: opener, proposer: proposer, opt: opt, metrics: m,
		turns: make(chan struct{}, opt.Catchups),
	}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	return a, nil
}

// Close tells every reader that this node ends, and returns when all have gone: after a second or two at the latest.
func (a *API) Close() error {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	a.cancel()
	a.tasks.Wait()
	return nil
}

// Routes returns the endpoints of this package, for the root's router as those of package query are.
func (a *API) Routes() []query.Route {
	routes := []query.Route{
		{Method: fasthttp.MethodGet, Path: "/v1/tail", Scope: auth.Read, Params: tailParams, Handle: a.serveTail},
		{Method: fasthttp.MethodGet, Path: "/v1/gaps/events", Scope: auth.Read, Params: gapParams, Handle: a.serveGapEvents},
	}
	if a.proposer != nil {
		routes = append(routes, a.consumerRoutes()...)
	}
	return routes
}

// serveTail is GET /v1/tail.
func (a *API) serveTail(ctx *fasthttp.RequestCtx, who auth.Principal) error {
	r, err := a.parseTail(ctx, who)
	if err != nil {
		return err
	}
	s, err := a.start(r)
	if e, ok := asGone(err); ok {
		return writeGone(ctx, e)
	}
	if err != nil {
		return err
	}
	return a.stream(ctx, "frames", r.events, func(ctx context.Context, w *wire) (frame.Position, error) {
		rd := &reader{api: a, req: r, start: s, w: w, enc: query.NewFrameEncoder(s.history, r.show)}
		if !r.until {
			rd.ring = a.join()
			defer a.leave()
		}
		err := rd.run(ctx)
		return positionOf(s.history, rd.at), err
	})
}

// start finds where a tail begins, in a state that is as fresh as was asked for and has the position.
func (a *API) start(r *request) (s start, err error) {
	ctx, cancel := context.WithTimeout(a.ctx, a.opt.Deadline)
	defer cancel()
	consistency, after := r.consistency, frame.Position{}
	if r.consumer != "" {
		if err := a.startOf(ctx, r); err != nil {
			return s, err
		}
		consistency = query.Stale
	}
	if r.from != nil {
		after = *r.from
	}
	locate := func(v *query.View) (err error) {
		s, err = r.locate(a, v)
		return err
	}
	err = a.view(ctx, consistency, after, locate)
	if errors.Is(err, context.DeadlineExceeded) && r.from != nil { // nobody committed anything there, or this node is far behind
		err = a.view(a.ctx, query.Stale, frame.Position{}, locate)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		err = late(a.opt.Deadline)
	case errors.Is(err, context.Canceled):
		err = closing()
	}
	return s, err
}

// startOf makes a request begin where its consumer is.
func (a *API) startOf(ctx context.Context, r *request) error {
	c, err := a.consumer(ctx, r.consistency, r.filter.tenant, r.consumer)
	if err != nil {
		if r.first || r.from != nil { // it begins there as long as it has no position of its own
			return unlessUnknown(err)
		}
		return err
	}
	r.first, r.from = false, &c.Position
	return nil
}

// view looks at a state, and measures for how long.
func (a *API) view(ctx context.Context, c query.Consistency, after frame.Position, fn func(*query.View) error) error {
	return a.source.View(ctx, c, after, func(v *query.View) error {
		begun := time.Now()
		defer func() { a.metrics.viewSeconds.Observe(time.Since(begun).Seconds()) }()
		return fn(v)
	})
}

// join gives a live reader the ring that all of them share. The first one starts the pump.
func (a *API) join() *ring {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.live++; a.live > 1 {
		return a.ring
	}
	var ctx context.Context
	ctx, a.stop = context.WithCancel(a.ctx)
	g := newRing(a.opt.RingRows, a.opt.RingBytes)
	a.ring = g
	a.tasks.Go(func() { (&pump{api: a, ring: g}).run(ctx) })
	return g
}

// leave ends the pump with the last live reader.
func (a *API) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.live--; a.live == 0 {
		a.stop()
		a.ring = nil
	}
}
