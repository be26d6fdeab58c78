package certify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/query"
)

// Options are the limits of the API. Zero stands for the default.
type Options struct {
	Deadline    time.Duration // of one answer; default 30 s
	MaxLeaves   int64         // leaves of trees in one certificate: it holds some 300 bytes for each; default 2,000,000
	MaxDevices  int           // that labels may choose; default 100,000
	MaxSegments int64         // bytes of segments in one bundle; default 4 GiB
	AtOnce      int           // certificates that are made at once; default 2
	Logger      *slog.Logger  // default: nobody hears
}

func (o Options) withDefaults() Options {
	if o.Deadline == 0 {
		o.Deadline = 30 * time.Second
	}
	if o.MaxLeaves == 0 {
		o.MaxLeaves = 2_000_000
	}
	if o.MaxDevices == 0 {
		o.MaxDevices = 100_000
	}
	if o.MaxSegments == 0 {
		o.MaxSegments = 4 << 30
	}
	if o.AtOnce == 0 {
		o.AtOnce = 2
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// API answers over HTTP. It is safe for concurrent use and keeps nothing between requests.
type API struct {
	node  Node
	opt   Options
	turns chan struct{} // a token for each certificate that is being made
}

// New returns the API over a node.
func New(node Node, opt Options) *API {
	opt = opt.withDefaults()
	return &API{node: node, opt: opt, turns: make(chan struct{}, opt.AtOnce)}
}

// Routes returns the endpoints of this package, for the root's router. {path...} is the rest of a path.
func (a *API) Routes() []query.Route {
	get := func(path string, handle func(*fasthttp.RequestCtx, auth.Principal) error, params ...string) query.Route {
		return query.Route{Method: fasthttp.MethodGet, Path: path, Scope: auth.Read, Params: params, Handle: handle}
	}
	return []query.Route{
		get("/tlog/checkpoint", a.checkpoint),
		get("/tlog/tile/{path...}", a.tile),
		get("/tlog/entries/{path...}", a.entries),
		get("/v1/proof/policy", a.policy),
		get("/v1/proof/consistency", a.consistency, "from", "to"),
		{Method: fasthttp.MethodPost, Path: "/v1/certificates", Scope: auth.Read, Params: []string{"format", "at", "segments"}, Handle: a.certificate},
	}
}

// within gives a handler the time that one answer may take.
func (a *API) within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), a.opt.Deadline)
}

// refuse is an error about a request.
func refuse(status int, code, hint, format string, args ...any) error {
	return &query.Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
}

func badParameter(name, value, want string) error {
	return refuse(http.StatusBadRequest, "bad_parameter", want, "%s is %.100q", name, value)
}

// late turns the end of the time into an answer.
func (a *API) late(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return refuse(http.StatusGatewayTimeout, "deadline", "ask for less, or again later", "the answer was not ready within %s", a.opt.Deadline)
	}
	return err
}

func writeJSON(ctx *fasthttp.RequestCtx, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("certify: %w", err)
	}
	ctx.SetContentType("application/json")
	ctx.SetBody(append(b, '\n'))
	return nil
}
