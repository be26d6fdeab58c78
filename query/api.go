package query

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/valyala/fasthttp"
)

// API answers questions over HTTP. It is safe for concurrent use. Of one request it keeps nothing for the next, but for counts of frames in
// segments, which never change.
type API struct {
	source  Source
	opener  Opener
	opt     Options
	metrics *metrics
	census  census
	exports atomic.Int64 // under way

	maxListed     int // gaps that a page by time chooses from; where too few of them are of that time, the page is short
	cadenceStamps int // times of frames that are held at once to put them in order
	mergeBudget   int // rows of a layer looked at between two looks at the deadline and the limits
}

// New returns the API over a source of states and the segments that these name. A nil opener has no segments. It fails on settings that
// cannot work, naming each.
func New(source Source, opener Opener, opt Options) (*API, error) {
	opt = opt.withDefaults()
	if err := opt.validate(); err != nil {
		return nil, err
	}
	m, err := newMetrics(opt.Metrics)
	if err != nil {
		return nil, fmt.Errorf("query: register metrics: %w", err)
	}
	return &API{source: source, opener: opener, opt: opt, metrics: m, maxListed: 100_000, mergeBudget: 1 << 14, cadenceStamps: 1 << 18}, nil
}

// request is one question on its way. It belongs to one goroutine.
type request struct {
	ctx         context.Context // ends with the deadline; not the RequestCtx, which is used again for others
	http        *fasthttp.RequestCtx
	who         auth.Principal
	device      string // of the path
	args        params
	digest      uint32 // of what the parameters select
	consistency Consistency
	after       frame.Position
	require     ledger.Grade // require=...: the least verdict that the client takes, 0 for any

	reading     reading       // what it reads of segments
	stream      *exportStream // the answer, which goes on after the request was handled; nil when it is in
	w           writer        // the answer
	contentType string
	cuts        bool // the endpoint ends its page where it reaches the limit of bytes; a larger answer of any other is refused
	rows        int  // in the answer, for the metrics
	views       int  // how many times the state was looked at
}

// handler adapts an endpoint to the root's router.
func (a *API) handler(e endpoint) func(*fasthttp.RequestCtx, auth.Principal) error {
	return func(http *fasthttp.RequestCtx, p auth.Principal) error {
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), a.opt.Deadline)
		defer cancel()
		r := &request{ctx: ctx, http: http, who: p, contentType: "application/json"}
		r.reading = reading{ctx: ctx, opener: a.opener, maxBlocks: a.opt.MaxReadBlocks, maxBytes: a.opt.MaxReadBytes}
		defer func() {
			if r.stream == nil {
				r.reading.release()
			}
		}()
		r.w.b = http.Response.SwapBody(nil)[:0] // the response's own buffer, which fasthttp pools
		err := r.parse(e, a.opt.MaxBodyBytes)
		if err == nil {
			err = timeoutError(e.serve(a, r), a.opt.Deadline)
		}
		if r.stream != nil {
			http.SetContentType(r.contentType)
			http.Response.SetBodyStream(r.stream, -1)
			return nil
		}
		if err == nil && !r.cuts && len(r.w.b) > a.opt.MaxAnswerBytes {
			err = limitError("query.max_answer_bytes", a.opt.MaxAnswerBytes, "ask for a smaller limit, or for one stream or epoch")
		}
		bytes := len(r.w.b)
		if err != nil {
			r.w.b = r.w.b[:0]
		}
		http.Response.SwapBody(r.w.b)
		http.SetContentType(r.contentType)
		a.metrics.observe(e.name, err, time.Since(start), r.rows, bytes)
		a.metrics.observeReading(e.name, &r.reading)
		return err
	}
}

// parse reads what every endpoint has in common.
func (r *request) parse(e endpoint, maxBody int) (err error) {
	if r.args, err = e.arguments(r.http, maxBody); err != nil {
		return err
	}
	r.device, _ = r.http.UserValue("device").(string)
	r.digest = r.args.digest(r.who.Tenant, e.name, r.device)
	c, err := r.args.enum("consistency", string(Linearizable), string(Leader), string(Stale))
	if err != nil {
		return err
	}
	if r.consistency = Consistency(c); c == "" {
		r.consistency = Leader
	}
	if r.args.has("after") {
		if r.after, err = frame.ParsePosition(r.args.text("after")); err != nil {
			return badParameter("after", r.args.text("after"), "a position exactly as an answer gave it")
		}
	}
	require, err := r.args.enum("require", "complete", "complete_between_seen")
	switch require {
	case "complete":
		r.require = ledger.Complete
	case "complete_between_seen":
		r.require = ledger.CompleteBetweenSeen
	}
	return err
}

// limit is the number of rows asked for.
func (a *API) limit(r *request) (int, error) {
	n, err := r.args.count("limit", a.opt.PageRows, a.opt.MaxPageRows)
	var e *Error
	if v, _ := strconv.Atoi(r.args.text("limit")); v > a.opt.MaxPageRows && errors.As(err, &e) {
		e.limit = "query.max_page_rows"
	}
	return n, err
}

// cursor reads the cursor parameter; nil when the question asks for the first page.
func (r *request) cursor() (*cursor, error) {
	if !r.args.has("cursor") {
		return nil, nil
	}
	return parseCursor(r.args.text("cursor"), r.digest)
}

// view calls fn with a state that satisfies the request. Later calls of one request need not ask the cluster again: they read the
// same node, not before the state that the first one saw.
func (a *API) view(r *request, fn func(*View) error) error {
	consistency := r.consistency
	if r.views > 0 {
		consistency = Stale
	}
	r.views++
	return a.source.View(r.ctx, consistency, r.after, func(v *View) error {
		start := time.Now()
		defer func() { a.metrics.viewSeconds.Observe(time.Since(start).Seconds()) }()
		if at := v.AsOf.position(); at.Compare(r.after) > 0 {
			r.after = at
		}
		return fn(v)
	})
}

// expired reports that the deadline passed. Loops ask once in a while: nothing else stops them.
func (r *request) expired() error { return r.ctx.Err() }
