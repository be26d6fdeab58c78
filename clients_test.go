package gapless

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestCloseDoesNotWaitForSilence closes a node while clients hold connections without a request: one that never sent a byte, as HTTP clients open
// them in advance, one between two requests, and one that stopped in the middle of its request.
func TestCloseDoesNotWaitForSilence(t *testing.T) {
	tests := []struct {
		name   string
		send   string
		within time.Duration
	}{
		{"not a byte", "", 2500 * time.Millisecond},
		{"between requests", "GET /healthz HTTP/1.1\r\nHost: n\r\n\r\n", 2500 * time.Millisecond},
		{"half a request", "POST /v1/frames HTTP/1.1\r\nHost: n\r\nContent-Length: 100\r\n\r\n{", 10 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newTestCluster(t, 1)
			c.cfgs[0].Peers, c.cfgs[0].RequestTimeout = nil, 2*time.Second
			c.startAll()
			conn, err := net.Dial("tcp", c.nodes[0].HTTPAddr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprint(conn, tt.send)
			local := conn.LocalAddr().String()
			eventually(t, func() bool { return holds(c.nodes[0].clients, local, tt.send != "") }, func() string {
				return "the node does not hold the connection"
			})
			start := time.Now()
			err = c.nodes[0].Close()
			if took := time.Since(start); err != nil || took > tt.within {
				t.Errorf("closed after %s with %v", took.Round(time.Millisecond), err)
			}
			c.nodes[0] = nil
			conn.SetReadDeadline(time.Now().Add(5 * time.Second))
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection is still open")
			}
		})
	}
}

// holds reports whether a node has the connection from an address, and has read of it.
func holds(c *clients, from string, began bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		if conn.RemoteAddr().String() == from {
			return conn.began.Load() == began
		}
	}
	return false
}

// sparse is a listener of a system that is out of descriptors for a while.
type sparse struct {
	net.Listener
	refusals atomic.Int32
}

func (s *sparse) Accept() (net.Conn, error) {
	if s.refusals.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return s.Listener.Accept()
}

// TestOutOfDescriptors: a node that cannot take connections for a while goes on, and takes them afterwards.
func TestOutOfDescriptors(t *testing.T) {
	c := newTestCluster(t, 1)
	c.cfgs[0].Peers = nil
	var door sparse
	c.cfgs[0].Machine.Listen = func(network, addr string) (net.Listener, error) {
		l, err := net.Listen(network, addr)
		if addr != c.cfgs[0].HTTP || err != nil {
			return l, err
		}
		door.Listener = l
		door.refusals.Store(5)
		return &door, nil
	}
	c.startAll()
	eventually(t, func() bool { return door.refusals.Load() < 0 }, func() string { return "nobody tries to accept again" })
	if status, _ := get(t, c.nodes[0], "/healthz"); status != http.StatusOK {
		t.Errorf("GET /healthz answers %d", status)
	}
}

// TestNodeHasFewPlaces: on a node that is full a client that asks without pause gives its connection up to one that waits, and both are counted.
func TestNodeHasFewPlaces(t *testing.T) {
	c := newTestCluster(t, 1)
	c.cfgs[0].Peers, c.cfgs[0].HTTPMaxConns = nil, 1
	c.startAll()
	n := c.nodes[0]
	conn, err := net.Dial("tcp", n.HTTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	busy := &caller{Conn: conn, t: t, r: bufio.NewReader(conn)}
	eventually(t, func() bool { // the tests' own client may still have the place
		_, err := busy.ask("/healthz")
		return err == nil
	}, func() string { return "no answer" })
	answered := make(chan string)
	go func() {
		_, metrics := get(t, n, "/metrics")
		answered <- metrics
	}()
	eventually(t, func() bool { last, err := busy.ask("/healthz"); return last || err != nil }, func() string { return "the connection stays" })
	metrics := <-answered
	for _, want := range []string{"gapless_http_open_connections 1\n", "gapless_http_max_connections 1\n", "gapless_http_connections_waited_total "} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %q", want)
		}
	}
	if strings.Contains(metrics, "gapless_http_connections_waited_total 0\n") {
		t.Error("nobody is counted who waited")
	}
}

// TestCloseWhileOutOfDescriptors: who waits for room does not hold up the end.
func TestCloseWhileOutOfDescriptors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		door := &sparse{Listener: closedListener{}}
		door.refusals.Store(math.MaxInt32)
		all := newClients(door, mostClients, slog.New(slog.DiscardHandler))
		ended := make(chan error)
		go func() {
			_, err := all.Accept()
			ended <- err
		}()
		time.Sleep(time.Minute)
		all.Close()
		all.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept ends with %v", err)
		}
	})
}

// closedListener has an address and nothing else.
type closedListener struct{}

func (closedListener) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (closedListener) Close() error              { return nil }
func (closedListener) Addr() net.Addr            { return &net.TCPAddr{} }
