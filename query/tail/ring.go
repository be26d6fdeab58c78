package tail

import (
	"sort"
	"sync"

	"github.com/gaplessdb/gapless/segment"
)

// ring is the newest pages, which live readers share. The pump adds to it; what is too much for its limits goes, oldest first, and readers that
// still need it read it elsewhere. It holds every frame of its stretch of the log.
type ring struct {
	maxRows  int
	maxBytes int64

	mu      sync.Mutex // protects what follows
	history uint64
	from    segment.Commit // what it holds lies behind this place
	to      segment.Commit // and not behind this one
	pages   []*page
	rows    int
	bytes   int64
	changed chan struct{} // closed when something was added
}

func newRing(maxRows, maxBytes int) *ring {
	return &ring{maxRows: maxRows, maxBytes: int64(maxBytes), changed: make(chan struct{})}
}

// restart empties the ring and lets it begin behind a place.
func (g *ring) restart(history uint64, at segment.Commit) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.pages {
		p.listed = false
	}
	g.history, g.from, g.to = history, at, at
	g.pages, g.rows, g.bytes = nil, 0, 0
	g.wake()
}

// wake wakes everybody who waits. The caller holds the lock.
func (g *ring) wake() {
	close(g.changed)
	g.changed = make(chan struct{})
}

// add appends a page that begins where the ring ends.
func (g *ring) add(p *page) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.to = p.to; len(p.rows) > 0 { // otherwise only TICKs, or the like
		p.ring, p.listed = g, true
		g.pages = append(g.pages, p)
		g.rows += len(p.rows)
		g.bytes += p.size
		g.trim()
	}
	g.wake()
}

// grow counts what was added to a page, if it is still here. The page's own lock may be held: none is taken while the ring's is.
func (g *ring) grow(p *page, n int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.listed {
		p.size += n
		g.bytes += n
		g.trim()
	}
}

// trim drops the oldest pages beyond the limits, but never the newest one.
func (g *ring) trim() {
	for len(g.pages) > 1 && (g.rows > g.maxRows || g.bytes > g.maxBytes) {
		old := g.pages[0]
		old.listed = false
		g.pages = g.pages[1:]
		g.from = old.to
		g.rows -= len(old.rows)
		g.bytes -= old.size
	}
}

// next gives the page that has what follows a place. Without one, held says whether there is nothing new; otherwise the ring does not have it, or
// does not have it any more. changed is closed at the next change of the ring.
func (g *ring) next(history uint64, at segment.Commit) (p *page, changed <-chan struct{}, held bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.history != history || at.Before(g.from):
		return nil, g.changed, false
	case !at.Before(g.to):
		return nil, g.changed, true
	}
	i := sort.Search(len(g.pages), func(i int) bool { return at.Before(g.pages[i].to) })
	if i == len(g.pages) { // only what is no frame lies between
		return &page{history: history, from: at, to: g.to}, g.changed, true
	}
	return g.pages[i], g.changed, true
}
