package influx

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"
)

// testTime is the receive time of every request in tests.
var testTime = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

// stored is a frame as it reached the store.
type stored struct {
	key   frame.StreamKey
	group frame.Group
	frame frame.Frame
}

// memory is a Proposer that keeps numbered frames once, by their number.
type memory struct {
	t        testing.TB
	mu       sync.Mutex // protects all below
	frames   []stored
	rejects  []frame.Reject
	last     ingest.Request
	seen     map[string]uint32
	requests int

	fail   error
	refuse []ingest.Refusal // of the next batch
	replay bool             // the key is known: nothing is stored
}

func (m *memory) ProposeFrames(_ context.Context, req ingest.Request) (ingest.Result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = req
	if m.fail != nil {
		return ingest.Result{}, m.fail
	}
	m.requests++
	res := ingest.Result{Position: frame.Position{History: 1, Index: uint64(m.requests)}, Refused: m.refuse}
	m.refuse = nil
	if res.Replayed = m.replay; m.replay {
		return res, nil
	}
	var r frame.Reader
	if err := r.Reset(req.Batch); err != nil {
		m.t.Errorf("the batch cannot be read: %v", err)
		return res, nil
	}
	if got := r.Header().Listener; got != Listener {
		m.t.Errorf("the batch says that it came through %q", got)
	}
	keys := map[frame.StreamID]frame.StreamKey{}
	for def := range r.Defs() {
		keys[def.ID] = def.Key
	}
	var g frame.Group
	var it frame.Item
	for ordinal := uint32(0); r.NextGroup(&g); {
		for ; r.Next(&it); ordinal++ {
			m.arrive(&res, keys[g.Stream], g, &it, ordinal)
		}
	}
	for reject := range r.Rejects() {
		m.rejects = append(m.rejects, reject)
		res.Rejected++
	}
	return res, nil
}

func (m *memory) arrive(res *ingest.Result, key frame.StreamKey, g frame.Group, it *frame.Item, ordinal uint32) {
	for _, refusal := range res.Refused {
		if refusal.Ordinal == ordinal {
			return
		}
	}
	if !g.Unseq {
		name := key.Device + "\x00" + key.Stream + "\x00" + g.Epoch + "\x00" + strconv.FormatUint(it.Seq, 10)
		if first, known := m.seen[name]; known && first == it.Fingerprint {
			res.Duplicate++
			return
		} else if known {
			res.Conflict++
			return
		}
		m.seen[name] = it.Fingerprint
	}
	var f frame.Frame
	it.Decode(&f)
	m.frames = append(m.frames, stored{key, g, f})
	res.Accepted++
}

func (m *memory) ProposeCommand(context.Context, uint16, uint8, []byte) (frame.Position, []byte, error) {
	m.t.Error("lines are no commands")
	return frame.Position{}, nil, nil
}

// rig is a door over a memory.
type rig struct {
	t      testing.TB
	store  *memory
	door   *Door
	tokens *auth.Tokens
}

func newRig(t testing.TB, opt Options, limits ingest.Options) *rig {
	t.Helper()
	r := &rig{t: t, store: &memory{t: t, seen: map[string]uint32{}}}
	limits.Clock = func() time.Time { return testTime }
	h, err := ingest.New(r.store, limits)
	if err != nil {
		t.Fatal(err)
	}
	if r.door, err = New(h, opt); err != nil {
		t.Fatal(err)
	}
	if r.tokens, err = auth.LoadTokens("", auth.Options{Insecure: true}); err != nil {
		t.Fatal(err)
	}
	return r
}

// secure makes the rig ask for a token, and returns it.
func (r *rig) secure(scopes auth.Scopes) string {
	r.t.Helper()
	plain, line, err := auth.NewToken(auth.Principal{Tenant: frame.DefaultTenant, ID: "telegraf", Scopes: scopes})
	if err != nil {
		r.t.Fatal(err)
	}
	path := filepath.Join(r.t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
		r.t.Fatal(err)
	}
	if r.tokens, err = auth.LoadTokens(path, auth.Options{}); err != nil {
		r.t.Fatal(err)
	}
	return plain
}

