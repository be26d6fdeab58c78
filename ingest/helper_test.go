package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
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

// fakeProposer keeps batches as a store would: by number, with the first content winning. It fails the test when a batch is not one that
// a reader accepts.
type fakeProposer struct {
	t testing.TB

	mu       sync.Mutex
	index    uint64
	frames   map[string]uint32 // name of the frame -> fingerprint
	keys     map[string]Request
	answers  map[string]Result
	requests []Request
	commands []fakeCommand

	fail   error    // returned instead of storing
	refuse []uint64 // numbers that apply will not take
}

type fakeCommand struct {
	kind    uint16
	version uint8
	body    []byte
}

func newFakeProposer(t testing.TB) *fakeProposer {
	return &fakeProposer{t: t, frames: map[string]uint32{}, keys: map[string]Request{}, answers: map[string]Result{}}
}

func (p *fakeProposer) ProposeFrames(_ context.Context, req Request) (Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return Result{}, p.fail
	}
	name := req.Tenant + "/" + req.Key
	if first, ok := p.keys[name]; ok && req.Key != "" {
		if first.BodySHA256 != req.BodySHA256 {
			return Result{}, &RefusedError{Status: 422, Code: "idempotency_mismatch", Message: "this key was used for another body", Hint: "use a new key"}
		}
		res := p.answers[name]
		res.Replayed = true
		return res, nil
	}
	res := p.store(req)
	p.requests = append(p.requests, req)
	p.keys[name], p.answers[name] = req, res
	return res, nil
}

func (p *fakeProposer) store(req Request) Result {
	var r frame.Reader
	if err := r.Reset(req.Batch); err != nil {
		p.t.Errorf("the door proposed a batch that nobody can read: %v", err)
		return Result{}
	}
	if err := r.VerifyFingerprints(); err != nil {
		p.t.Errorf("the door proposed wrong fingerprints: %v", err)
	}
	defs := map[frame.StreamID]frame.StreamKey{}
	for d := range r.Defs() {
		if d.Key.Tenant != req.Tenant || strings.HasPrefix(d.Key.Device, "_") {
			p.t.Errorf("the door let %q of a client of tenant %q in", d.Key, req.Tenant)
		}
		defs[d.ID] = d.Key
	}
	p.index++
	res := Result{Position: frame.Position{History: 1, Index: p.index}, Rejected: r.NumRejects()}
	var g frame.Group
	var it frame.Item
	for ordinal := uint32(0); r.NextGroup(&g); {
		for ; r.Next(&it); ordinal++ {
			p.storeFrame(&res, ordinal, fmt.Sprint(defs[g.Stream], g.Epoch, " ", it.Seq), g.Unseq, &it)
		}
	}
	return res
}

func (p *fakeProposer) storeFrame(res *Result, ordinal uint32, name string, unseq bool, it *frame.Item) {
	for _, n := range p.refuse {
		if it.Seq == n {
			res.Refused = append(res.Refused, Refusal{ordinal, "too_many_streams", "the tenant has as many streams as it may"})
			return
		}
	}
	if unseq {
		name = fmt.Sprint(name, p.index, ordinal)
	}
	first, known := p.frames[name]
	switch {
	case !known:
		p.frames[name] = it.Fingerprint
		res.Accepted++
	case first == it.Fingerprint:
		res.Duplicate++
	default:
		res.Conflict++
	}
}

func (p *fakeProposer) ProposeCommand(_ context.Context, kind uint16, version uint8, body []byte) (frame.Position, []byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return frame.Position{}, nil, p.fail
	}
	p.index++
	p.commands = append(p.commands, fakeCommand{kind, version, body})
	return frame.Position{History: 1, Index: p.index}, []byte(`{"epoch":1}`), nil
}

// last decodes the newest proposed batch.
func (p *fakeProposer) last() decoded {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.requests) == 0 {
		p.t.Fatal("nothing was proposed")
	}
	return decode(p.t, p.requests[len(p.requests)-1].Batch)
}

// decoded is a batch with all names resolved.
type decoded struct {
	header  frame.Header
	frames  []decodedFrame
	rejects []decodedReject
}

type decodedFrame struct {
	key   frame.StreamKey
	group frame.Group
	frame frame.Frame
}

type decodedReject struct {
	key    frame.StreamKey
	reject frame.Reject
}

func decode(t testing.TB, batch []byte) decoded {
	t.Helper()
	var r frame.Reader
	if err := r.Reset(batch); err != nil {
		t.Fatal(err)
	}
	defs := map[frame.StreamID]frame.StreamKey{}
	for d := range r.Defs() {
		defs[d.ID] = d.Key
	}
	out := decoded{header: r.Header()}
	var g frame.Group
	var it frame.Item
	for r.NextGroup(&g) {
		for r.Next(&it) {
			var f frame.Frame
			it.Decode(&f)
			out.frames = append(out.frames, decodedFrame{defs[g.Stream], g, f})
		}
	}
	for rej := range r.Rejects() {
		out.rejects = append(out.rejects, decodedReject{defs[rej.Group.Stream], rej})
	}
	return out
}

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
		if !matches(strings.Split(route.Path, "/"), segments, ctx) {
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
	req.Header.SetMethod("POST")
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
	out := reply{status: resp.StatusCode(), body: bytes.Clone(resp.Body()), header: &fasthttp.ResponseHeader{}}
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
