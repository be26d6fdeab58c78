package network

import (
	"net"
	"sync"
	"time"
)

// Network is what lies between hosts. It is created and used inside one synctest bubble; any of its goroutines may call it.
type Network struct {
	seed  uint64
	start time.Time

	mu    sync.Mutex // protects all below and all of the hosts, links, listeners and conns; never held while anything waits
	hosts map[string]*Host
	links map[[2]*Host]*link
	order []*link // as they were made: what is done to all of them is done in one order
}

// New makes a network without hosts. Delays and losses are drawn from the seed.
func New(seed uint64) *Network {
	return &Network{seed: seed, start: time.Now(), hosts: map[string]*Host{}, links: map[[2]*Host]*link{}}
}

// Host returns the machine with that IP address, which is made when first asked for.
func (n *Network) Host(ip string) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.host(ip)
}

func (n *Network) host(ip string) *Host {
	parsed := net.ParseIP(ip)
	if parsed != nil {
		ip = parsed.String()
	}
	h := n.hosts[ip]
	if h == nil {
		h = &Host{n: n, name: ip, ip: parsed, listeners: map[int]*listener{}, port: firstPort, died: make(chan struct{})}
		n.hosts[ip] = h
	}
	return h
}

// now is the time since the network was made.
func (n *Network) now() time.Duration { return time.Since(n.start) }

func (n *Network) between(from, to string) *link { return n.link(n.host(from), n.host(to)) }

func (n *Network) link(from, to *Host) *link {
	if l := n.links[[2]*Host{from, to}]; l != nil {
		return l
	}
	l := newLink(n.seed, from, to)
	n.links[[2]*Host{from, to}] = l
	n.order = append(n.order, l)
	l.back = n.link(to, from) // of a host to itself: l
	l.blocked = from.dark || to.dark
	return l
}

// Cut stops all that goes from one host to another, one way: it is held, and a conn with something held for 15 s is reset.
// A Dial that needs the way hangs.
func (n *Network) Cut(from, to string) { n.setCut(from, to, true) }

// Mend undoes Cut. What was held arrives when it is next repeated: at the latest after as long again as it was held, plus 200 ms and a
// delay, and never more than 15 s after it was sent.
func (n *Network) Mend(from, to string) { n.setCut(from, to, false) }

func (n *Network) setCut(from, to string, cut bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.between(from, to)
	l.cut = cut
	n.review(l)
}

// MendAll undoes every Cut. Losses and delays stay.
func (n *Network) MendAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.order {
		l.cut = false
		n.review(l)
	}
}

// Calm undoes every Cut, SetLoss and SetDelay.
func (n *Network) Calm() {
	n.MendAll()
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.order {
		l.loss, l.delay, l.jitter, l.slow = 0, DefaultDelay, DefaultJitter, false
	}
}

// SetLoss makes each segment from one host to another be lost with probability p, each repetition of it too.
func (n *Network) SetLoss(from, to string, p float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.between(from, to).loss = p
}

// SetDelay makes each segment from one host to another take delay plus or minus up to jitter. What is under way is not changed.
func (n *Network) SetDelay(from, to string, delay, jitter time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.between(from, to)
	l.delay, l.jitter, l.slow = delay, jitter, delay+jitter > DefaultDelay+DefaultJitter
}

// Held counts the segments and dials from one host to another that met a cut or a host without power.
func (n *Network) Held(from, to string) int64 {
	return n.count(from, to, func(l *link) int64 { return l.held })
}

// Lost counts losses from one host to another, repetitions too.
func (n *Network) Lost(from, to string) int64 {
	return n.count(from, to, func(l *link) int64 { return l.lost })
}

// Delayed counts the segments and dials from one host to another that left while SetDelay made them slower than DefaultDelay.
func (n *Network) Delayed(from, to string) int64 {
	return n.count(from, to, func(l *link) int64 { return l.delayed })
}

func (n *Network) count(from, to string, of func(*link) int64) int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return of(n.between(from, to))
}

// review finds out whether a link is blocked, and tells the conns on it of a change.
func (n *Network) review(l *link) {
	blocked := l.cut || l.from.dark || l.to.dark
	if blocked == l.blocked {
		return
	}
	l.blocked = blocked
	now := n.now()
	for _, p := range l.pipes {
		if blocked {
			p.hold(now)
			p.from.shut(now)
			p.to.shut(now)
		} else {
			p.release(now)
			p.from.opened(now)
			p.to.opened(now)
		}
	}
}
