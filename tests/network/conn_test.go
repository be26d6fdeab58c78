package network

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		var want bytes.Buffer
		go func() {
			for i := range 1000 {
				s := fmt.Sprintf("segment %d;", i)
				want.WriteString(s)
				p.a.Write([]byte(s))
				if i%7 == 0 {
					time.Sleep(100 * time.Microsecond)
				}
			}
			p.a.Close()
		}()
		got, err := io.ReadAll(p.b)
		if err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("read %d bytes, %v; want the %d that were written, in order", len(got), err, want.Len())
		}
	})
}

func TestWindow(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		data := bytes.Repeat([]byte("0123456789abcdef"), 3*window/16/2) // one and a half windows
		written := make(chan error)
		go func() { _, err := p.a.Write(data); written <- err }()
		time.Sleep(time.Minute)
		select {
		case err := <-written:
			t.Fatalf("a Write of %d bytes returned %v while nobody read", len(data), err)
		default:
		}
		got := make([]byte, len(data))
		if _, err := io.ReadFull(p.b, got); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("other bytes, or %v", err)
		}
		if err := <-written; err != nil {
			t.Fatal(err)
		}
	})
}

func TestWriteDeadline(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		p.a.SetWriteDeadline(time.Now().Add(3 * time.Second))
		lasting(t, "a Write into a full window", 3*time.Second, 3*time.Second, func() {
			n, err := p.a.Write(make([]byte, 2*window))
			if !errors.Is(err, os.ErrDeadlineExceeded) || n != 256<<10 {
				t.Errorf("Write = %d, %v; want 256 KiB and a timeout", n, err)
			}
			var timeout net.Error
			if !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("%v: no net.Error that is a timeout", err)
			}
		})
		failing(t, "another Write", os.ErrDeadlineExceeded, writing(p.a))
		p.a.SetWriteDeadline(time.Time{})
		go io.CopyN(io.Discard, p.b, window)
		send(t, p.a, "goes on")
		synctest.Wait()
		receive(t, p.b, "goes on")
	})
}

func TestReadDeadline(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		p.a.SetReadDeadline(time.Now().Add(2 * time.Second))
		lasting(t, "a Read of nothing", 2*time.Second, 2*time.Second, func() {
			failing(t, "Read", os.ErrDeadlineExceeded, reading(p.a))
		})
		send(t, p.b, "late")
		time.Sleep(slowest)
		failing(t, "Read of what is there, after the deadline", os.ErrDeadlineExceeded, reading(p.a))
		p.a.SetDeadline(time.Time{})
		receive(t, p.a, "late")

		// A deadline stands, whatever is under way.
		p.n.SetDelay(ipB, ipA, time.Minute, 0)
		p.a.SetReadDeadline(time.Now().Add(2 * time.Second))
		time.AfterFunc(time.Second, func() { p.b.Write([]byte("late")) })
		lasting(t, "a Read", 2*time.Second, 2*time.Second, func() {
			failing(t, "Read", os.ErrDeadlineExceeded, reading(p.a))
		})
		p.a.SetReadDeadline(time.Time{})
		receive(t, p.a, "late")

		// A deadline ends a Read that is under way, also one that comes before the deadline it began with.
		p.a.SetReadDeadline(time.Now().Add(time.Hour))
		time.AfterFunc(time.Second, func() { p.a.SetReadDeadline(time.Now().Add(time.Second)) })
		time.AfterFunc(5*time.Second, func() { p.b.SetReadDeadline(time.Unix(1, 0)) })
		lasting(t, "a Read", 2*time.Second, 2*time.Second, func() {
			failing(t, "Read", os.ErrDeadlineExceeded, reading(p.a))
		})
		lasting(t, "a Read", 3*time.Second, 3*time.Second, func() {
			failing(t, "Read", os.ErrDeadlineExceeded, reading(p.b))
		})
	})
}

func TestCloseDeliversTheRest(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		send(t, p.a, "the ")
		send(t, p.a, "rest")
		if err := p.a.Close(); err != nil {
			t.Fatal(err)
		}
		failing(t, "Read after Close", net.ErrClosed, reading(p.a))
		failing(t, "Write after Close", net.ErrClosed, writing(p.a))
		failing(t, "Close after Close", net.ErrClosed, p.a.Close)
		failing(t, "SetDeadline after Close", net.ErrClosed, func() error { return p.a.SetDeadline(time.Now()) })
		got, err := io.ReadAll(p.b)
		if string(got) != "the rest" || err != nil {
			t.Fatalf("read %q, %v", got, err)
		}
		failing(t, "Read after the end", io.EOF, reading(p.b))
	})
}

func TestCloseEndsWaiting(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		ended := make(chan error)
		for range 2 {
			go func() { ended <- reading(p.a)() }()
			go func() { _, err := p.a.Write(make([]byte, 2*window)); ended <- err }()
		}
		go func() { _, err := p.ln.Accept(); ended <- err }()
		synctest.Wait()
		p.a.Close()
		p.ln.Close()
		for range 5 {
			if err := <-ended; !errors.Is(err, net.ErrClosed) {
				t.Errorf("%v, want %v", err, net.ErrClosed)
			}
		}
	})
}

func TestWriteAfterPeerClosed(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		p.b.Close()
		time.Sleep(slowest)
		send(t, p.a, "to nobody")
		failing(t, "Read before the answer", io.EOF, reading(p.a))
		time.Sleep(2 * slowest)
		failing(t, "Write after it", syscall.ECONNRESET, writing(p.a))
	})
}

func TestCloseWrite(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		send(t, p.a, "question")
		p.a.CloseWrite()
		failing(t, "Write after CloseWrite", syscall.EPIPE, writing(p.a))
		got, err := io.ReadAll(p.b)
		if string(got) != "question" || err != nil {
			t.Fatalf("read %q, %v", got, err)
		}
		send(t, p.b, "answer")
		receive(t, p.a, "answer")
		if !p.a.Idle() || p.b.Idle() {
			t.Errorf("Idle = %t, %t; want that of a conn without an end to read alone", p.a.Idle(), p.b.Idle())
		}
	})
}

func TestNothingLeftRegistered(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		var conns []*Conn
		for range 20 {
			a, b := p.connect()
			conns = append(conns, a, b)
		}
		for i, c := range conns {
			if i%3 == 0 {
				p.n.Cut(ipA, ipB)
			}
			c.Close()
			p.n.MendAll()
		}
		if left := p.n.registered(); left != 2 { // those of the pair itself
			t.Errorf("%d streams are registered after all but one conn closed, want 2", left)
		}
	})
}
