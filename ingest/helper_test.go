package ingest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"
)

// testTime is the receive time of every request in tests.
var testTime = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// door is a handler behind a real fasthttp server on an in-memory listener, with a router like the root's.
type door struct {
	t        testing.TB
	proposer *fakeProposer
	handler  *Handler
	client   *fasthttp.Client
	reg      *prometheus.Registry
	token    string
}

// doorOptions are Options and what the test's root is set to.
type doorOptions struct {
	Options
	stream  bool // the server hands bodies on as streams
	secured bool // a token is needed
}

func newDoor(t testing.TB, opt doorOptions) *door {
	t.Helper()
	reg := prometheus.NewRegistry()
	if opt.Clock == nil {
		opt.Clock = func() time.Time { return testTime }
	}
	opt.Node, opt.Metrics = "n1", reg
	p := newFakeProposer(t)
	h, err := New(p, opt.Options)
	if err != nil {
		t.Fatal(err)
	}
	d := &door{t: t, proposer: p, handler: h, reg: reg}
	root := &testRoot{routes: h.Routes(), tokens: d.tokens(opt.secured)}
	server := &fasthttp.Server{Handler: root.serve, StreamRequestBody: opt.stream, MaxRequestBodySize: 256 << 20, NoDefaultContentType: true,
		Logger: quiet{}}
	listener := fasthttputil.NewInmemoryListener()
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	d.client = &fasthttp.Client{Dial: func(string) (net.Conn, error) { return listener.Dial() }, MaxConnsPerHost: 64, DisablePathNormalizing: true}
	t.Cleanup(func() {
		d.client.CloseIdleConnections()
		err := server.Shutdown()
		_ = listener.Close() // closed already, unless Serve had not begun when Shutdown came
		if err := errors.Join(err, <-done); err != nil {
			t.Error(err)
		}
		if held := h.gate.inFlight(); held != 0 {
			t.Errorf("%d bytes are still in flight after the last request", held)
		}
	})
	return d
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

// tokens are an insecure set, or one with a token for tenant default that the door then sends.
func (d *door) tokens(secured bool) *auth.Tokens {
	opt := auth.Options{Insecure: !secured}
	path := ""
	if secured {
		plain, line, err := auth.NewToken(auth.Principal{Tenant: frame.DefaultTenant, ID: "gw", Scopes: auth.Write})
		if err != nil {
			d.t.Fatal(err)
		}
		d.token = plain
		path = writeFile(d.t, line)
	}
	tokens, err := auth.LoadTokens(path, opt)
	if err != nil {
		d.t.Fatal(err)
	}
	return tokens
}

// testRoot does what the root does for a route: path, principal, scope, error body.
type testRoot struct {
	routes []Route
	tokens *auth.Tokens
}

func (r *testRoot) serve(ctx *fasthttp.RequestCtx) {
	err := r.dispatch(ctx)
	if err == nil {
		return
	}
	body := ErrorBody{Code: "internal", Message: err.Error()}
	status := 500
	var shaped interface {
		HTTPError() (status int, code, message, hint string)
	}
	if errors.As(err, &shaped) {
		status, body.Code, body.Message, body.Hint = shaped.HTTPError()
	}
	var pause interface{ RetryAfter() time.Duration }
	if errors.As(err, &pause) && pause.RetryAfter() > 0 {
		ctx.Response.Header.Set("Retry-After", strconv.Itoa(int(pause.RetryAfter().Seconds())))
	}
	text, _ := json.Marshal(struct {
		Error ErrorBody `json:"error"`
	}{body})
	ctx.Response.ResetBody()
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.SetBody(text)
}

func (r *testRoot) dispatch(ctx *fasthttp.RequestCtx) error {
	p, err := r.tokens.Authenticate(string(ctx.Request.Header.Peek("Authorization")), false)
	if err != nil {
		code := "bad_token"
		if errors.Is(err, auth.ErrNoToken) {
			code = "no_token"
		}
		return &Error{Status: 401, Code: code, Message: err.Error()}
	}
	segments := strings.Split(string(ctx.URI().PathOriginal()), "/")
	for _, route := range r.routes {
		if route.Method != string(ctx.Method()) || !matches(strings.Split(route.Path, "/"), segments, ctx) {
			continue
		}
		if !p.Scopes.Has(route.Scope) {
			return &Error{Status: 403, Code: "forbidden", Message: p.ID + " has not the scope " + route.Scope.String()}
		}
		return route.Handle(ctx, p)
	}
	return &Error{Status: 404, Code: "unknown_path", Message: string(ctx.Path())}
}

func matches(pattern, segments []string, ctx *fasthttp.RequestCtx) bool {
	if len(pattern) != len(segments) {
		return false
	}
	for i, want := range pattern {
		if strings.HasPrefix(want, "{") {
			text, err := url.PathUnescape(segments[i])
			if err != nil {
				return false
			}
			ctx.SetUserValue(strings.Trim(want, "{}"), text)
		} else if want != segments[i] {
			return false
		}
	}
	return true
}

// request is what a test sends; the zero value is JSON to /v1/frames.
type request struct {
	method  string // default POST
	path    string
	body    []byte
	kind    string // Content-Type
	headers map[string]string
	chunked bool
}

// reply is what came back.
type reply struct {
	status int
	code   string // of the error, "" for none
	body   []byte
	answer Answer
	header *fasthttp.ResponseHeader
}

func (d *door) send(r request) reply {
	d.t.Helper()
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	path := r.path
	if path == "" {
		path = "/v1/frames"
	}
	req.SetRequestURI("http://door" + path)
	req.Header.SetMethod(cmp.Or(r.method, "POST"))
	kind := r.kind
	if kind == "" {
		kind = "application/json"
	}
	if kind != "none" {
		req.Header.SetContentType(kind)
	}
	if d.token != "" {
		req.Header.Set("Authorization", "Bearer "+d.token)
	}
	for name, value := range r.headers {
		req.Header.Set(name, value)
	}
	if r.chunked {
		req.SetBodyStream(bytes.NewReader(r.body), -1)
	} else {
		req.SetBody(r.body)
	}
	if err := d.client.Do(req, resp); err != nil {
		d.t.Fatalf("%s: %v", path, err)
	}
	out := reply{status: resp.StatusCode(), body: bytes.Clone(bytes.TrimSpace(resp.Body())), header: &fasthttp.ResponseHeader{}}
	resp.Header.CopyTo(out.header)
	if err := json.Unmarshal(out.body, &out.answer); err != nil {
		d.t.Fatalf("%s answered %d %q: %v", path, out.status, out.body, err)
	}
	if out.answer.Error != nil {
		out.code = out.answer.Error.Code
	}
	return out
}

func (d *door) json(body string) reply {
	d.t.Helper()
	return d.send(request{body: []byte(body)})
}

func (d *door) ndjson(body string) reply {
	d.t.Helper()
	return d.send(request{body: []byte(body), kind: "application/x-ndjson"})
}

// balance checks that every item that was received has one outcome.
func (d *door) balance() Tally {
	d.t.Helper()
	now := d.handler.Counters().Snapshot()
	if now.Balance() != 0 {
		d.t.Errorf("balance B is %d: %+v", now.Balance(), now)
	}
	return now
}

func writeFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
