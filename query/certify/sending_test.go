package certify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/proof/certificate"
)

// serve answers over real connections, whose writes have a deadline of their own until somebody renews it. It returns one on which a certificate of some
// 30 MB was asked for: more than the buffers of both ends take.
func serve(t *testing.T, api *API, writeTimeout time.Duration) net.Conn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &fasthttp.Server{WriteTimeout: writeTimeout, Handler: func(ctx *fasthttp.RequestCtx) {
		if err := api.certificate(ctx, auth.Principal{Tenant: "acme", ID: "somebody", Scopes: auth.Read}); err != nil {
			ctx.Error(err.Error(), fasthttp.StatusInternalServerError)
		}
	}}
	ended := make(chan error)
	go func() { ended <- srv.Serve(l) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(conn.Close(), srv.Shutdown(), <-ended); err != nil {
			t.Error(err)
		}
	})
	const body = `{"prefix":""}`
	if _, err := fmt.Fprintf(conn, "POST /v1/certificates HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		t.Fatal(err)
	}
	return conn
}

// large is a node whose certificates have some 30 MB.
func large() *standIn {
	c := &certificate.Certificate{Verdict: "COMPLETE", Segments: make([]certificate.Segment, 1_000_000)}
	return &standIn{certify: func(context.Context, certificate.Request) (*certificate.Certificate, error) { return c, nil }}
}

// TestSlowClientGetsAll: whoever takes each piece in time gets the whole, however long that takes in all.
func TestSlowClientGetsAll(t *testing.T) {
	const writeTimeout = 100 * time.Millisecond
	conn := serve(t, New(large(), Options{}), writeTimeout)
	began, n := time.Now(), 0
	pace := time.NewTicker(writeTimeout / 4)
	defer pace.Stop()
	for b, end := make([]byte, 2<<20), []byte(nil); !bytes.HasSuffix(end, []byte("0\r\n\r\n")); <-pace.C { // at most 80 MB/s
		got, err := conn.Read(b)
		if n += got; err != nil {
			t.Fatalf("after %d bytes and %s: %v", n, time.Since(began), err)
		}
		end = append(end, b[:got]...)
		end = end[max(0, len(end)-5):]
	}
	if took := time.Since(began); took < 2*writeTimeout || n < 30_000_000 {
		t.Errorf("%d bytes in %s: this client is not slow", n, took)
	}
}

// heard is a log that says when something was written to it.
type heard chan struct{}

func (h heard) Write(p []byte) (int, error) {
	h <- struct{}{}
	return len(p), nil
}

// TestWhoTakesNothingIsCutOff, and gives the turn back.
func TestWhoTakesNothingIsCutOff(t *testing.T) {
	broken := make(heard, 8)
	api := New(large(), Options{AtOnce: 1, Stall: 50 * time.Millisecond, Logger: slog.New(slog.NewTextHandler(broken, nil))})
	conn := serve(t, api, time.Hour)
	if _, err := io.ReadFull(conn, make([]byte, 100)); err != nil { // it is being sent
		t.Fatal(err)
	}
	select {
	case <-broken:
	case <-time.After(30 * time.Second):
		t.Fatal("it holds its turn for 30 s")
	}
	for api.turns.free(auth.Principal{ID: "another"}) != nil {
		runtime.Gosched() // the turn comes back behind the message
	}
	if n, err := io.Copy(io.Discard, conn); n > 30_000_000 {
		t.Errorf("%d bytes, %v: all of it was in the buffers", n, err)
	}
}

// TestOneTurnEach: of those with a token nobody takes all the turns, and no seal is ended for one who would get none.
func TestOneTurnEach(t *testing.T) {
	seals := 0
	api := New(&standIn{seal: func(context.Context) error { seals++; return nil }}, Options{AtOnce: 2})
	get := func(id, target string) (*fasthttp.RequestCtx, error) { // an answer that is not read holds its turn
		ctx := &fasthttp.RequestCtx{}
		ctx.Request.SetRequestURI(target)
		ctx.Request.SetBodyString(`{"prefix":""}`)
		return ctx, api.certificate(ctx, auth.Principal{Tenant: "acme", ID: id, Scopes: auth.All})
	}
	if _, err := get("a", "/v1/certificates?at=newest"); err != nil {
		t.Fatal(err)
	}
	_, err := get("a", "/v1/certificates?at=now")
	wantError(t, "a second one for a", err, 429, "overloaded", time.Second)
	held, err := get("b", "/v1/certificates?at=newest")
	if err != nil {
		t.Fatal(err)
	}
	_, err = get("c", "/v1/certificates?at=now")
	wantError(t, "a third one", err, 429, "overloaded", time.Second)
	if seals != 0 {
		t.Errorf("%d seals were ended for requests that were refused", seals)
	}
	held.Response.Reset() // the client went away
	for api.turns.free(auth.Principal{ID: "b"}) != nil {
		runtime.Gosched()
	}
	if _, err := get(auth.Anonymous, "/v1/certificates?at=now"); err != nil || seals != 1 {
		t.Errorf("once a turn is free: %v, %d seals", err, seals)
	}
	all := New(&standIn{}, Options{AtOnce: 2})
	for range 2 {
		if _, err := all.turns.take(auth.Principal{ID: auth.Anonymous}); err != nil {
			t.Errorf("without tokens: %v", err)
		}
	}
}

// TestNoSealForABadRequest: what no log could meet is refused first.
func TestNoSealForABadRequest(t *testing.T) {
	since := make([]int64, 65)
	for i := range since {
		since[i] = int64(i + 1)
	}
	many, err := json.Marshal(map[string]any{"prefix": "", "since": since})
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{
		`{}`, `{"prefix":"","epochs":[2,1]}`, `{"prefix":"","since":[0]}`, string(many),
		`{"prefix":"","time":["2026-11-21T10:00:00Z","2026-11-21T09:00:00Z"]}`, `{"prefix":"","seq":[1]}`,
	} {
		api := New(&standIn{seal: func(context.Context) error { t.Errorf("%.60s: a seal was ended", body); return nil }}, Options{})
		_, _, err := ask(api, auth.All, "POST", "/v1/certificates?at=now", body)
		wantError(t, body[:min(len(body), 60)], err, 400, "bad_scope", 0)
	}
}
