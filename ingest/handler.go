package ingest

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"
)

// Route is a handler that the root binds to its listener. The root authenticates and checks Scope before Handle, unescapes path
// parameters into ctx.UserValue, and writes a returned error; it must not reset the response before it does, because headers that
// belong to the error are set already.
type Route struct {
	Method, Path string
	Scope        auth.Scopes
	Handle       func(ctx *fasthttp.RequestCtx, p auth.Principal) error
}

// Options of a Handler. The zero value has the defaults.
type Options struct {
	// Listener names this door in metrics, in balance B and in batches. Default "http".
	Listener string
	// Node names this node in batches. Default "" (unknown).
	Node string
	// MaxBodyBytes bounds a request body as it is sent. Default 16 MiB.
	MaxBodyBytes int
	// MaxUnpackedBytes bounds what a packed body may unpack to. Default 64 MiB.
	MaxUnpackedBytes int
	// MaxInflightBytes bounds the bodies of all requests in work, packed and unpacked together. Beyond it requests are answered with
	// 429, but for one that is alone. Default 64 MiB.
	MaxInflightBytes int64
	// Timeout is how long a request waits for commit and apply before its answer is outcome_unknown. Default 15 s.
	Timeout time.Duration
	// Clock is the wall clock that receive times come from. Default time.Now.
	Clock func() time.Time
	// Metrics takes this door's metrics. Default: none.
	Metrics prometheus.Registerer
}

func (o *Options) setDefaults() error {
	if o.MaxBodyBytes < 0 || o.MaxUnpackedBytes < 0 || o.MaxInflightBytes < 0 {
		return fmt.Errorf("ingest: a limit is negative: max_body_bytes %d, max_unpacked_bytes %d, max_inflight_bytes %d",
			o.MaxBodyBytes, o.MaxUnpackedBytes, o.MaxInflightBytes)
	}
	o.MaxBodyBytes = cmp.Or(o.MaxBodyBytes, 16<<20)
	o.MaxUnpackedBytes = cmp.Or(o.MaxUnpackedBytes, 64<<20)
	o.MaxInflightBytes = cmp.Or(o.MaxInflightBytes, 64<<20)
	if o.Listener == "" {
		o.Listener = "http"
	}
	if o.Timeout <= 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return nil
}

// Handler is the HTTP door. Its handlers may run in any number of goroutines.
type Handler struct {
	opt        Options
	proposer   Proposer
	gate       *gate
	unpacker   *unpacker
	collectors sync.Pool // of *collector
	counters   Counters
	metrics    *metrics
}

// New makes a door that hands batches to the proposer.
func New(p Proposer, opt Options) (*Handler, error) {
	if err := opt.setDefaults(); err != nil {
		return nil, err
	}
	h := &Handler{opt: opt, proposer: p, gate: &gate{limit: opt.MaxInflightBytes}}
	h.collectors.New = func() any { return new(collector) }
	var err error
	if h.unpacker, err = newUnpacker(opt.MaxBodyBytes, opt.MaxUnpackedBytes, h.gate); err != nil {
		return nil, fmt.Errorf("ingest: zstd decoder: %w", err)
	}
	if h.metrics, err = newMetrics(opt.Metrics, h); err != nil {
		return nil, fmt.Errorf("ingest: metrics of listener %q: %w", opt.Listener, err)
	}
	return h, nil
}

// Routes are this door's handlers.
func (h *Handler) Routes() []Route {
	routes := []Route{{"POST", "/v1/frames", auth.Write, h.postFrames}}
	for i := range commands {
		c := &commands[i]
		routes = append(routes, Route{"POST", "/v1/devices/{device}/" + c.path, auth.Write, h.handler(c)})
	}
	return routes
}

// Listener is the name under which Counters stand in balance B.
func (h *Handler) Listener() string { return h.opt.Listener }

// Counters is balance B of this listener.
func (h *Handler) Counters() *Counters { return &h.counters }

// header is what batches received now carry.
func (h *Handler) header() frame.Header {
	return frame.Header{ReceiveMS: h.opt.Clock().UnixMilli(), Node: h.opt.Node, Listener: h.opt.Listener}
}
