package network

import (
	"context"
	"net"
	"syscall"
	"testing"
	"time"
)

func TestAddresses(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		for _, c := range []struct{ local, remote net.Addr }{{p.a.LocalAddr(), p.b.RemoteAddr()}, {p.b.LocalAddr(), p.a.RemoteAddr()}} {
			local, ok := c.local.(*net.TCPAddr)
			if !ok || c.local.String() != c.remote.String() || !local.IP.IsLoopback() {
				t.Errorf("%T %v here, %T %v there", c.local, c.local, c.remote, c.remote)
			}
		}
		if got := p.b.LocalAddr().String(); got != ipB+":7000" {
			t.Errorf("the address of the side that listens is %s", got)
		}
		b := p.n.Host(ipB)
		any, err := b.Listen("tcp", ":0")
		if err != nil || any.Addr().(*net.TCPAddr).Port == 0 {
			t.Fatalf("port 0: %v, %v", any, err)
		}
		any.Close()
		for addr, want := range map[string]error{ipB + ":7000": syscall.EADDRINUSE, ipA + ":7000": syscall.EADDRNOTAVAIL} {
			failing(t, "Listen on "+addr, want, func() error { _, err := b.Listen("tcp", addr); return err })
		}
		p.ln.Close()
		again, err := b.Listen("tcp", ipB+":7000")
		if err != nil {
			t.Fatal(err)
		}
		again.Close()
		for _, addr := range []string{"", "127.0.0.1", "name:7000", ":99999", ":http"} {
			if _, err := b.Dial(t.Context(), "tcp", addr); err == nil {
				t.Errorf("dialed %q", addr)
			}
		}
		if _, err := b.Dial(t.Context(), "udp", ipA+":7000"); err == nil {
			t.Error("dialed udp")
		}
	})
}

func TestDialIntoCut(t *testing.T) {
	for _, cut := range []string{"there", "back"} {
		t.Run(cut, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *pair) {
				from, to := ipA, ipB
				if cut == "back" {
					from, to = ipB, ipA
				}
				p.n.Cut(from, to)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				lasting(t, "Dial", 5*time.Second, 5*time.Second, func() {
					failing(t, "Dial", context.DeadlineExceeded, func() error { _, err := p.n.Host(ipA).Dial(ctx, "tcp", ipB+":7000"); return err })
				})
				if p.n.Held(from, to) != 3 { // at 0, 1 and 3 s
					t.Errorf("Held = %d, want 3", p.n.Held(from, to))
				}
				lasting(t, "Dial without a deadline", 127*time.Second, 128*time.Second, func() {
					failing(t, "Dial", syscall.ETIMEDOUT, func() error {
						_, err := p.n.Host(ipA).Dial(context.Background(), "tcp", ipB+":7000")
						return err
					})
				})
				time.AfterFunc(1500*time.Millisecond, func() { p.n.Mend(from, to) })
				lasting(t, "Dial until the mend", 3*time.Second, 3*time.Second+4*slowest, func() {
					a, b := p.connect()
					a.Close()
					b.Close()
				})
			})
		})
	}
}

func TestDialRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, p *pair) {
		for _, addr := range []string{ipB + ":7001", "127.0.0.77:7000"} {
			lasting(t, "Dial", 2*fastest, 2*slowest, func() {
				failing(t, "Dial", syscall.ECONNREFUSED, func() error { _, err := p.n.Host(ipA).Dial(t.Context(), "tcp", addr); return err })
			})
		}
		// A conn that nobody accepted ends with its listener.
		c, err := p.n.Host(ipA).Dial(t.Context(), "tcp", ipB+":7000")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		p.ln.Close()
		failing(t, "Read", syscall.ECONNRESET, reading(c))
	})
}
