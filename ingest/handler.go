package ingest

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger/registry"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"
)

// Route is a handler that the root binds to its listener. The root authenticates and checks Scope before Handle, unescapes path
// parameters into ctx.UserValue, and writes a returned error; it must not reset the response before it does, because headers that
// belong to the error are set already.
type Route struct {
	Method, Path string
	Scope        auth.Scopes
	Params       []string // query parameters that it takes
	Handle       func(ctx *fasthttp.RequestCtx, p auth.Principal) error

	// A protocol of another house has its own ways. The zero values are those of this API.

	// Open routes need no token; Handle gets the zero Principal.
	Open bool
	// Credentials is the request's Authorization as package auth reads it. Default: the header.
	Credentials func(ctx *fasthttp.RequestCtx) string
	// Fail writes an error, whoever refused: status, headers and body. The root has set Retry-After if the error has one. Default: the
	// API's error body.
	Fail func(ctx *fasthttp.RequestCtx, status int, e ErrorBody)
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
	// Devices is the registry of devices as of now; it is asked once a request. Default: nobody is registered.
	Devices func() registry.Snapshot
	// Notary signs receipts of batches. Default: whoever asks for one is refused.
	Notary Notary
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
	if o.Devices == nil {
		o.Devices = func() registry.Snapshot { return registry.Snapshot{} }
	}
	if o.Notary == nil {
		o.Notary = nobody{}
	}
	return nil
}

// Handler is the HTTP door. Its handlers may run in any number of goroutines.
type Handler struct {
	opt        Options
	proposer   Proposer
	gate       *gate
	unpacker   *unpacker
	collectors sync.Pool // of *Collector
	counters   Counters
	metrics    *metrics
}

// New makes a door that hands batches to the proposer.
func New(p Proposer, opt Options) (*Handler, error) {
	if err := opt.setDefaults(); err != nil {
		return nil, err
	}
	g := &gate{limit: opt.MaxInflightBytes}
	u, err := newUnpacker(opt.MaxBodyBytes, opt.MaxUnpackedBytes, g)
	if err != nil {
		return nil, fmt.Errorf("ingest: zstd decoder: %w", err)
	}
	h, err := newHandler(p, opt, g, u)
	if err != nil {
		return nil, err
	}
	return h, register(opt.Metrics, opt.Listener, inFlight(g), inFlightLimit(g))
}

func newHandler(p Proposer, opt Options, g *gate, u *unpacker) (*Handler, error) {
	h := &Handler{opt: opt, proposer: p, gate: g, unpacker: u}
	h.collectors.New = func() any { return new(Collector) }
	var err error
	h.metrics, err = newMetrics(opt.Metrics, h)
	return h, err
}

// Sibling is a door for another protocol on the same server: it shares the limits, max_inflight_bytes among them, and has counters and
// metrics under a name of its own. Its Post serves the protocol's requests.
func (h *Handler) Sibling(listener string) (*Handler, error) {
	opt := h.opt
	opt.Listener = listener
	return newHandler(h.proposer, opt, h.gate, h.unpacker)
}

// Routes are this door's handlers.
func (h *Handler) Routes() []Route {
	routes := []Route{{Method: "POST", Path: "/v1/frames", Scope: auth.Write, Params: []string{"receipt"}, Handle: h.postFrames}}
	for i := range commands {
		c := &commands[i]
		routes = append(routes, Route{Method: "POST", Path: "/v1/devices/{device}/" + c.path, Scope: auth.Write, Handle: h.handler(c)})
	}
	return append(routes, h.registryRoutes()...)
}

// Listener is the name under which Counters stand in balance B.
func (h *Handler) Listener() string { return h.opt.Listener }

// Counters is balance B of this listener.
func (h *Handler) Counters() *Counters { return &h.counters }

// header is what batches received now carry.
func (h *Handler) header() frame.Header {
	return frame.Header{ReceiveMS: h.opt.Clock().UnixMilli(), Node: h.opt.Node, Listener: h.opt.Listener}
}
