package gapless

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Pauses between two attempts to take a connection when there is no room for one: out of descriptors, say. What is open goes on meanwhile.
const (
	shortestAcceptPause = 5 * time.Millisecond
	longestAcceptPause  = time.Second
)

// How places are found when all are taken.
const (
	givesWayAfter = time.Second            // without a request, a connection may be closed for another
	lookForRoom   = 100 * time.Millisecond // that often, and whenever a connection ends
	sayFullEvery  = time.Minute
)

// clients are the connections of the HTTP API, most at a time. When that many are open, the next one is accepted and waits in hand for a place:
// the kernel queues those behind it. Meanwhile every answer says that it is its connection's last one (full), and of the connections without a
// request the one that has been so longest gives way. A connection with a request in work is never closed for another.
//
// The server takes a connection on which no byte ever came for a request in work and would wait for it when the node closes; HTTP clients open such
// connections in advance. So they are ended here, as soon as the listener closes.
type clients struct {
	net.Listener
	log     *slog.Logger
	most    int
	began   time.Time
	metrics clientMetrics

	full  atomic.Bool   // somebody waits for a place
	said  time.Time     // when the log last said so; owned by Accept, as is
	since int           // how many had to wait since then
	left  chan struct{} // says that a place is free; holds one token
	gone  chan struct{} // closed by the first Close

	mu     sync.Mutex // protects what follows
	open   map[*client]struct{}
	closed bool
}

type clientMetrics struct {
	waited, gaveWay prometheus.Counter
}

// errFull says that every place is taken.
var errFull = errors.New("gapless: as many HTTP connections are open as may be")

func newClients(l net.Listener, most int, log *slog.Logger) *clients {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	return &clients{
		Listener: l, log: log, most: most, began: time.Now(), left: make(chan struct{}, 1), gone: make(chan struct{}), open: map[*client]struct{}{},
		metrics: clientMetrics{
			waited: counter("gapless_http_connections_waited_total",
				"Connections that had to wait because as many were open as may be. A rise means too many clients, or too low a limit: see http_max_connections."),
			gaveWay: counter("gapless_http_connections_gave_way_total",
				"Connections without a request that were closed because others wanted their places. They rise with those that waited."),
		},
	}
}

// measure registers the metrics.
func (c *clients) measure(r prometheus.Registerer) error {
	gauge := func(name, help string, read func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(read()) })
	}
	for _, m := range []prometheus.Collector{
		c.metrics.waited, c.metrics.gaveWay,
		gauge("gapless_http_open_connections", "Open connections of HTTP clients. At gapless_http_max_connections others wait.", c.count),
		gauge("gapless_http_max_connections", "Connections of HTTP clients that may be open at once.", func() int { return c.most }),
	} {
		if err := r.Register(m); err != nil {
			return fmt.Errorf("gapless: metrics of connections: %w", err)
		}
	}
	return nil
}

// Accept implements net.Listener. An error of the system may pass, so it is tried again: the only error is that the listener is closed.
func (c *clients) Accept() (net.Conn, error) {
	for pause := shortestAcceptPause; ; pause = min(2*pause, longestAcceptPause) {
		conn, err := c.Listener.Accept()
		if err == nil {
			return c.place(conn)
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

// place waits until there is a place for one more connection.
func (c *clients) place(conn net.Conn) (net.Conn, error) {
	accepted := newClient(conn, c)
	err := c.take(accepted)
	if errors.Is(err, errFull) {
		err = c.wait(accepted)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return accepted, nil
}

// take gives a connection a place if there is one.
func (c *clients) take(conn *client) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return net.ErrClosed
	case len(c.open) >= c.most:
		return errFull
	}
	c.open[conn] = struct{}{}
	return nil
}

// wait makes room for a connection, or waits for others to leave.
func (c *clients) wait(conn *client) error {
	c.sayFull()
	c.full.Store(true)
	defer c.full.Store(false)
	tick := time.NewTicker(lookForRoom)
	defer tick.Stop()
	for {
		c.makeRoom()
		if err := c.take(conn); !errors.Is(err, errFull) {
			return err
		}
		select {
		case <-c.left:
		case <-tick.C:
		case <-c.gone:
		}
	}
}

// makeRoom closes the connection that has been without a request longest, if that is long enough and there is no room yet.
func (c *clients) makeRoom() {
	c.mu.Lock()
	defer c.mu.Unlock()
	var longest *client
	var since int64
	for conn := range c.open {
		if at := conn.idle.Load(); at > 0 && (longest == nil || at < since) {
			longest, since = conn, at
		}
	}
	if len(c.open) < c.most || longest == nil || c.now()-since < int64(givesWayAfter) || !longest.idle.CompareAndSwap(since, gaveWay) {
		return
	}
	longest.Conn.Close() // its reader closes it again
	delete(c.open, longest)
	c.metrics.gaveWay.Inc()
}

// now is the time since these clients began, at least 1: no step of the clock changes it.
func (c *clients) now() int64 { return int64(time.Since(c.began)) + 1 }

// sayFull tells of a connection that has to wait.
func (c *clients) sayFull() {
	c.metrics.waited.Inc()
	c.since++
	if !c.said.IsZero() && time.Since(c.said) < sayFullEvery {
		return
	}
	c.log.Warn("HTTP connections wait: as many are open as may be", "addr", c.Addr(), "http_max_connections", c.most, "waited", c.since)
	c.said, c.since = time.Now(), 0
}

// leave gives the place of a connection back.
func (c *clients) leave(conn *client) {
	c.mu.Lock()
	delete(c.open, conn)
	c.mu.Unlock()
	select {
	case c.left <- struct{}{}:
	default:
	}
}

func (c *clients) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
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
