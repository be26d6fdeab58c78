package port

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

var longAgo = time.Unix(1, 0) // as a deadline: what is under way ends

// dial connects to a server, encrypts where this port does, and says hello. ctx bounds all of it and must end by itself.
func (p *Port) dial(ctx context.Context, addr string, why purpose) (net.Conn, error) {
	target, host := SplitAddress(addr)
	if target == "" && why != forStatus {
		return nil, &RefusedError{Reason: NoTarget, Remote: host, ByUs: true}
	}
	raw, err := p.opt.Dial(ctx, "tcp", host)
	if err != nil {
		return nil, fmt.Errorf("port: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { raw.SetDeadline(longAgo) })
	conn, err := p.greet(ctx, raw, host, target, why)
	if !stop() {
		err = errors.Join(err, ctx.Err())
	}
	if err != nil {
		raw.Close()
		return nil, err
	}
	return conn, nil
}

// greet sends our hello over raw, or over TLS over it, and waits for the answer.
func (p *Port) greet(ctx context.Context, raw net.Conn, host, target string, why purpose) (net.Conn, error) {
	conn := raw
	if p.creds != nil {
		secure := secured{tls.Client(raw, p.creds.get().client(host, target))}
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, handshakeFault(host, err)
		}
		conn = secure
	}
	h := hello{purpose: why, cluster: p.opt.Cluster, clusterID: p.cluster(), target: target, server: p.opt.Server}
	b, err := h.append(nil)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Write(b); err != nil {
		return nil, fmt.Errorf("port: hello to %s: %w", host, err)
	}
	reason, here, err := readAnswer(conn)
	switch {
	case isAlert(err): // in TLS 1.3 a listener judges our certificate after our side of the handshake is done
		return nil, &RefusedError{Reason: BadCertificate, Remote: host, Err: err}
	case err != nil:
		return nil, fmt.Errorf("port: answer of %s to our hello: %w", host, err)
	case reason != welcome:
		h.version = version
		return nil, &RefusedError{Reason: reason, Remote: host, Here: here, Asked: h.asked(reason)}
	}
	return conn, nil
}

func (p *Port) cluster() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.clusterID
}

// handshakeFault says why a listener and this dialer found no common TLS.
func handshakeFault(host string, err error) error {
	var refused *RefusedError
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &refused): // its certificate, by our own check
		return refused
	case errors.As(err, &header):
		return &RefusedError{Reason: WantsPlaintext, Remote: host}
	case isAlert(err):
		return &RefusedError{Reason: BadCertificate, Remote: host, Err: err}
	}
	return fmt.Errorf("port: TLS handshake with %s: %w: is its port encrypted?", host, err)
}

// isAlert reports whether the other side of a TLS connection said what is wrong. crypto/tls has no type for that.
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}
