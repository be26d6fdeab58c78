package port

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// maxIdle bounds the idle connections per key.
const maxIdle = 16

// poolKey is what a connection was welcomed for. The address has the target in it.
type poolKey struct {
	addr      string
	purpose   purpose
	clusterID string // that we gave
}

// pool bounds the connections for calls and keeps idle ones. A connection whose other end went away is found out by probing it before use.
type pool struct {
	calls chan struct{} // one token for each call under way; as many connections, idle ones included, as it holds

	mu     sync.Mutex // protects all below
	conns  map[poolKey][]net.Conn
	idle   int // connections in conns
	closed bool
}

func newPool(most int) *pool { return &pool{calls: make(chan struct{}, most)} }

// enter waits until one more call may be under way.
func (p *pool) enter(ctx context.Context) error {
	select {
	case p.calls <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("port: %d calls to other nodes are under way, as many as may be: %w", cap(p.calls), ctx.Err())
	}
}

func (p *pool) leave() { <-p.calls }

// get returns a connection that is still open, nil when there is none.
func (p *pool) get(key poolKey) net.Conn {
	for {
		conn := p.take(key)
		if conn == nil || alive(conn) {
			return conn
		}
		conn.Close()
	}
}

func (p *pool) take(key poolKey) net.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := p.conns[key]
	if len(idle) == 0 {
		delete(p.conns, key) // of a server that was replaced, say
		return nil
	}
	conn := idle[len(idle)-1]
	p.conns[key] = idle[:len(idle)-1]
	p.idle--
	return conn
}

// makeRoom closes what is idle beyond the bound, before one more connection is opened.
func (p *pool) makeRoom() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, idle := range p.conns {
		for len(idle) > 0 && p.surplus() {
			idle[len(idle)-1].Close()
			idle = idle[:len(idle)-1]
			p.idle--
		}
		p.conns[key] = idle
	}
}

// surplus reports whether there are more connections than may be. The caller holds mu.
func (p *pool) surplus() bool { return p.idle+len(p.calls) > cap(p.calls) }

func (p *pool) put(key poolKey, conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.conns[key]) >= maxIdle || p.surplus() {
		conn.Close()
		return
	}
	if p.conns == nil {
		p.conns = map[poolKey][]net.Conn{}
	}
	p.conns[key] = append(p.conns[key], conn)
	p.idle++
}

// drop closes what is idle.
func (p *pool) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, idle := range p.conns {
		for _, conn := range idle {
			conn.Close()
		}
	}
	p.conns, p.idle = nil, 0
}

// close is drop for good: a connection that comes back later is closed.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.drop()
}
