package network

import "net"

// backlog bounds the conns that wait for Accept. Beyond it a dial goes on as if its SYN was lost.
const backlog = 1024

type listener struct {
	h      *Host
	addr   *net.TCPAddr
	queue  chan *Conn
	closed chan struct{}
	over   bool // the network's lock protects it
}

func newListener(h *Host, addr *net.TCPAddr) *listener {
	return &listener{h: h, addr: addr, queue: make(chan *Conn, backlog), closed: make(chan struct{})}
}

func (l *listener) Addr() net.Addr { return l.addr }

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.addr, Err: net.ErrClosed}
	}
}

// Close frees the port. Conns that nobody accepted are reset.
func (l *listener) Close() error {
	l.h.n.mu.Lock()
	defer l.h.n.mu.Unlock()
	if l.over {
		return &net.OpError{Op: "close", Net: "tcp", Addr: l.addr, Err: net.ErrClosed}
	}
	l.shut()
	return nil
}

// shut is Close under the network's lock.
func (l *listener) shut() {
	l.over = true
	close(l.closed)
	delete(l.h.listeners, l.addr.Port)
	for {
		select {
		case c := <-l.queue:
			c.breakOff(l.h.n.now())
		default:
			return
		}
	}
}
