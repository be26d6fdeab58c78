package gapless

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
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
