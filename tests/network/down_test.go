package network

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestKilled(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		full, unread := p.connect()
		send(t, full, "arrived, and was not read")
		closing, closed := p.connect()
		time.Sleep(slowest)
		send(t, closed, "the rest")
		closed.Close()
		reader, acceptor := make(chan error), make(chan error)
		go func() { reader <- reading(p.b)() }()
		go func() { _, err := p.ln.Accept(); acceptor <- err }()
		synctest.Wait()
		send(t, p.a, "on the way")
		send(t, p.b, "its last words")
		b := p.n.Host(ipB)
		lasting(t, "Down for its own side", 0, 0, func() {
			b.Down(false)
			if err := <-reader; !errors.Is(err, syscall.ECONNRESET) {
				t.Error(err)
			}
			if err := <-acceptor; !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
			failing(t, "Write", syscall.ECONNRESET, writing(p.b))
			failing(t, "Read of what was there", syscall.ECONNRESET, reading(unread))
			failing(t, "Dial", syscall.ENETDOWN, func() error { _, err := b.Dial(t.Context(), "tcp", ipA+":1"); return err })
			failing(t, "Listen", syscall.ENETDOWN, func() error { _, err := b.Listen("tcp", ":7000"); return err })
		})
		lasting(t, "Down for the others", fastest, 2*slowest, func() {
			receive(t, p.a, "its last words")
			failing(t, "Read", syscall.ECONNRESET, reading(p.a))
		})
		failing(t, "Dial", syscall.ECONNREFUSED, func() error { _, err := p.n.Host(ipA).Dial(t.Context(), "tcp", ipB+":7000"); return err })
		if got, err := io.ReadAll(closing); string(got) != "the rest" || err != nil {
			t.Errorf("read %q, %v of a conn that the process had closed before it died", got, err)
		}
		for _, c := range []*Conn{p.b, full, unread, closing} {
			c.Close()
		}
		p.up()
	})
}

// up starts the host again and sees that it works.
func (p *pair) up() {
	p.t.Helper()
	b := p.n.Host(ipB)
	b.Up()
	var err error
	if p.ln, err = b.Listen("tcp", ipB+":7000"); err != nil {
		p.t.Fatal(err)
	}
	x, y := p.connect()
	send(p.t, x, "hello again")
	receive(p.t, y, "hello again")
	x.Close()
	y.Close()
}

func TestWithoutPower(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		idle, _ := p.connect()
		defer idle.Close()
		send(t, p.b, "lost on the way")
		p.n.Host(ipB).Down(true)
		failing(t, "Read", syscall.ECONNRESET, reading(p.b))
		time.Sleep(time.Second)
		if !p.a.Idle() {
			t.Fatal("something came from a machine without power")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		failing(t, "Dial", context.DeadlineExceeded, func() error { _, err := p.n.Host(ipA).Dial(ctx, "tcp", ipB+":7000"); return err })
		held := p.n.Held(ipA, ipB)
		send(t, p.a, "anybody?")
		if got := p.n.Held(ipA, ipB) - held; got != 1 {
			t.Errorf("Held = %d, want 1", got)
		}
		lasting(t, "giving up", giveUp, giveUp, func() { failing(t, "Read", syscall.ECONNRESET, reading(p.a)) })
		lasting(t, "keep-alive", keepAlive-21*time.Second, keepAlive, func() { failing(t, "Read", syscall.ECONNRESET, reading(idle)) })
		p.up()
	})
}

// A machine that comes back does not know the conns of before.
func TestPowerReturns(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		idle, gone := p.connect()
		defer idle.Close()
		p.n.Host(ipB).Down(true)
		send(t, p.a, "anybody?")
		time.Sleep(2 * time.Second)
		p.b.Close()
		gone.Close()
		p.up()
		start := time.Now()
		failing(t, "Read", syscall.ECONNRESET, reading(p.a)) // when it is next repeated: 3 s after it was sent
		if d := time.Since(start); d > time.Second+2*slowest {
			t.Errorf("the reset came %s after power", d)
		}
		failing(t, "Read", syscall.ECONNRESET, reading(idle))
		if d := time.Since(start); d > keepProbe {
			t.Errorf("keep-alive took %s", d)
		}
	})
}

func TestDownEndsDials(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		p.n.Cut(ipA, ipB)
		a := p.n.Host(ipA)
		time.AfterFunc(500*time.Millisecond, func() { a.Down(false); a.Down(true); a.Up() })
		lasting(t, "Dial", 500*time.Millisecond, 500*time.Millisecond, func() {
			failing(t, "Dial", syscall.ENETDOWN, func() error { _, err := a.Dial(context.Background(), "tcp", ipB+":7000"); return err })
		})
	})
}
