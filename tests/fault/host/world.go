//go:build linux

package host

import (
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// lockFile is held while a world is made: the numbers of networks in use are read, and the dead swept, by one process at a time.
const lockFile = "/run/gapless-fault.lock"

// wireName is the bridge's, and ends the name of the namespace that it is in.
const wireName = "wire"

var (
	validName = regexp.MustCompile(`^[a-z0-9]{1,16}$`)
	worlds    atomic.Int64 // made by this process
)

// World is a set of hosts that reach each other, until a fault says otherwise. Its methods may be called from any goroutine until Close.
type World struct {
	tag   string // what the names of all that it owns begin with
	links string // and of its interfaces
	hosts map[string]*Host
	wire  *wire

	mu        sync.Mutex // protects processes
	processes []*Process
}

// Host is a machine of a World.
type Host struct {
	name   string
	world  *World
	number int // from 1: its place in the table of faults, and in addresses
	net    int // the third byte of its client address
}

// NewWorld makes a host for each name (small letters and digits), 15 at most, and removes what worlds of dead processes left.
func NewWorld(names []string) (*World, error) {
	if err := Check(); err != nil {
		return nil, err
	}
	if len(names) > maxHosts {
		return nil, fmt.Errorf("host: %d hosts; the most is %d", len(names), maxHosts)
	}
	me, err := self()
	if err != nil {
		return nil, fmt.Errorf("host: %w", err)
	}
	n := worlds.Add(1)
	w := &World{tag: fmt.Sprintf("%s%d-", me, n), links: fmt.Sprintf("%s%d.", me.link(), n), hosts: map[string]*Host{}}
	for i, name := range names {
		if !validName.MatchString(name) || name == wireName || w.hosts[name] != nil {
			return nil, fmt.Errorf("host: the name %q is not valid or there twice", name)
		}
		w.hosts[name] = &Host{name: name, world: w, number: i + 1}
	}
	if err := w.build(); err != nil {
		return nil, fmt.Errorf("host: %w", errors.Join(err, w.Close()))
	}
	return w, nil
}

// build makes namespaces, links and the program of the wire.
func (w *World) build() error {
	unlock, err := lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := sweepDead(); err != nil {
		return fmt.Errorf("removing what a dead process left: %w", err)
	}
	third, err := freeNet()
	if err != nil {
		return err
	}
	bridge := w.tag + wireName
	if err := addNamespace(bridge); err != nil {
		return err
	}
	if err := ip(bridge, "link add "+wireName+" type bridge", "link set "+wireName+" addrgenmode none up"); err != nil {
		return err
	}
	for _, h := range w.hosts {
		h.net = third
		if err := h.plug(bridge); err != nil {
			return err
		}
	}
	if w.wire, err = newWire(); err != nil {
		return err
	}
	return within(bridge, func() error {
		for _, h := range w.hosts {
			port, err := net.InterfaceByName(h.port())
			if err != nil {
				return fmt.Errorf("port %s of the bridge: %w", h.port(), err)
			}
			if err := w.wire.attach(port.Index); err != nil {
				return err
			}
		}
		return nil
	})
}

// plug makes a host's namespace and its two links, one of them into the namespace of the bridge.
func (h *Host) plug(bridge string) error {
	name, client := h.Namespace(), fmt.Sprintf("%s%d", h.world.links, h.number)
	if err := addNamespace(name); err != nil {
		return err
	}
	err := ip(name,
		"link set lo up",
		fmt.Sprintf("link add peer type veth peer name %s netns %s", h.port(), bridge),
		"link set peer addrgenmode none up",
		fmt.Sprintf("addr add %s/24 dev peer", h.PeerAddr()))
	if err != nil {
		return err
	}
	if err := ip(bridge, fmt.Sprintf("link set %s addrgenmode none master %s up", h.port(), wireName)); err != nil {
		return err
	}
	if err := ip("",
		fmt.Sprintf("link add %s type veth peer name client netns %s", client, name),
		fmt.Sprintf("link set %s addrgenmode none up", client),
		fmt.Sprintf("addr add %s/31 dev %s", clientAddr(h.net, 2*h.number), client)); err != nil {
		return err
	}
	return ip(name, "link set client addrgenmode none up", fmt.Sprintf("addr add %s/31 dev client", h.ClientAddr()))
}

func (h *Host) port() string { return fmt.Sprintf("port%d", h.number) }

func clientAddr(third, fourth int) string { return fmt.Sprintf("198.19.%d.%d", third, fourth) }

// freeNet finds a third byte for client addresses that no interface of the machine has.
func freeNet() (int, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return 0, err
	}
	used := map[byte]bool{}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.To4()[0] == 198 && n.IP.To4()[1] == 19 {
			used[n.IP.To4()[2]] = true
		}
	}
	for third := range 256 {
		if !used[byte(third)] {
			return third, nil
		}
	}
	return 0, errors.New("every network of 198.19.0.0/16 is in use")
}

func lock() (unlock func(), err error) {
	f, err := os.OpenFile(lockFile, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("locking %s: %w", lockFile, err)
	}
	return func() { f.Close() }, nil
}

// Host returns the host with a name that NewWorld was given.
func (w *World) Host(name string) *Host {
	if h := w.hosts[name]; h != nil {
		return h
	}
	panic(fmt.Sprintf("host: there is no host %q in this world", name))
}

// Close kills all processes and removes the hosts. It may be called again.
func (w *World) Close() error {
	w.mu.Lock()
	processes := w.processes
	w.processes = nil
	w.mu.Unlock()
	var errs []error
	for _, p := range processes {
		errs = append(errs, p.Kill())
	}
	mine := func(name string) bool { return strings.HasPrefix(name, w.tag) }
	errs = append(errs, sweep(mine), removeLinks(w.links))
	if w.wire != nil {
		w.wire.close()
	}
	return errors.Join(errs...)
}
