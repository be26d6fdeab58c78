package gapless

import (
	"net"
	"sync/atomic"

	"github.com/valyala/fasthttp"
)

// client is one connection of the HTTP API.
type client struct {
	net.Conn
	all   *clients
	began atomic.Bool  // a byte came
	idle  atomic.Int64 // since when it waits for a request, as clients.now says it; 0: it does not; gaveWay

	between bool   // the next byte begins a request; owned by whoever serves the connection, as is
	early   []byte // what came during a Watch
}

// gaveWay is the idle of a connection that was closed for another one: what comes on it is no request any more.
const gaveWay = -1

func newClient(conn net.Conn, all *clients) *client {
	return &client{Conn: conn, all: all, between: true}
}

// Read implements net.Conn. The server reads for a request when it has sent the answer to the one before, and has nothing of the next.
func (c *client) Read(b []byte) (int, error) {
	if n := c.readEarly(b); n > 0 {
		c.between = false
		return n, nil
	}
	if !c.between {
		return c.Conn.Read(b)
	}
	c.idle.Store(c.all.now())
	n, err := c.Conn.Read(b)
	if c.idle.Swap(0) == gaveWay {
		return 0, net.ErrClosed
	}
	if n > 0 {
		c.between = false
		c.began.Store(true)
	}
	return n, err
}

// turnClient hears from the server what it does with the connection. Of the first request it says that it is active before it has read of it; of
// one that came together with the one before, there is no Read.
func turnClient(conn net.Conn, state fasthttp.ConnState) {
	c := conn.(*client)
	switch state {
	case fasthttp.StateIdle:
		c.between = true
	case fasthttp.StateActive:
		c.between = !c.began.Load()
	}
}

// Close implements net.Conn.
func (c *client) Close() error {
	defer c.all.leave(c)
	return c.Conn.Close()
}
