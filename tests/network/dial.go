package network

import (
	"context"
	"net"
	"os"
	"syscall"
	"time"
)

// A SYN without an answer is repeated after firstSyn, then after twice as long, and so on up to lastSyn.
const (
	firstSyn = 1 * time.Second
	lastSyn  = 64 * time.Second
)

// Dial connects to "ip:port" as net.Dialer.DialContext does.
func (h *Host) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	remote, err := h.resolve(network, addr)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	d := dialing{ctx: ctx, h: h, remote: remote}
	c, err := d.run()
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: remote, Err: err}
	}
	return c, nil
}

// dialing is one Dial under way.
type dialing struct {
	ctx    context.Context
	h      *Host
	remote *net.TCPAddr
	link   *link
	died   <-chan struct{}
	timer  *time.Timer
}

func (d *dialing) run() (*Conn, error) {
	if err := d.begin(); err != nil {
		return nil, err
	}
	d.timer = time.NewTimer(0)
	defer d.timer.Stop()
	for wait := firstSyn; wait <= lastSyn; wait *= 2 {
		there, lost := d.depart()
		if lost {
			if err := d.pause(wait); err != nil {
				return nil, err
			}
			continue
		}
		if err := d.pause(there); err != nil {
			return nil, err
		}
		c, back, err := d.arrive()
		if pauseErr := d.pause(back); pauseErr != nil {
			if c != nil {
				c.Close()
			}
			return nil, pauseErr
		}
		if c != nil || err != nil {
			return c, err
		}
		if err := d.pause(wait); err != nil {
			return nil, err
		}
	}
	return nil, os.NewSyscallError("connect", syscall.ETIMEDOUT)
}

func (d *dialing) begin() error {
	d.h.n.mu.Lock()
	defer d.h.n.mu.Unlock()
	if d.h.down {
		return os.NewSyscallError("connect", syscall.ENETDOWN)
	}
	d.link, d.died = d.h.n.link(d.h, d.h.n.host(d.remote.IP.String())), d.h.died
	return nil
}

// depart sends a SYN.
func (d *dialing) depart() (there time.Duration, lost bool) {
	d.h.n.mu.Lock()
	defer d.h.n.mu.Unlock()
	l := d.link
	if l.blocked {
		l.held++
		return 0, true
	}
	if l.slow {
		l.delayed++
	}
	if l.loss > 0 && l.random.Float64() < l.loss {
		l.lost++
		return 0, true
	}
	return l.latency(), false
}

// arrive is the SYN at its goal: a conn, a refusal, or neither, and how long the answer takes.
func (d *dialing) arrive() (c *Conn, back time.Duration, err error) {
	n := d.h.n
	n.mu.Lock()
	defer n.mu.Unlock()
	l := d.link
	if l.blocked || l.back.blocked {
		if l.back.blocked {
			l.back.held++
		}
		return nil, 0, nil
	}
	back = l.back.latency()
	at := l.to.listeners[d.remote.Port]
	if at == nil {
		return nil, back, os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	if len(at.queue) == cap(at.queue) {
		return nil, 0, nil
	}
	c = n.newConn(l, &net.TCPAddr{IP: d.h.ip, Port: d.h.nextPort()}, d.remote)
	at.queue <- c.peer // has room: only the holder of the lock fills it
	return c, back, nil
}

// pause waits unless the dial ends before.
func (d *dialing) pause(t time.Duration) error {
	d.timer.Reset(t)
	select {
	case <-d.timer.C:
		return d.ctx.Err()
	case <-d.ctx.Done():
		return d.ctx.Err()
	case <-d.died:
		return os.NewSyscallError("connect", syscall.ENETDOWN)
	}
}
