package port

import (
	"context"
	"errors"
	"fmt"
	"net"
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

// Call sends one request to the server that addr names (JoinAddress) and waits for its answer. An address without a server id takes
// OpStatus alone. When the node refuses the connection, because it is another one than addr names, say, the error is a NotSentError with
// a *RefusedError in it.
func (p *Port) Call(ctx context.Context, addr string, op byte, payload []byte) ([]byte, error) {
	ctx, cancel := p.bound(ctx)
	defer cancel()
	key := poolKey{addr, forCalls, p.cluster()}
	if server, _ := SplitAddress(addr); server == "" && op == OpStatus {
		key.purpose = forStatus
	}
	if op != OpStatus { // by which nodes know each other: there are few of these, and they wait for nothing
		if err := p.idle.enter(ctx); err != nil {
			return nil, &NotSentError{err}
		}
		defer p.idle.leave()
	}
	conn := p.idle.get(key)
	if conn == nil {
		p.idle.makeRoom()
		var err error
		if conn, err = p.dial(ctx, addr, key.purpose); err != nil {
			return nil, &NotSentError{err}
		}
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(longAgo) })
	status, out, err := exchange(conn, op, payload)
	if stop() && err == nil {
		p.idle.put(key, conn)
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

// bound ends ctx with the port, and after callTimeout where it has no end of its own.
func (p *Port) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(callTimeout)
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	stop := context.AfterFunc(p.ctx, cancel)
	return ctx, func() { stop(); cancel() }
}

func exchange(conn net.Conn, op byte, payload []byte) (status byte, out []byte, err error) {
	if err := writeMessage(conn, op, payload); err != nil {
		return 0, nil, err
	}
	return readMessage(conn)
}
