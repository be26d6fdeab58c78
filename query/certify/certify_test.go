package certify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fasthttp"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/query"
)

// standIn is a node that does what a test says.
type standIn struct {
	Node    // what is not here is not asked for
	seal    func(context.Context) error
	certify func(context.Context, certificate.Request) (*certificate.Certificate, error)
	hashes  error
}

func (s *standIn) Checkpoint() ([]byte, int64, error) { return []byte("note"), 300, nil }
func (s *standIn) Seal(ctx context.Context) error     { return s.seal(ctx) }
func (s *standIn) Log() tlog.HashReader               { return tlog.HashReaderFunc(s.read) }

func (s *standIn) read(indexes []int64) ([]tlog.Hash, error) {
	return make([]tlog.Hash, len(indexes)), s.hashes
}

func (s *standIn) Certify(ctx context.Context, req certificate.Request) (*certificate.Certificate, error) {
	if s.certify == nil {
		return &certificate.Certificate{Scope: req.Scope}, nil
	}
	return s.certify(ctx, req)
}

func (s *standIn) Policy() ([]byte, error) { return nil, errors.New("there is no policy yet") }

func (s *standIn) Devices(string, []string, int) ([]string, error) {
	return []string{"a", "b", "c"}, nil
}

func waits(ctx context.Context) error {
	<-ctx.Done()
	return fmt.Errorf("the seal: %w", ctx.Err())
}

// ask sends a request to the API, as somebody.
func ask(a *API, scopes auth.Scopes, method, target, body string) (string, *fasthttp.RequestCtx, error) {
	ctx := &fasthttp.RequestCtx{}
	ctx.Request.SetRequestURI(target)
	ctx.Request.SetBodyString(body)
	path := string(ctx.URI().Path())
	for _, r := range a.Routes() {
		before, ofPath := strings.CutSuffix(r.Path, "{path...}")
		rest, matches := strings.CutPrefix(path, before)
		if r.Method != method || !matches || rest != "" && !ofPath {
			continue
		}
		ctx.SetUserValue("path", rest)
		err := r.Handle(ctx, auth.Principal{Tenant: "acme", ID: "somebody", Scopes: scopes})
		return string(ctx.Response.Body()), ctx, err // a stream is read to its end
	}
	return "", ctx, errors.New("no such route")
}

// wantError checks how an error is answered.
func wantError(t *testing.T, what string, err error, status int, code string, retry time.Duration) {
	t.Helper()
	var refused *query.Error
	if !errors.As(err, &refused) || refused.Status != status || refused.Code != code || refused.Retry != retry || refused.Message == "" || refused.Hint == "" {
		t.Errorf("%s: %v, want %d %s and Retry-After %s; %+v", what, err, status, code, retry, refused)
	}
}

// TestWhoMayAskForWhat: ending a seal is for those who may write, whole segments are for operators; what nobody asks for is chosen by what he may.
func TestWhoMayAskForWhat(t *testing.T) {
	for _, tt := range []struct {
		scopes auth.Scopes
		params string
		status int // 0: fine
		seals  bool
	}{
		{auth.Read, "", 0, false}, {auth.Read, "at=newest", 0, false}, {auth.Read, "at=now", 403, false},
		{auth.Read | auth.Write, "", 0, true}, {auth.Read | auth.Write, "at=newest", 0, false}, {auth.Read | auth.Write, "at=now", 0, true},
		{auth.Read | auth.Admin, "", 0, true}, {auth.All, "at=now", 0, true}, {auth.All, "at=soon", 400, false},
		{auth.Read | auth.Write, "format=tar&segments=true", 403, false}, {auth.All, "segments=true", 400, false},
	} {
		sealed := false
		api := New(&standIn{seal: func(context.Context) error { sealed = true; return nil }}, Options{})
		_, _, err := ask(api, tt.scopes, "POST", "/v1/certificates?"+tt.params, `{"prefix":""}`)
		var refused *query.Error
		if status := 0; errors.As(err, &refused) {
			status = refused.Status
			if status != tt.status {
				t.Errorf("%s with %s: %v", tt.scopes, tt.params, err)
			}
		} else if err != nil || tt.status != 0 {
			t.Errorf("%s with %s: %v, want %d", tt.scopes, tt.params, err, tt.status)
		}
		if sealed != tt.seals {
			t.Errorf("%s with %s: ended a seal: %v", tt.scopes, tt.params, sealed)
		}
	}
}

// TestSealsThatWaitBlockNobody: certificates of what is there are given while others wait for a majority.
func TestSealsThatWaitBlockNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := New(&standIn{seal: waits}, Options{AtOnce: 2, Deadline: time.Minute})
		late := make(chan error)
		for range 3 {
			go func() {
				_, _, err := ask(api, auth.All, "POST", "/v1/certificates?at=now", `{"prefix":""}`)
				late <- err
			}()
		}
		synctest.Wait()
		if _, _, err := ask(api, auth.Read, "POST", "/v1/certificates", `{"prefix":""}`); err != nil {
			t.Errorf("beside three that wait for their seals: %v", err)
		}
		for range 3 {
			wantError(t, "without a majority", <-late, 504, "deadline", 0)
		}
	})
}

