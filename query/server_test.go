package query

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"
)

// server serves the routes of an API over a real fasthttp server in memory, with the glue that the root has: path parameters are
// unescaped segment by segment, errors with HTTPError become the error body, the tenant comes from the Authorization header.
type server struct {
	t      testing.TB
	store  *store
	api    *API
	client *http.Client
}

func newServer(t testing.TB, s *store, opt Options) *server {
	t.Helper()
	api, err := New(s, s, opt)
	if err != nil {
		t.Fatal(err)
	}
	listener := fasthttputil.NewInmemoryListener()
	srv := &fasthttp.Server{Handler: glue(api.Routes()), NoDefaultContentType: true}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(listener) }()
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return listener.Dial() }}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := errors.Join(srv.Shutdown(), <-done); err != nil {
			t.Error(err)
		}
	})
	return &server{t: t, store: s, api: api, client: &http.Client{Transport: transport}}
}

// glue is a small copy of the root's router.
func glue(routes []Route) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		path := strings.Split(string(ctx.URI().PathOriginal()), "/")
		for _, r := range routes {
			if r.Method == string(ctx.Method()) && matchPath(ctx, strings.Split(r.Path, "/"), path) {
				tenant := string(ctx.Request.Header.Peek("Authorization"))
				scopes := r.Scope
				if name, ok := strings.CutPrefix(tenant, "admin "); ok {
					tenant, scopes = name, auth.All
				}
				if err := r.Handle(ctx, auth.Principal{Tenant: tenant, ID: "test", Scopes: scopes}); err != nil {
					writeTestError(ctx, err)
				}
				return
			}
		}
		ctx.SetStatusCode(http.StatusNotFound)
	}
}

func matchPath(ctx *fasthttp.RequestCtx, pattern, path []string) bool {
	if len(pattern) != len(path) {
		return false
	}
	for i := range pattern {
		if strings.HasPrefix(pattern[i], "{") {
			value, err := url.PathUnescape(path[i])
			if err != nil {
				return false
			}
			ctx.SetUserValue(strings.Trim(pattern[i], "{}"), value)
		} else if pattern[i] != path[i] {
			return false
		}
	}
	return true
}

func writeTestError(ctx *fasthttp.RequestCtx, err error) {
	status, code, message, hint := http.StatusInternalServerError, "internal", err.Error(), ""
	var shaped interface {
		HTTPError() (status int, code, message, hint string)
	}
	if errors.As(err, &shaped) {
		status, code, message, hint = shaped.HTTPError()
	}
	body, _ := json.Marshal(map[string]any{"error": map[string]string{"code": code, "message": message, "hint": hint}})
	ctx.Response.ResetBody()
	ctx.SetStatusCode(status)
	ctx.SetBody(body)
}

// get asks as a tenant ("admin NAME": with every scope) and returns status and body. pairs are name, value of the query.
func (s *server) get(tenant, path string, pairs ...string) (int, string) {
	s.t.Helper()
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Add(pairs[i], pairs[i+1])
	}
	status, _, body := s.do(tenant, path, q.Encode(), "")
	return status, body
}

func (s *server) do(tenant, path, query, accept string) (status int, contentType, body string) {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodGet, "http://gapless"+path+"?"+query, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", tenant)
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(bufio.NewReader(resp.Body))
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), string(b)
}

// ok asks and decodes an answer that must be 200.
func (s *server) ok(t tester, tenant, path string, pairs ...string) answer {
	t.Helper()
	status, body := s.get(tenant, path, pairs...)
	if status != http.StatusOK {
		t.Fatalf("GET %s %v: %d %s", path, pairs, status, body)
	}
	return decode(t, body)
}

// use puts another store and other limits behind the server, between two requests.
func (s *server) use(store *store, opt Options) {
	s.store = store
	s.api.source, s.api.opener, s.api.opt = store, store, opt.withDefaults()
}

// answer is what tests read of any answer.
type answer struct {
	Frames       []answerFrame       `json:"frames"`
	Devices      []json.RawMessage   `json:"devices"`
	Epochs       []answerEpoch       `json:"epochs"`
	Gaps         []ledger.GapRow     `json:"gaps"`
	Totals       ledger.GapTotals    `json:"totals"`
	Streams      json.RawMessage     `json:"streams"`
	Reports      []ledgerReport      `json:"reports"`
	AsOf         []answerAsOf        `json:"as_of"`
	Completeness *answerCompleteness `json:"completeness"`
	Stats        answerStats         `json:"stats"`
	Next         *string             `json:"next"`
	Error        struct{ Code, Message, Hint string }
}

type answerStats struct{ Segments, Blocks, Bytes, Rows int }

type answerFrame struct {
	Device, Stream string
	Epoch          uint32
	Seq            uint64
	Fields         map[string]any
	Raw            string
}

type answerEpoch struct {
	Stream string
	Epoch  uint32
	Runs   [][2]uint64
}

type ledgerReport struct {
	Device, Stream string
	Gaps           []ledger.GapReport
	GapsTotal      uint64 `json:"gaps_total"`
}

type answerAsOf struct {
	Partition      uint32
	History, Index uint64
	Time           string
}

type answerCompleteness struct {
	Ratio                     json.Number
	Verdict                   string
	Expected, Stored, Missing uint64
	CompleteThrough           *struct {
		Epoch *uint32
		Seq   *uint64
		Time  string
	} `json:"complete_through"`
}

func decode(t tester, body string) (a answer) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(body))
	if err := d.Decode(&a); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return a
}
