package port

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// RemoteError is the text of an error that the other node's handler returned.
type RemoteError struct{ Text string }

func (e *RemoteError) Error() string { return "port: remote: " + e.Text }

// NotSentError wraps a failure before the request left this node: the other side has not seen it.
type NotSentError struct{ Err error }

func (e *NotSentError) Error() string { return e.Err.Error() }
func (e *NotSentError) Unwrap() error { return e.Err }

// callTimeout bounds a call whose context has no deadline.
const callTimeout = 30 * time.Second

// Call sends one request to another node and waits for its answer.
func (p *Port) Call(ctx context.Context, addr string, op byte, payload []byte) ([]byte, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(callTimeout)
	}
	conn, err := p.connection(addr, deadline)
	if err != nil {
		return nil, &NotSentError{err}
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	status, out, err := exchange(conn, deadline, op, payload)
	if stop() && err == nil && conn.SetDeadline(time.Time{}) == nil {
		p.idle.put(addr, conn)
	} else {
		conn.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("port: call %d to %s: %w", op, addr, errors.Join(err, ctx.Err()))
	}
	if status != 0 {
		return nil, &RemoteError{string(out)}
	}
	return out, nil
}

func exchange(conn net.Conn, deadline time.Time, op byte, payload []byte) (status byte, out []byte, err error) {
	if err := conn.SetDeadline(deadline); err != nil {
		return 0, nil, err
	}
	if err := writeMessage(conn, op, payload); err != nil {
		return 0, nil, err
	}
	return readMessage(conn)
}

func (p *Port) connection(addr string, deadline time.Time) (net.Conn, error) {
	if conn := p.idle.get(addr); conn != nil {
		return conn, nil
	}
	return p.dial(addr, purposeCall, deadline)
}

// maxIdle bounds the idle connections per address.
const maxIdle = 16

// pool keeps idle connections for calls. A connection whose other end went away is found out by probing it before use.
type pool struct {
	mu     sync.Mutex // protects all below
	conns  map[string][]net.Conn
	closed bool
}

func (p *pool) get(addr string) net.Conn {
	for {
		p.mu.Lock()
		idle := p.conns[addr]
		if len(idle) == 0 {
			p.mu.Unlock()
			return nil
		}
		conn := idle[len(idle)-1]
		p.conns[addr] = idle[:len(idle)-1]
		p.mu.Unlock()
		if alive(conn) {
			return conn
		}
		conn.Close()
	}
}

func (p *pool) put(addr string, conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.conns[addr]) >= maxIdle {
		conn.Close()
		return
	}
	if p.conns == nil {
		p.conns = map[string][]net.Conn{}
	}
	p.conns[addr] = append(p.conns[addr], conn)
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, idle := range p.conns {
		for _, conn := range idle {
			conn.Close()
		}
	}
	p.conns = nil
}
