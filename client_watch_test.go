package gapless

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/gaplessdb/gapless/auth"
	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/query/certify"
)

// slowNode makes certificates when it is let go, or never.
type slowNode struct {
	certify.Node
	started chan struct{}
	going   chan struct{}
	ended   chan error
}

func (s *slowNode) Checkpoint() ([]byte, int64, error) { return []byte("note"), 1, nil }

func (s *slowNode) Certify(ctx context.Context, _ certificate.Request) (*certificate.Certificate, error) {
	s.started <- struct{}{}
	select {
	case <-s.going:
		return &certificate.Certificate{}, nil
	case <-ctx.Done():
		s.ended <- ctx.Err()
		return nil, ctx.Err()
	}
}

// begins returns when a certificate is being made. A request that was refused begins none.
func (s *slowNode) begins(t *testing.T) {
	t.Helper()
	select {
	case <-s.started:
	case <-time.After(20 * time.Second):
		t.Fatal("no certificate is being made")
	}
}

// serveSlowly serves its certificates as a node serves HTTP, and "pong" to everything else.
func serveSlowly(t *testing.T) (*slowNode, net.Conn) {
	t.Helper()
	node := &slowNode{started: make(chan struct{}, 1), going: make(chan struct{}), ended: make(chan error, 1)}
	routes := certify.New(node, certify.Options{Deadline: time.Minute}).Routes()
	server := &fasthttp.Server{
		StreamRequestBody: true, ConnState: turnClient, ReadTimeout: readTimeout, WriteTimeout: readTimeout, IdleTimeout: idleTimeout,
		Handler: func(ctx *fasthttp.RequestCtx) {
			for _, r := range routes {
				if r.Path != string(ctx.Path()) {
					continue
				}
				if err := r.Handle(ctx, auth.Principal{Tenant: "default", Scopes: auth.Read}); err != nil {
					ctx.Error(err.Error(), http.StatusInternalServerError)
				}
				return
			}
			ctx.SetBodyString("pong to " + string(ctx.Method()))
		},
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	all := newClients(listener, 4, slog.New(slog.DiscardHandler))
	served := make(chan error, 1)
	go func() { served <- server.Serve(all) }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(conn.Close(), all.Close(), <-served); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return node, conn
}

const slowRequest = "POST /v1/certificates HTTP/1.1\r\nHost: n\r\nContent-Length: 13\r\n\r\n{\"prefix\":\"\"}"

// TestClientThatLeaves: what is being made for somebody who went away ends.
func TestClientThatLeaves(t *testing.T) {
	for name, leave := range map[string]func(net.Conn) error{
		"closed":      net.Conn.Close,
		"half closed": func(c net.Conn) error { return c.(*net.TCPConn).CloseWrite() },
		"reset":       func(c net.Conn) error { return errors.Join(c.(*net.TCPConn).SetLinger(0), c.Close()) },
	} {
		t.Run(name, func(t *testing.T) {
			node, conn := serveSlowly(t)
			fmt.Fprint(conn, slowRequest)
			node.begins(t)
			if err := leave(conn); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-node.ended:
				if !errors.Is(err, context.Canceled) {
					t.Errorf("it ended with %v", err)
				}
			case <-time.After(20 * time.Second):
				t.Error("it is still being made")
			}
		})
	}
}

// TestClientThatStays: the connection serves on, also when the next request came before the answer.
func TestClientThatStays(t *testing.T) {
	node, conn := serveSlowly(t)
	in := bufio.NewReader(conn)
	read := func(want string) {
		t.Helper()
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK || len(body) < len(want) || string(body[:len(want)]) != want {
			t.Fatalf("%d %s %v, want %s", resp.StatusCode, body, err, want)
		}
	}
	for range 3 {
		fmt.Fprint(conn, slowRequest)
		node.begins(t)
		fmt.Fprint(conn, "GET /ping HTTP/1.1\r\nHost: n\r\n\r\n")
		fmt.Fprint(conn, slowRequest)
		node.going <- struct{}{}
		node.begins(t)
		node.going <- struct{}{}
		read(`{"v":0`)
		read("pong to GET")
		read(`{"v":0`)
		fmt.Fprint(conn, "GET /ping HTTP/1.1\r\nHost: n\r\n\r\n")
		read("pong to GET")
	}
}

// TestWatchKeepsWhatCame: a byte that came while somebody watched is the first one that is read.
func TestWatchKeepsWhatCame(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	c := newClient(ours, newClients(nil, 1, slog.New(slog.DiscardHandler)))
	defer ours.Close()
	stop := c.Watch(func() { t.Error("the client is still there") })
	if _, err := theirs.Write([]byte("G")); err != nil { // returns when it is read
		t.Fatal(err)
	}
	stop()
	c.Watch(func() { t.Error("the client is still there") })()
	go func() { _, _ = theirs.Write([]byte("ET /")) }()
	b := make([]byte, 5)
	if _, err := io.ReadFull(c, b); err != nil || string(b) != "GET /" {
		t.Errorf("read %q, %v", b, err)
	}
}
