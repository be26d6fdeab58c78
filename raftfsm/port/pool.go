package port

import (
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

// pool keeps idle connections for calls. A connection whose other end went away is found out by probing it before use.
type pool struct {
	mu     sync.Mutex // protects all below
	conns  map[poolKey][]net.Conn
	closed bool
}

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
	return conn
}

func (p *pool) put(key poolKey, conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.conns[key]) >= maxIdle {
		conn.Close()
		return
	}
	if p.conns == nil {
		p.conns = map[poolKey][]net.Conn{}
	}
	p.conns[key] = append(p.conns[key], conn)
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
	p.conns = nil
}

// close is drop for good: a connection that comes back later is closed.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.drop()
}