// serve does what the root does for a route: path, principal, scope, errors.
func (r *rig) serve(ctx *fasthttp.RequestCtx) {
	for _, route := range r.door.Routes() {
		head := ctx.IsHead() && route.Method == fasthttp.MethodGet
		if route.Path != string(ctx.Path()) || route.Method != string(ctx.Method()) && !head {
			continue
		}
		if err := r.enter(ctx, route); err != nil {
			r.refuse(ctx, route, err)
		}
		return
	}
	ctx.SetStatusCode(fasthttp.StatusNotFound)
}

func (r *rig) enter(ctx *fasthttp.RequestCtx, route ingest.Route) error {
	if route.Open {
		return route.Handle(ctx, auth.Principal{})
	}
	p, err := r.tokens.Authenticate(route.Credentials(ctx), false)
	switch {
	case errors.Is(err, auth.ErrNoToken):
		return &ingest.Error{Status: 401, Code: "no_token", Message: err.Error()}
	case err != nil:
		return &ingest.Error{Status: 401, Code: "bad_token", Message: err.Error()}
	case !p.Scopes.Has(route.Scope):
		return &ingest.Error{Status: 403, Code: "forbidden", Message: p.ID + " has not the scope " + route.Scope.String()}
	}
	return route.Handle(ctx, p)
}

func (r *rig) refuse(ctx *fasthttp.RequestCtx, route ingest.Route, err error) {
	status, e := 500, ingest.ErrorBody{Code: "internal", Message: err.Error()}
	var refusal *ingest.Error
	if errors.As(err, &refusal) {
		status, e.Code, e.Message, e.Hint = refusal.HTTPError()
		if wait := refusal.RetryAfter(); wait > 0 {
			ctx.Response.Header.Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
		}
	}
	ctx.Response.ResetBody()
	route.Fail(ctx, status, e)
}

// post sends lines to a path without a socket.
func (r *rig) post(path, body string, headers ...string) *fasthttp.Response {
	var ctx fasthttp.RequestCtx
	ctx.Request.Header.SetMethod("POST")
	ctx.Request.SetRequestURI(path)
	for i := 0; i < len(headers); i += 2 {
		ctx.Request.Header.Set(headers[i], headers[i+1])
	}
	ctx.Request.SetBodyString(body)
	r.serve(&ctx)
	var out fasthttp.Response
	ctx.Response.CopyTo(&out)
	return &out
}

// balance checks that every line that was received has one outcome.
func (r *rig) balance() ingest.Tally {
	r.t.Helper()
	now := r.door.Counters().Snapshot()
	if now.Balance() != 0 {
		r.t.Errorf("balance B is %d: %+v", now.Balance(), now)
	}
	return now
}

// listen starts a real server, and returns how one connection is opened to it.
func (r *rig) listen() (dial func() (net.Conn, error)) {
	server := &fasthttp.Server{Handler: r.serve, StreamRequestBody: true, NoDefaultContentType: true, NoDefaultDate: true, Name: "gapless"}
	listener := fasthttputil.NewInmemoryListener()
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	r.t.Cleanup(func() {
		if err := errors.Join(server.Shutdown(), <-done); err != nil {
			r.t.Error(err)
		}
	})
	return listener.Dial
}

// exchange sends the bytes of a request that closes its connection, and returns those of the answer.
func (r *rig) exchange(dial func() (net.Conn, error), request string) string {
	r.t.Helper()
	conn, err := dial()
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err = conn.Write([]byte(request)); err != nil {
		r.t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err = errors.Join(err, conn.Close()); err != nil {
		r.t.Fatal(err)
	}
	return string(answer)
}
