package port

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// counting is a network that counts the connections that a port has open.
type counting struct{ open, most atomic.Int64 }

type countedConn struct {
	net.Conn
	once sync.Once
	end  func()
}

func (c *countedConn) Close() error { c.once.Do(c.end); return c.Conn.Close() }

// Idle lets the pool use the connection again: nothing ends these but the port.
func (c *countedConn) Idle() bool { return true }

func (c *counting) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	n := c.open.Add(1)
	for most := c.most.Load(); n > most && !c.most.CompareAndSwap(most, n); most = c.most.Load() {
	}
	return &countedConn{Conn: conn, end: func() { c.open.Add(-1) }}, nil
}

// TestMaxCalls: calls beyond the bound wait for others, whoever they are for, and idle connections count.
func TestMaxCalls(t *testing.T) {
	const most = 3
	var wire counting
	a := listen(t, "c", "n1.a", func(o *Options) { o.MaxCalls, o.Dial = most, wire.dial })
	b, c := listen(t, "c", "n2.b"), listen(t, "c", "n3.c")
	var calls sync.WaitGroup
	for i := range 40 {
		calls.Go(func() {
			to := b
			if i%2 == 0 {
				to = c
			}
			for range 5 {
				if _, err := a.Call(deadline(t), at(to), 5, []byte("hello")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	calls.Wait()
	if n := wire.most.Load(); n > most {
		t.Errorf("%d connections at a time", n)
	}
	if n := wire.open.Load(); n == 0 || n != int64(a.idle.idle) {
		t.Errorf("%d connections stay open, the pool knows of %d", n, a.idle.idle)
	}
}

// TestCallThatFindsNoPlace ends with its context and was not sent; a question for the status waits for nobody.
func TestCallThatFindsNoPlace(t *testing.T) {
	release, asked := make(chan struct{}), make(chan struct{}, 1)
	a := listen(t, "c", "n1.a", func(o *Options) { o.MaxCalls = 1 })
	b := listen(t, "c", "n2.b", func(o *Options) {
		o.Handler = func(ctx context.Context, op byte, payload []byte) ([]byte, error) {
			if op == 7 {
				asked <- struct{}{}
				<-release
			}
			return echo(ctx, op, payload)
		}
	})
	var first sync.WaitGroup
	first.Go(func() {
		if _, err := a.Call(deadline(t), at(b), 7, nil); err != nil {
			t.Error(err)
		}
	})
	<-asked
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	var notSent *NotSentError
	if _, err := a.Call(ctx, at(b), 5, nil); !errors.As(err, &notSent) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want the deadline in a NotSentError", err)
	}
	if _, err := a.Call(deadline(t), at(b), OpStatus, nil); err != nil {
		t.Errorf("the status: %v", err)
	}
	close(release)
	first.Wait()
	if _, err := a.Call(deadline(t), at(b), 5, nil); err != nil {
		t.Errorf("after it: %v", err)
	}
}

// TestMaxConns: a port with little room closes what comes too many, and keeps those that it has.
func TestMaxConns(t *testing.T) {
	a := listen(t, "c", "n1.a")
	b := listen(t, "c", "n2.b", func(o *Options) { o.MaxConns = 8 })
	if _, err := a.Call(deadline(t), at(b), 5, nil); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		conn, err := net.Dial("tcp", b.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if _, err := a.Call(deadline(t), at(b), 5, nil); err != nil {
		t.Error(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.conns) > 8 || len(b.greeting) > 1 {
		t.Errorf("%d connections, %d of them have not been welcomed", len(b.conns), len(b.greeting))
	}
}
