package port

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"time"
)

const (
	helloTimeout = 5 * time.Second // for a TLS handshake and a hello
	raftTimeout  = 5 * time.Second // for Raft to take a connection: it may not run yet
	lingerFor    = time.Second     // for a stranger to read why it is one
	lingerBytes  = 64 << 10

	tlsHandshake = 0x16 // type of a TLS client's first record
	tlsMajor     = 0x03
)

// OpStatus is the operation that asks a node who it is. It alone may be sent to an address without a server id.
const OpStatus byte = 1

func (p *Port) serve(raw net.Conn) {
	conn, h, err := p.meet(raw)
	p.greeted(raw)
	if err != nil {
		p.noteRefusal(err)
		p.forget(raw)
		raw.Close()
		return
	}
	if h.purpose != forRaft {
		defer p.forget(raw)
		defer conn.Close()
		p.answer(conn, &h)
		return
	}
	wait := time.NewTimer(raftTimeout)
	defer wait.Stop()
	select {
	case p.raft <- &raftConn{conn, raw, p}:
		return
	case <-wait.C:
		p.log.Info("connection for Raft closed: Raft does not run here yet", "remote", raw.RemoteAddr(), "server", h.server)
	case <-p.ctx.Done():
	}
	p.forget(raw)
	raw.Close()
}

func (p *Port) noteRefusal(err error) {
	var refused *RefusedError
	if errors.As(err, &refused) && p.ctx.Err() == nil {
		p.metrics.strangers.WithLabelValues(refused.Reason.label()).Inc()
		p.turned.note(p.log, refused, time.Now())
	}
}

// meet finds out who dialed and answers. conn is what both sides go on with: raw, or TLS over it.
func (p *Port) meet(raw net.Conn) (conn net.Conn, h hello, err error) {
	if err := raw.SetDeadline(time.Now().Add(helloTimeout)); err != nil {
		return nil, h, err
	}
	conn, names, err := p.secure(raw)
	if err != nil {
		return nil, h, err
	}
	h, err = readHello(conn)
	if errors.Is(err, WantsPlaintext) {
		return nil, h, turnAway(conn, WantsPlaintext, "plaintext", "", nil)
	}
	if err != nil {
		return nil, h, turnAway(conn, OtherProtocol, "", "", err)
	}
	if reason, here := p.admit(raw, &h, names); reason != welcome {
		return nil, h, turnAway(conn, reason, here, h.asked(reason), nil)
	}
	if _, err := conn.Write(appendAnswer(nil, welcome, "")); err != nil {
		return nil, h, fmt.Errorf("port: welcome to %s: %w", raw.RemoteAddr(), err)
	}
	return conn, h, raw.SetDeadline(time.Time{})
}

// secure does the TLS handshake of a port with certificates and returns the names in the dialer's. Without certificates it returns raw.
func (p *Port) secure(raw net.Conn) (conn net.Conn, names []string, err error) {
	if p.creds == nil {
		return raw, nil, nil
	}
	var first [1]byte
	if _, err := io.ReadFull(raw, first[:]); err != nil {
		return nil, nil, turnAway(raw, OtherProtocol, "", "", fmt.Errorf("no hello: %w", err))
	}
	again := &prefixed{raw, first[:]}
	if first[0] != tlsHandshake {
		if _, err := readHello(again); err != nil {
			return nil, nil, turnAway(raw, OtherProtocol, "", "", err)
		}
		return nil, nil, turnAway(raw, WantsTLS, "TLS 1.3", "", nil)
	}
	secure := secured{tls.Server(again, p.creds.get().server())}
	if err := secure.HandshakeContext(p.ctx); err != nil {
		return nil, nil, &RefusedError{Reason: handshakeReason(err), Remote: raw.RemoteAddr().String(), ByUs: true, Err: err}
	}
	return secure, secure.ConnectionState().PeerCertificates[0].DNSNames, nil
}

// handshakeReason tells a dialer whose TLS we do not accept from one that went away or never spoke it.
func handshakeReason(err error) Refusal {
	var header tls.RecordHeaderError
	var broken net.Error
	if errors.As(err, &header) || errors.Is(err, io.EOF) || errors.As(err, &broken) && !isAlert(err) {
		return OtherProtocol
	}
	return BadCertificate
}

// admit decides about a hello; names are those in the dialer's certificate, nil on a plaintext port. here is what this node has where
// the hello has something else. With the decision a connection's cluster id is noted, so that SetCluster misses none.
func (p *Port) admit(raw net.Conn, h *hello, names []string) (reason Refusal, here string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case h.version != version:
		return OtherVersion, strconv.Itoa(version)
	case !h.purpose.known():
		return UnknownPurpose, ""
	case h.cluster != p.opt.Cluster:
		return OtherCluster, p.opt.Cluster
	case h.clusterID != "" && p.clusterID != "" && h.clusterID != p.clusterID:
		return OtherClusterID, p.clusterID
	case p.creds != nil && !slices.Contains(names, nodeOf(h.server)):
		return OtherName, fmt.Sprint(names)
	case h.target == "" && h.purpose != forStatus:
		return NoTarget, p.opt.Server
	case h.target != "" && h.target != p.opt.Server:
		return OtherTarget, p.opt.Server
	}
	p.conns[raw] = h.clusterID
	return welcome, ""
}

// turnAway tells a stranger why, where an answer can, and makes the error.
func turnAway(conn net.Conn, reason Refusal, here, asked string, cause error) error {
	if reason < BadCertificate {
		if _, err := conn.Write(appendAnswer(nil, reason, here)); err == nil {
			linger(conn)
		}
	}
	return &RefusedError{Reason: reason, Remote: conn.RemoteAddr().String(), ByUs: true, Here: here, Asked: asked, Err: cause}
}

// linger waits until the other side has closed, or a moment: closing while it still sends would reset the connection, and the answer
// might be lost.
func linger(conn net.Conn) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil && conn.SetReadDeadline(time.Now().Add(lingerFor)) == nil {
		_, _ = io.CopyN(io.Discard, conn, lingerBytes) // how it ends does not matter: the connection is done with
	}
}

// answer serves calls until the connection ends.
func (p *Port) answer(conn net.Conn, h *hello) {
	ctx := WithCaller(p.ctx, Caller{Server: h.server, Proven: p.creds != nil})
	for {
		op, payload, err := readMessage(conn)
		if err != nil {
			return
		}
		var out []byte
		if h.purpose == forStatus && op != OpStatus {
			err = fmt.Errorf("port: operation %d on a connection that is open to a status alone", op)
		} else {
			out, err = p.opt.Handler(ctx, op, payload)
		}
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

// prefixed is a connection whose first bytes were read already.
type prefixed struct {
	net.Conn
	read []byte
}

func (c *prefixed) Read(b []byte) (int, error) {
	if len(c.read) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.read)
	c.read = c.read[n:]
	return n, nil
}
