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
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/query"
)

// Options are the limits of the API. Zero stands for the default.
type Options struct {
	Deadline    time.Duration // of one answer; default 30 s
	MaxBytes    int64         // of one certificate, about; default 256 MiB
	MaxDevices  int           // that labels may choose; default 100,000
	MaxSegments int64         // bytes of segments in one bundle; default 4 GiB
	AtOnce      int           // certificates that are made or sent at once, one of each principal; default 2
	Stall       time.Duration // in which a client has to take a piece of an answer; default 10 s
	Logger      *slog.Logger  // default: nobody hears
}

func (o Options) withDefaults() Options {
	if o.Deadline == 0 {
		o.Deadline = 30 * time.Second
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = certificate.DefaultBytes
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
	if o.Stall == 0 {
		o.Stall = stall
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
	turns turns
}

// New returns the API over a node.
func New(node Node, opt Options) *API {
	opt = opt.withDefaults()
	return &API{node: node, opt: opt, turns: turns{most: opt.AtOnce, by: map[auth.Principal]int{}}}
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

// watched is a connection that tells when its client goes away while the answer is being made, until stop is called. The request has been read.
type watched interface {
	Watch(left func()) (stop func())
}

// within gives a handler the time that one answer may take. It is over when the client goes away, too, where the connection tells.
func (a *API) within(ctx *fasthttp.RequestCtx) (context.Context, func()) {
	work, cancel := context.WithTimeout(context.Background(), a.opt.Deadline)
	conn, ok := ctx.Conn().(watched)
	if !ok {
		return work, cancel
	}
	stop := conn.Watch(cancel)
	return work, func() { stop(); cancel() }
}

// refuse is an error about a request.
func refuse(status int, code, hint, format string, args ...any) error {
	return &query.Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// refuseNow is an error that may have gone in a second.
func refuseNow(status int, code, hint, format string, args ...any) error {
	return &query.Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint, Retry: time.Second}
}

func badParameter(name, value, want string) error {
	return refuse(http.StatusBadRequest, "bad_parameter", want, "%s is %.100q", name, value)
}

// late turns the end of the time into an answer.
func (a *API) late(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return refuse(http.StatusGatewayTimeout, "deadline", "ask for less, or again later", "the answer was not ready within %s", a.opt.Deadline)
	case errors.Is(err, context.Canceled): // nobody reads it, but it is no fault of the node's
		return refuse(http.StatusRequestTimeout, "client_left", "keep the connection open both ways until the answer is there",
			"the client went away before the answer was ready")
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
