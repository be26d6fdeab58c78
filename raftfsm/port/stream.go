package port

import (
	"cmp"
	"context"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// Raft returns the port as a stream layer of hashicorp/raft. Its address has this node's server id in it, so that what other nodes
// learn as the leader's address reaches the leader and nobody else. Closing it ends its Accept and not the port: Raft may be started
// again on another stream layer.
func (p *Port) Raft() raft.StreamLayer { return &raftStream{p: p, closed: make(chan struct{})} }

type raftStream struct {
	p      *Port
	closed chan struct{}
	once   sync.Once
}

func (s *raftStream) Accept() (net.Conn, error) {
	select {
	case conn := <-s.p.raft:
		return conn, nil
	case <-s.closed: // not when the port closes: the transport would take that for a fault
		return nil, net.ErrClosed
	}
}

func (s *raftStream) Close() error { s.once.Do(func() { close(s.closed) }); return nil }

func (s *raftStream) Addr() net.Addr {
	return advertised(JoinAddress(s.p.opt.Server, cmp.Or(s.p.opt.Advertise, s.p.listener.Addr().String())))
}

func (s *raftStream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(s.p.ctx, timeout)
	defer cancel()
	return s.p.dial(ctx, string(address), forRaft)
}

// raftConn stops being tracked when Raft closes it.
type raftConn struct {
	net.Conn
	raw  net.Conn
	port *Port
}

func (c *raftConn) Close() error {
	c.port.forget(c.raw)
	return c.Conn.Close()
}

// advertised is an address as the other nodes know it.
type advertised string

func (a advertised) Network() string { return "tcp" }
func (a advertised) String() string  { return string(a) }
