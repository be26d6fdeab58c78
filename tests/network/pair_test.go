package network

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

const (
	ipA = "127.0.0.1"
	ipB = "127.0.0.2"
)

// pair is a conn between two hosts, and both its sides.
type pair struct {
	t    testing.TB
	n    *Network
	a, b *Conn
	ln   net.Listener
}

// inBubble runs f with a conn from A to B, and closes what f left open: a bubble ends only when no goroutine is left in it.
func inBubble(t *testing.T, f func(t *testing.T, p *pair)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, New(1))
		defer p.close()
		f(t, p)
	})
}

func newPair(t testing.TB, n *Network) *pair {
	t.Helper()
	p := &pair{t: t, n: n}
	var err error
	if p.ln, err = n.Host(ipB).Listen("tcp", ipB+":7000"); err != nil {
		t.Fatal(err)
	}
	p.a, p.b = p.connect()
	return p
}

func (p *pair) connect() (a, b *Conn) {
	p.t.Helper()
	ca, err := p.n.Host(ipA).Dial(context.Background(), "tcp", ipB+":7000")
	if err != nil {
		p.t.Fatal(err)
	}
	cb, err := p.ln.Accept()
	if err != nil {
		p.t.Fatal(err)
	}
	return ca.(*Conn), cb.(*Conn)
}

func (p *pair) close() {
	for _, c := range []io.Closer{p.a, p.b, p.ln} {
		if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			p.t.Error(err)
		}
	}
}

// registered counts the streams that faults would still meet: two of each conn that is open or broken on one side alone.
func (n *Network) registered() (streams int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.order {
		for i, p := range l.pipes {
			if p.slot != i {
				panic("network: a pipe is not where it should be")
			}
		}
		streams += len(l.pipes)
	}
	return streams
}

func send(t testing.TB, c net.Conn, s string) {
	t.Helper()
	if n, err := c.Write([]byte(s)); err != nil || n != len(s) {
		t.Fatalf("Write = %d, %v", n, err)
	}
}

func receive(t testing.TB, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("read %q, %v; want %q", got[:n], err, want)
	}
}

// lasting says how long f took, and fails unless that is in [low, high].
func lasting(t testing.TB, what string, low, high time.Duration, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if d := time.Since(start); d < low || d > high {
		t.Errorf("%s took %s, want %s to %s", what, d, low, high)
	}
}

// failing checks that op fails with an error that is want.
func failing(t testing.TB, what string, want error, op func() error) {
	t.Helper()
	if err := op(); !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func reading(c net.Conn) func() error {
	return func() error { _, err := c.Read(make([]byte, 100)); return err }
}

func writing(c net.Conn) func() error {
	return func() error { _, err := c.Write([]byte("x")); return err }
}

// ready says whether a read would return at once.
func ready(c *Conn) bool { return !c.Idle() }

const (
	fastest = DefaultDelay - DefaultJitter
	slowest = DefaultDelay + DefaultJitter
)
