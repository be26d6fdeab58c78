package network

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"syscall"
	"time"
)

const (
	firstPort = 32768 // of those a host gives to its own conns
	lastPort  = 60999
)

// Host is one machine on a network.
type Host struct {
	n    *Network
	name string
	ip   net.IP // nil if name is none

	// The network's lock protects all below.
	down, dark bool          // its process is dead; it has no power, too
	died       chan struct{} // closed by Down, made anew by Up
	listeners  map[int]*listener
	port       int // the next to be given
}

// Listen opens a port for conns, as net.Listen does. addr is "ip:port", with the host's own IP or none, and port 0 for any.
func (h *Host) Listen(network, addr string) (net.Listener, error) {
	local, err := h.resolve(network, addr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	switch {
	case h.down:
		err = syscall.ENETDOWN
	case !local.IP.Equal(h.ip):
		err = syscall.EADDRNOTAVAIL
	case h.listeners[local.Port] != nil:
		err = syscall.EADDRINUSE
	}
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: local, Err: err}
	}
	if local.Port == 0 {
		local.Port = h.nextPort()
	}
	l := newListener(h, local)
	h.listeners[local.Port] = l
	return l, nil
}

// resolve reads an address; without an IP it is the host's own.
func (h *Host) resolve(network, addr string) (*net.TCPAddr, error) {
	if network != "tcp" && network != "tcp4" {
		return nil, net.UnknownNetworkError(network)
	}
	name, number, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("network: port of %s: %w", addr, err)
	}
	ip := net.ParseIP(name)
	if name == "" || ip != nil && ip.IsUnspecified() {
		ip = h.ip
	}
	if ip == nil {
		return nil, &net.AddrError{Err: "no IP address", Addr: addr}
	}
	return &net.TCPAddr{IP: ip, Port: int(port)}, nil
}

// nextPort goes round, so that a port is not used again soon.
func (h *Host) nextPort() int {
	for {
		port := h.port
		if h.port++; h.port > lastPort {
			h.port = firstPort
		}
		if h.listeners[port] == nil {
			return port
		}
	}
}

// Down ends the host's process: its listeners close, and its conns break for its own side at once; it cannot listen or dial until Up.
// Silent, the machine has lost power: the others hear nothing, and what was under way to them is lost. Else it was killed: what it
// had sent arrives, then a reset, and who dials is refused. Down of a host that is down already can still take its power.
func (h *Host) Down(silent bool) {
	n := h.n
	n.mu.Lock()
	defer n.mu.Unlock()
	if !h.down {
		close(h.died)
	}
	h.down, h.dark = true, h.dark || silent
	for _, l := range n.order {
		if l.from == h || l.to == h {
			n.review(l)
		}
	}
	for _, port := range slices.Sorted(maps.Keys(h.listeners)) {
		h.listeners[port].shut()
	}
	now := n.now()
	for _, l := range n.order {
		if l.from != h {
			continue
		}
		for _, p := range slices.Clone(l.pipes) { // die may remove it
			p.from.die(now)
		}
	}
}

// Up undoes Down. Nothing of the dead process may use the host any more.
func (h *Host) Up() {
	n := h.n
	n.mu.Lock()
	defer n.mu.Unlock()
	if !h.down {
		return
	}
	h.down, h.dark, h.died = false, false, make(chan struct{})
	for _, l := range n.order {
		if l.from == h || l.to == h {
			n.review(l)
		}
	}
}

// die breaks a conn whose process is gone: nothing can be read any more.
func (c *Conn) die(now time.Duration) {
	c.breakOff(now)
	c.in.segments = queue[segment]{}
}
