package port

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Handler answers one call. Its error's text goes to the caller. payload belongs to the handler.
type Handler func(ctx context.Context, op byte, payload []byte) ([]byte, error)

// acceptPause is how long the port waits after a failed accept.
const acceptPause = 100 * time.Millisecond

// maxConns bounds the connections of one node; beyond it new ones are closed and counted.
const maxConns = 1024

// Port is one node's cluster port.
type Port struct {
	listener  net.Listener
	advertise advertised
	cluster   string
	log       *slog.Logger
	handler   Handler
	metrics   portMetrics

	raft     chan net.Conn
	raftDone chan struct{} // closed when Raft's transport closes the stream layer
	raftEnd  sync.Once
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
	tasks    sync.WaitGroup

	mu    sync.Mutex // protects conns
	conns map[net.Conn]bool
	idle  pool
}

type portMetrics struct {
	strangers prometheus.Counter
	refused   prometheus.Counter
	open      prometheus.Gauge
}

// Listen opens the port. advertise is the address under which the other nodes reach it, "" for the one it listens on; handler answers
// calls, on one goroutine per connection.
func Listen(addr, advertise, cluster string, log *slog.Logger, r prometheus.Registerer, handler Handler) (*Port, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("port: listen on %s: %w", addr, err)
	}
	f := promauto.With(r)
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "gapless", Subsystem: "port", Name: name, Help: help}
	}
	p := &Port{
		listener: l, advertise: advertised(cmp.Or(advertise, l.Addr().String())), cluster: cluster, log: log, handler: handler,
		raft: make(chan net.Conn), raftDone: make(chan struct{}), conns: map[net.Conn]bool{},
		metrics: portMetrics{
			strangers: f.NewCounter(prometheus.CounterOpts(opts("strangers_total", "Connections refused because of another protocol, version or cluster; look who scans or is misconfigured."))),
			refused:   f.NewCounter(prometheus.CounterOpts(opts("refused_total", "Connections closed because too many were open."))),
			open:      f.NewGauge(prometheus.GaugeOpts(opts("open_connections", "Open incoming connections of other nodes."))),
		},
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.tasks.Go(p.accept)
	return p, nil
}

// Close ends the port and every connection of it.
func (p *Port) Close() error {
	p.cancel()
	err := p.listener.Close()
	p.idle.close()
	p.mu.Lock()
	for conn := range p.conns {
		conn.Close()
	}
	p.mu.Unlock()
	p.tasks.Wait()
	return err
}

// Addr is the address the port listens on.
func (p *Port) Addr() net.Addr { return p.listener.Addr() }

func (p *Port) accept() {
	for {
		conn, err := p.listener.Accept()
		if p.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of file descriptors, say: it may pass
			p.log.Error("cluster port cannot accept", "addr", p.listener.Addr(), "err", err)
			select {
			case <-time.After(acceptPause):
			case <-p.ctx.Done():
			}
			continue
		}
		if !p.track(conn) {
			p.metrics.refused.Inc()
			conn.Close()
			continue
		}
		p.tasks.Go(func() { p.serve(conn) })
	}
}

func (p *Port) track(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.conns) >= maxConns || p.ctx.Err() != nil {
		return false
	}
	p.conns[conn] = true
	p.metrics.open.Set(float64(len(p.conns)))
	return true
}

func (p *Port) forget(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
	p.metrics.open.Set(float64(len(p.conns)))
}

func (p *Port) serve(conn net.Conn) {
	purpose, err := meet(conn, p.cluster)
	if err != nil {
		p.metrics.strangers.Inc()
		p.log.Warn("connection refused", "remote", conn.RemoteAddr(), "err", err)
		p.forget(conn)
		conn.Close()
		return
	}
	if purpose == purposeCall {
		defer p.forget(conn)
		defer conn.Close()
		p.answer(conn)
		return
	}
	select {
	case p.raft <- &raftConn{Conn: conn, port: p}:
	case <-p.ctx.Done():
		p.forget(conn)
		conn.Close()
	}
}

// answer serves calls until the connection ends.
func (p *Port) answer(conn net.Conn) {
	for {
		op, payload, err := readMessage(conn)
		if err != nil {
			return
		}
		out, err := p.handler(p.ctx, op, payload)
		status := byte(0)
		if err != nil {
			status, out = 1, []byte(err.Error())
		}
		if err := writeMessage(conn, status, out); err != nil {
			p.log.Debug("answer not delivered", "remote", conn.RemoteAddr(), "err", err)
			return
		}
	}
}

// raftConn stops being tracked when Raft closes it.
type raftConn struct {
	net.Conn
	port *Port
}

func (c *raftConn) Close() error {
	c.port.forget(c.Conn)
	return c.Conn.Close()
}

// advertised is an address as the other nodes know it.
type advertised string

func (a advertised) Network() string { return "tcp" }
func (a advertised) String() string  { return string(a) }

// Raft returns the port as the stream layer of hashicorp/raft. Closing it ends Accept and not the port.
func (p *Port) Raft() raft.StreamLayer { return raftStream{p} }

type raftStream struct{ p *Port }

func (s raftStream) Accept() (net.Conn, error) {
	select {
	case conn := <-s.p.raft:
		return conn, nil
	case <-s.p.raftDone: // not when the port closes: the transport would take that for a fault
		return nil, net.ErrClosed
	}
}

func (s raftStream) Close() error   { s.p.raftEnd.Do(func() { close(s.p.raftDone) }); return nil }
func (s raftStream) Addr() net.Addr { return s.p.advertise }

func (s raftStream) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	return s.p.dial(string(address), purposeRaft, time.Now().Add(timeout))
}

func (p *Port) dial(addr string, purpose byte, deadline time.Time) (net.Conn, error) {
	dialer := net.Dialer{Deadline: deadline}
	conn, err := dialer.DialContext(p.ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("port: %w", err)
	}
	if err := greet(conn, p.cluster, purpose, deadline); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}
