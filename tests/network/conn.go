package network

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// Conn is one side of a connection. Its Read and Write are as those of *net.TCPConn.
type Conn struct {
	n             *Network
	peer          *Conn
	local, remote *net.TCPAddr
	in, out       *pipe

	// The network's lock protects all below.
	rd, wr waiter
	closed bool
	ended  bool  // for writing
	err    error // why it is broken
	trouble
}

// newConn makes both sides of a conn.
func (n *Network) newConn(l *link, local, remote *net.TCPAddr) *Conn {
	a, b := &Conn{n: n, local: local, remote: remote}, &Conn{n: n, local: remote, remote: local}
	a.peer, b.peer = b, a
	a.out, b.out = &pipe{link: l, from: a, to: b}, &pipe{link: l.back, from: b, to: a}
	a.in, b.in = b.out, a.out
	for _, c := range []*Conn{a, b} {
		c.rd, c.wr, c.trouble = newWaiter(), newWaiter(), noTrouble
		c.out.link.add(c.out)
	}
	return a
}

func (c *Conn) LocalAddr() net.Addr  { return c.local }
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// Read returns what has arrived, of as many segments as b has room for.
func (c *Conn) Read(b []byte) (int, error) {
	c.rd.turn <- struct{}{}
	defer func() { <-c.rd.turn }()
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	for {
		now := c.n.now()
		if err := c.usable(&c.rd, now); err != nil {
			return 0, c.fault("read", err)
		}
		n, end := c.in.take(b, now)
		switch {
		case n > 0 || len(b) == 0:
			return n, nil
		case end:
			return 0, io.EOF
		case c.err != nil:
			return 0, c.fault("read", c.err)
		}
		c.rd.wait(&c.n.mu, c.in.arrival(), now)
	}
}

// Write sends b, and blocks while the window is full.
func (c *Conn) Write(b []byte) (n int, err error) {
	c.wr.turn <- struct{}{}
	defer func() { <-c.wr.turn }()
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	for {
		now := c.n.now()
		err := c.usable(&c.wr, now)
		switch {
		case err != nil:
		case c.err != nil:
			err = c.err
		case c.ended:
			err = syscall.EPIPE
		}
		if err != nil {
			return n, c.fault("write", err)
		}
		if k := c.out.push(b[n:], now); k > 0 {
			c.sent(now)
			n += k
		}
		if n == len(b) {
			return n, nil
		}
		c.wr.wait(&c.n.mu, never, now)
	}
}

func (c *Conn) usable(w *waiter, now time.Duration) error {
	switch {
	case c.closed:
		return net.ErrClosed
	case w.deadline <= now:
		return os.ErrDeadlineExceeded
	}
	return nil
}

// Close sends what was written and then the end. Nothing waits for it.
func (c *Conn) Close() error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.closed {
		return c.fault("close", net.ErrClosed)
	}
	c.end()
	c.closed = true
	c.notify()
	c.retire()
	return nil
}

// CloseWrite ends the writing side: the other reads what was written, and then io.EOF.
func (c *Conn) CloseWrite() error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.closed {
		return c.fault("close", net.ErrClosed)
	}
	c.end()
	c.wr.notify()
	return nil
}

func (c *Conn) end() {
	if c.ended || c.err != nil {
		return
	}
	c.ended = true
	now := c.n.now()
	c.out.send(0, now)
	c.unanswered(now)
}

// Idle says whether the conn is open and nothing, not even its end, can be read: what a pool asks of a conn before it uses it again.
func (c *Conn) Idle() bool {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	return !c.closed && c.err == nil && c.in.arrival() > c.n.now()
}

func (c *Conn) notify() {
	c.rd.notify()
	c.wr.notify()
}

func (c *Conn) SetDeadline(t time.Time) error      { return c.setDeadline(t, &c.rd, &c.wr) }
func (c *Conn) SetReadDeadline(t time.Time) error  { return c.setDeadline(t, &c.rd) }
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadline(t, &c.wr) }

func (c *Conn) setDeadline(t time.Time, of ...*waiter) error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.closed {
		return c.fault("set", net.ErrClosed)
	}
	at := never
	if !t.IsZero() {
		at = t.Sub(c.n.start)
	}
	for _, w := range of {
		w.deadline = at
		w.expect(at, c.n.now())
	}
	return nil
}

func (c *Conn) fault(op string, err error) error {
	if errno, ok := err.(syscall.Errno); ok {
		err = os.NewSyscallError(op, errno)
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}