// TestTurns: as many certificates are held as may be, also while they are sent, and each gives its place back.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		going := make(chan struct{})
		node := &standIn{certify: func(ctx context.Context, req certificate.Request) (*certificate.Certificate, error) {
			<-going
			return &certificate.Certificate{}, nil
		}}
		api := New(node, Options{AtOnce: 1})
		made := make(chan error)
		go func() {
			_, _, err := ask(api, auth.Read, "POST", "/v1/certificates", `{"prefix":""}`)
			made <- err
		}()
		synctest.Wait()
		_, _, err := ask(api, auth.Read, "POST", "/v1/certificates", `{"prefix":""}`)
		wantError(t, "one too many", err, 429, "overloaded", time.Second)
		close(going)
		if err := <-made; err != nil {
			t.Error(err)
		}
		for _, format := range []string{"json", "html", "tar", "json"} {
			_, _, err := ask(api, auth.Read, "POST", "/v1/certificates?format="+format, `{"prefix":""}`)
			if synctest.Wait(); (err != nil) != (format == "tar") || api.turns.taken != 0 {
				t.Errorf("%s: %v, and %d turns are not given back", format, err, api.turns.taken)
			}
		}
		unread := &fasthttp.RequestCtx{}
		unread.Request.SetRequestURI("/v1/certificates")
		unread.Request.SetBodyString(`{"prefix":""}`)
		if err := api.certificate(unread, auth.Principal{Tenant: "acme", ID: "somebody", Scopes: auth.Read}); err != nil || api.turns.taken != 1 {
			t.Errorf("an answer that nobody reads yet: %v, it has %d turns", err, api.turns.taken)
		}
		unread.Response.Reset() // the client went away
		if synctest.Wait(); api.turns.taken != 0 {
			t.Error("an answer that nobody read keeps its turn")
		}
	})
}

func TestRefusals(t *testing.T) {
	fault := errors.New("the disk")
	for _, tt := range []struct {
		err    error
		status int
		code   string
	}{
		{fmt.Errorf("build: %w", certificate.ErrScope), 400, "bad_scope"}, {fmt.Errorf("build: %w", certificate.ErrLimit), 422, "limit"},
		{context.Canceled, 408, "client_left"}, {context.DeadlineExceeded, 504, "deadline"},
	} {
		api := New(&standIn{certify: func(context.Context, certificate.Request) (*certificate.Certificate, error) { return nil, tt.err }}, Options{})
		_, _, err := ask(api, auth.Read, "POST", "/v1/certificates", `{"prefix":""}`)
		wantError(t, tt.err.Error(), err, tt.status, tt.code, 0)
	}
	api := New(&standIn{certify: func(context.Context, certificate.Request) (*certificate.Certificate, error) { return nil, fault }}, Options{})
	if _, _, err := ask(api, auth.Read, "POST", "/v1/certificates", `{"prefix":""}`); !errors.Is(err, fault) {
		t.Errorf("a fault of the node: %v", err)
	}
	_, _, err := ask(New(&standIn{}, Options{MaxDevices: 2}), auth.Read, "POST", "/v1/certificates", `{"match":["hall=3"]}`)
	wantError(t, "too many devices", err, 422, "limit", 0)
	for _, target := range []string{"/tlog/tile/0/000", "/v1/proof/consistency?from=2"} { // the node says what is to be said
		api := New(&standIn{hashes: &query.Error{Status: 503, Code: "not_ready", Message: "m", Hint: "h", Retry: 2 * time.Second}}, Options{})
		_, _, err := ask(api, auth.Read, "GET", target, "")
		wantError(t, target, err, http.StatusServiceUnavailable, "not_ready", 2*time.Second)
	}
}

// TestRequest: what the body says reaches the node, and nothing is larger than the limit.
func TestRequest(t *testing.T) {
	var got certificate.Request
	api := New(&standIn{certify: func(_ context.Context, req certificate.Request) (*certificate.Certificate, error) {
		got = req
		return &certificate.Certificate{}, nil
	}}, Options{MaxBytes: 77})
	_, _, err := ask(api, auth.Read, "POST", "/v1/certificates", `{"devices":["d"],"stream":"s","epochs":[2],"seq":[1,2],"since":[3],"counts_only":true}`)
	stream := "s"
	want := certificate.Request{Since: []int64{3}, Bytes: 77, Scope: certificate.Scope{
		Tenant: "acme", Devices: []string{"d"}, Stream: &stream, Epochs: []uint32{2}, Seq: []uint64{1, 2}, CountsOnly: true,
	}}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("%v %s", err, d)
	}
}

// TestTilesAreKeptByWhoAsked: no cache between may hand them to those who have no token.
func TestTilesAreKeptByWhoAsked(t *testing.T) {
	body, ctx, err := ask(New(&standIn{}, Options{}), auth.Read, "GET", "/tlog/tile/0/000", "")
	if kept := string(ctx.Response.Header.Peek("Cache-Control")); err != nil || len(body) != 256*tlog.HashSize || kept != "private, max-age=31536000, immutable" {
		t.Errorf("%d bytes, %q, %v", len(body), kept, err)
	}
}

// TestAnswerIsWrittenAsItIsRead: nobody holds the encoding of a certificate as a whole.
func TestAnswerIsWrittenAsItIsRead(t *testing.T) {
	c := &certificate.Certificate{Verdict: "COMPLETE", Segments: make([]certificate.Segment, 100_000)}
	api := New(&standIn{certify: func(context.Context, certificate.Request) (*certificate.Certificate, error) { return c, nil }}, Options{})
	var ctx fasthttp.RequestCtx
	ctx.Request.SetRequestURI("/v1/certificates")
	ctx.Request.SetBodyString(`{"prefix":""}`)
	if err := api.certificate(&ctx, auth.Principal{Tenant: "acme", ID: "somebody", Scopes: auth.Read}); err != nil {
		t.Fatal(err)
	}
	if !ctx.Response.IsBodyStream() || string(ctx.Response.Header.Peek("X-Gapless-Verdict")) != "COMPLETE" {
		t.Errorf("a stream: %v", ctx.Response.IsBodyStream())
	}
	want, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(ctx.Response.BodyStream()); err != nil || string(got) != string(want) {
		t.Errorf("%d bytes, want %d, %v", len(got), len(want), err)
	}
}
