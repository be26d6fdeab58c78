package shelf

import (
	"sync"
	"time"
)

// crowd is what a Pull has learned of its peers.
type crowd struct {
	mu    sync.Mutex // protects the rest
	peers map[string]*peer
}

type peer struct {
	wait  time.Duration // after the last failure; 0: it works
	until time.Time     // passed over until then
	lies  int           // wrong files it alone gave since the last right one
}

// of returns what is known of a peer. The caller holds mu.
func (c *crowd) of(name string) *peer {
	p := c.peers[name]
	if p == nil {
		p = &peer{}
		c.peers[name] = p
	}
	return p
}

// best returns who of names is to be asked, in that order: not those out or passed over, and of the rest those who lied least. If it is
// nobody, until says when the first of those passed over may be asked again; zero: none is.
func (c *crowd) best(names []string, out func(string) bool) (list []string, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, lies := time.Now(), 0
	for _, name := range names {
		p := c.of(name)
		switch {
		case out(name):
		case p.until.After(now):
			if until.IsZero() || p.until.Before(until) {
				until = p.until
			}
		case len(list) == 0 || p.lies < lies:
			list, lies = []string{name}, p.lies
		case p.lies == lies:
			list = append(list, name)
		}
	}
	return list, until
}

func (c *crowd) worked(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.of(name)
	p.wait, p.until = 0, time.Time{}
}

// failed passes a peer over for a while, and reports whether that is news.
func (c *crowd) failed(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.of(name)
	first := p.wait == 0
	p.wait = doubled(p.wait)
	p.until = time.Now().Add(p.wait)
	return first
}

func (c *crowd) lied(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of(name).lies++
}

func (c *crowd) truthful(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of(name).lies = 0
}
