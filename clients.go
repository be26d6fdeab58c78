package gapless

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Pauses between two attempts to take a connection when there is no room for one: out of descriptors, say. What is open goes on meanwhile.
const (
	shortestAcceptPause = 5 * time.Millisecond
	longestAcceptPause  = time.Second
)

// clients are the connections of the HTTP API. The server takes a connection on which no byte ever came for a request in work and would wait for it
// when the node closes; HTTP clients open such connections in advance. So they are ended here, as soon as the listener closes.
type clients struct {
	net.Listener
	log *slog.Logger

	gone   chan struct{} // closed by the first Close
	mu     sync.Mutex    // protects what follows
	open   map[*client]struct{}
	closed bool
}

// client is one connection.
type client struct {
	net.Conn
	all   *clients
	began atomic.Bool // a byte came
}

func newClients(l net.Listener, log *slog.Logger) *clients {
	return &clients{Listener: l, log: log, gone: make(chan struct{}), open: map[*client]struct{}{}}
}

// Accept implements net.Listener. An error of the system may pass, so it is tried again: the only error is that the listener is closed.
func (c *clients) Accept() (net.Conn, error) {
	for pause := shortestAcceptPause; ; pause = min(2*pause, longestAcceptPause) {
		conn, err := c.Listener.Accept()
		if err == nil {
			return c.take(conn)
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		c.log.Error("HTTP port cannot accept", "addr", c.Addr(), "err", err, "again_in", pause)
		select {
		case <-time.After(pause):
		case <-c.gone:
			return nil, net.ErrClosed
		}
	}
}

func (c *clients) take(conn net.Conn) (net.Conn, error) {
	accepted := &client{Conn: conn, all: c}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		conn.Close()
		return nil, net.ErrClosed
	}
	c.open[accepted] = struct{}{}
	return accepted, nil
}

// Close implements net.Listener.
func (c *clients) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		close(c.gone)
	}
	c.closed = true
	for conn := range c.open {
		if !conn.began.Load() {
			conn.Conn.Close() // its reader closes it again and takes it off the list
		}
	}
	return c.Listener.Close()
}

// end ends every connection, whatever it is in the middle of, and says how many there were.
func (c *clients) end() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		conn.Conn.Close()
	}
	return len(c.open)
}

func (c *client) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.began.Store(true)
	}
	return n, err
}

func (c *client) Close() error {
	c.all.mu.Lock()
	delete(c.all.open, c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}
