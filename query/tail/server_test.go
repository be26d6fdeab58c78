package tail

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
	"go.uber.org/goleak"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/query"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"), // looks every 10 s whether it has to end
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// server serves the API on a real connection, with the glue that the root has. The tenant comes from the Authorization header.
type server struct {
	api    *API
	client *http.Client
	url    string
}

func newServer(t tester, s *store, opt Options) *server {
	t.Helper()
	return newServerWith(t, s, opt, time.Minute)
}

// newServerWith is newServer where a whole request, and its answer, may take so long.
func newServerWith(t tester, s *store, opt Options, timeout time.Duration) *server {
	t.Helper()
	api, err := New(s, s, s, opt)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &fasthttp.Server{Handler: glue(api.Routes()), NoDefaultContentType: true, WriteTimeout: timeout, ReadTimeout: timeout}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(listener) }()
	transport := &http.Transport{}
	t.Cleanup(func() {
		err := api.Close()
		transport.CloseIdleConnections()
		err = errors.Join(err, srv.Shutdown())
		_ = listener.Close() // Serve may not have begun
		if served := <-done; served != nil && !errors.Is(served, net.ErrClosed) {
			err = errors.Join(err, served)
		}
		if err != nil {
			t.Errorf("%v", err)
		}
		if s.opened != 0 {
			t.Errorf("%d segments stay open", s.opened)
		}
	})
	return &server{api: api, client: &http.Client{Transport: transport}, url: "http://" + listener.Addr().String()}
}

// glue is a small copy of the root's router.
func glue(routes []query.Route) fasthttp.RequestHandler {
	return func(ctx *fasthttp.RequestCtx) {
		path := strings.Split(string(ctx.URI().PathOriginal()), "/")
		for _, r := range routes {
			method := string(ctx.Method())
			if (method == r.Method || method == http.MethodHead && r.Method == http.MethodGet) && matchPath(ctx, strings.Split(r.Path, "/"), path) {
				if err := r.Handle(ctx, auth.Principal{Tenant: string(ctx.Request.Header.Peek("Authorization")), ID: "tester"}); err != nil {
					writeError(ctx, err)
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

func writeError(ctx *fasthttp.RequestCtx, err error) {
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

// tailed is an open tail.
type tailed struct {
	t      tester
	resp   *http.Response
	lines  *bufio.Scanner
	cancel context.CancelFunc
	at     string // position of the last line
}

// open asks for a stream. pairs are name, value of the query; a name in capitals is a header.
func (s *server) open(t tester, path string, pairs ...string) *tailed {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	resp := s.do(ctx, t, http.MethodGet, path, "", pairs...)
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 8<<20)
	return &tailed{t: t, resp: resp, lines: lines, cancel: cancel}
}

func (s *server) do(ctx context.Context, t tester, method, path, body string, pairs ...string) *http.Response {
	t.Helper()
	q := url.Values{}
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "acme")
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] == strings.ToUpper(pairs[i]) {
			req.Header.Set(pairs[i], pairs[i+1])
		} else {
			q.Add(pairs[i], pairs[i+1])
		}
	}
	req.URL.RawQuery = q.Encode()
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// ask does a request that is no stream and returns status and body.
func (s *server) ask(t tester, method, path, body string, pairs ...string) (int, string) {
	t.Helper()
	resp := s.do(context.Background(), t, method, path, body, pairs...)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// anyLine is what tests read of a line.
type anyLine struct {
	At       string
	Position string
	End      *lastWord
	Event    string
}

func parseLine(t tester, text string) (l anyLine) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		t.Fatalf("%v in line %q", err, text)
	}
	return l
}

// next reads a line, false at the end.
func (c *tailed) next() (string, bool) {
	if !c.lines.Scan() {
		return "", false
	}
	return c.lines.Text(), true
}

// frames reads n frames, or all up to the last line with n < 0. Lines of progress are left out.
func (c *tailed) frames(n int) (frames []string, end *lastWord) {
	c.t.Helper()
	for len(frames) != n {
		text, ok := c.next()
		if !ok {
			c.t.Fatalf("the stream ended after %d frames without a last line: %v", len(frames), c.lines.Err())
		}
		l := parseLine(c.t, text)
		switch {
		case l.End != nil:
			c.at = l.End.Position
			return frames, l.End
		case l.At != "":
			c.at = l.At
		default:
			c.at = l.Position
			frames = append(frames, text)
		}
	}
	return frames, nil
}

func (c *tailed) close() {
	c.cancel()
	_ = c.resp.Body.Close()
}

// all reads a tail that has an end.
func (s *server) all(t tester, pairs ...string) ([]string, *lastWord) {
	t.Helper()
	c := s.open(t, "/v1/tail", pairs...)
	defer c.close()
	if c.resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(c.resp.Body)
		t.Fatalf("%v: %d %s", pairs, c.resp.StatusCode, b)
	}
	frames, end := c.frames(-1)
	if end.Code != "until" && end.Code != "limit" {
		t.Fatalf("%v: after %d frames: %+v", pairs, len(frames), end)
	}
	return frames, end
}

// same compares lines.
func same(t tester, what string, got, want []string) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("%s: line %d of %d is\n%.300s, want\n%.300s", what, i, len(got), got[i], want[i])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%s: %d lines, want %d%s", what, len(got), len(want), firstOf(got[min(len(got), len(want)):], want[min(len(got), len(want)):]))
	}
}

func firstOf(more, less []string) string {
	if len(more) > 0 {
		return fmt.Sprintf(", the first too many: %.300s", more[0])
	}
	return fmt.Sprintf(", the first that is missing: %.300s", less[0])
}
