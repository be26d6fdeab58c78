package port

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Handler answers one call; CallerOf its ctx tells whose. Its error's text goes to the caller. payload belongs to the handler. It is called from
// one goroutine per connection; ctx ends with the port.
type Handler func(ctx context.Context, op byte, payload []byte) ([]byte, error)

// Options are what a port needs to know. Addr, Cluster, Server and Handler must be given.
type Options struct {
	Addr      string // host:port to listen on
	Advertise string // host:port under which the other nodes reach it; default: what it listens on
	Cluster   string // name of the cluster
	ClusterID string // of its first history, "" while unknown; see SetCluster
	Server    string // this node's server id: node.incarnation
	TLS       *TLS   // nil: plaintext, for loopback and networks that are trusted
	Handler   Handler

	Listen func(network, addr string) (net.Listener, error)                  // default net.Listen
	Dial   func(ctx context.Context, network, addr string) (net.Conn, error) // default net.Dialer's

	MaxCalls int // connections for calls to other nodes, idle ones included; beyond it a call waits for another one's end. Default 512
	MaxConns int // connections of other nodes; beyond it new ones are closed and counted. Default 1024

	Logger     *slog.Logger          // default slog.Default()
	Registerer prometheus.Registerer // default: metrics are counted and shown nowhere
}

func (o *Options) validate() error {
	if o.Cluster == "" || o.Server == "" || o.Handler == nil {
		return fmt.Errorf("port: cluster %q, server %q: both and a handler must be given", o.Cluster, o.Server)
	}
	longest := hello{cluster: o.Cluster, clusterID: o.ClusterID, target: o.Server, server: o.Server}
	_, err := longest.append(nil)
	return err
}

const (
	acceptPause     = 100 * time.Millisecond // after a failed accept
	defaultMaxCalls = 512
	defaultMaxConns = 1024
	greetingPart    = 8 // of MaxConns may not have been welcomed yet; beyond it the oldest of these gives way: members greet at once
)

// Port is one node's cluster port.
type Port struct {
	opt      Options
	listener net.Listener
	creds    *credentials // nil: plaintext
	log      *slog.Logger
	metrics  *metrics
	turned   turnedAway
	idle     *pool

	raft   chan net.Conn
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	mu        sync.Mutex          // protects all below
	clusterID string              // "" while unknown
	conns     map[net.Conn]string // incoming, as accepted; the cluster id that the other side gave, "" before it did
	greeting  []net.Conn          // of them, those that have not been welcomed yet, oldest first
}

// Listen opens the port.
func Listen(opt Options) (*Port, error) {
	if err := opt.validate(); err != nil {
		return nil, err
	}
	if opt.Listen == nil {
		opt.Listen = net.Listen
	}
	if opt.Dial == nil {
		opt.Dial = new(net.Dialer).DialContext
	}
	opt.MaxCalls, opt.MaxConns = cmp.Or(opt.MaxCalls, defaultMaxCalls), cmp.Or(opt.MaxConns, defaultMaxConns)
	p := &Port{
		opt: opt, clusterID: opt.ClusterID, log: cmp.Or(opt.Logger, slog.Default()), metrics: newMetrics(opt.Registerer),
		idle: newPool(opt.MaxCalls), raft: make(chan net.Conn), conns: map[net.Conn]string{},
	}
	if opt.TLS != nil {
		var err error
		if p.creds, err = newCredentials(*opt.TLS, nodeOf(opt.Server), p.log, opt.Registerer); err != nil {
			return nil, err
		}
	}
	var err error
	if p.listener, err = opt.Listen("tcp", opt.Addr); err != nil {
		return nil, fmt.Errorf("port: listen on %s: %w", opt.Addr, err)
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.tasks.Go(p.accept)
	if p.creds != nil {
		p.tasks.Go(func() { p.creds.watch(p.ctx) })
	}
	return p, nil
}

// Close ends the port and every incoming connection of it, and the calls under way.
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

// SetCluster tells the port the cluster's id as soon as this node knows it. Connections of nodes that gave another one are closed, and
// idle ones that were opened without it are not used again.
func (p *Port) SetCluster(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.clusterID == id {
		return
	}
	p.clusterID = id
	for conn, theirs := range p.conns {
		if theirs != "" && theirs != id {
			conn.Close()
		}
	}
	p.idle.drop()
}

func (p *Port) accept() {
	for {
		conn, err := p.listener.Accept()
		if p.ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			if err == nil {
				conn.Close()
			}
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
	if len(p.conns) >= p.opt.MaxConns || p.ctx.Err() != nil {
		return false
	}
	p.conns[conn] = ""
	if p.greeting = append(p.greeting, conn); len(p.greeting) > max(1, p.opt.MaxConns/greetingPart) {
		p.greeting[0].Close()
		p.greeting = p.greeting[1:]
		p.metrics.refused.Inc()
	}
	p.metrics.open.Set(float64(len(p.conns)))
	return true
}

// greeted ends the time in which a connection gives way to newer ones.
func (p *Port) greeted(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.greeting = slices.DeleteFunc(p.greeting, func(c net.Conn) bool { return c == conn })
}

func (p *Port) forget(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
	p.metrics.open.Set(float64(len(p.conns)))
}
