package vfs

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// sectorSize is the unit that a disk writes as a whole.
const sectorSize = 512

// Crash says what kind of crash CrashClone is to model.
type Crash struct {
	// Rand decides about everything unsynced. Each write survives wholly, not at all, or torn: cut at a sector, or with any
	// of its sectors missing, for nobody orders the sectors of one write. The size of a file may grow without the bytes.
	// Each edit of a directory survives or not; only edits of the same name keep their order. Nil loses all of it.
	// Equal states and equal generators give equal clones.
	Rand *rand.Rand
	// Kill means that only the process died. Everything it wrote is there, and what it had not synced still is not.
	Kill bool
}

// CrashClone returns the file system as the next process could find it if the crash happened now. It is independent of m,
// which stays as it is and can be cloned again; it has the capacity of m, and no locks, hooks or order to crash.
func (m *Mem) CrashClone(opt Crash) *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := &Mem{crashAt: -1, capacity: m.capacity}
	if opt.Kill {
		k := killer{nodes: map[*inode]*inode{}, edits: map[*edit]*edit{}}
		c.root = k.node(m.root)
	} else {
		p := powerCut{rand: opt.Rand, nodes: map[*inode]*inode{}, fate: map[*edit]bool{}}
		c.root = p.node(m.root)
	}
	c.recount()
	return c
}

// recount sets links and used from the names that lead to each inode.
func (m *Mem) recount() {
	m.used = 0
	var walk func(*inode)
	walk = func(node *inode) {
		node.links++
		if node.links > 1 {
			return
		}
		m.used += node.data.size
		if node.dir != nil {
			for _, child := range node.dir.entries {
				walk(child)
			}
		}
	}
	walk(m.root)
}

// powerCut copies what survives a power loss.
type powerCut struct {
	rand  *rand.Rand
	nodes map[*inode]*inode
	fate  map[*edit]bool
}

func (p *powerCut) node(old *inode) *inode {
	if n, ok := p.nodes[old]; ok {
		return n
	}
	n := &inode{}
	p.nodes[old] = n
	if old.dir == nil {
		n.data = p.contents(old)
		n.synced = n.data.clone()
		return n
	}
	left := maps.Clone(old.dir.synced)
	for _, e := range old.dir.pending {
		if p.survives(e) {
			e.apply(left)
		}
	}
	n.dir = &directory{entries: map[string]*inode{}, synced: map[string]*inode{}}
	for _, name := range slices.Sorted(maps.Keys(left)) { // in order, for the sake of p.rand
		child := p.node(left[name])
		n.dir.entries[name], n.dir.synced[name] = child, child
	}
	return n
}

// survives decides, once, about an edit that was not synced when the power failed.
func (p *powerCut) survives(e *edit) bool {
	if e.durable || p.rand == nil {
		return e.durable
	}
	if fate, ok := p.fate[e]; ok {
		return fate
	}
	fate := p.coin()
	for _, need := range e.needs {
		fate = p.survives(need) && fate
	}
	p.fate[e] = fate
	return fate
}

// contents is what the disk holds of a file.
func (p *powerCut) contents(old *inode) image {
	im := old.synced.clone()
	if p.rand == nil {
		return im
	}
	for _, c := range old.pending {
		if c.kind == changeSize {
			if p.coin() {
				c.apply(&im)
			}
			continue
		}
		p.tear(c, &im)
		if end := c.off + c.n; end > im.size && p.rand.IntN(4) == 0 {
			im.truncate(end) // the size made it, the bytes did not
		}
	}
	return im
}

// tear applies what survives of a write.
func (p *powerCut) tear(c change, im *image) {
	first, last := c.off/sectorSize, (c.off+c.n-1)/sectorSize
	keep := func(from, to int64) { // sectors [from, to)
		if lo, hi := max(c.off, from*sectorSize), min(c.off+c.n, to*sectorSize); lo < hi {
			c.slice(lo, hi).apply(im)
		}
	}
	switch p.rand.IntN(4) {
	case 0: // nothing
	case 1:
		c.apply(im)
	case 2: // a prefix
		keep(first, first+p.rand.Int64N(last-first+1))
	case 3: // any sectors
		for s := first; s <= last; s++ {
			if p.coin() {
				keep(s, s+1)
			}
		}
	}
}

func (p *powerCut) coin() bool { return p.rand.IntN(2) == 0 }

// killer copies everything, including what is not durable yet.
type killer struct {
	nodes map[*inode]*inode
	edits map[*edit]*edit
}

func (k *killer) node(old *inode) *inode {
	if old == nil {
		return nil
	}
	if n, ok := k.nodes[old]; ok {
		return n
	}
	n := &inode{pending: slices.Clone(old.pending)}
	k.nodes[old] = n
	if old.dir == nil {
		n.data, n.synced = old.data.clone(), old.synced.clone()
		return n
	}
	n.dir = &directory{entries: k.names(old.dir.entries), synced: k.names(old.dir.synced)}
	for _, e := range old.dir.pending {
		n.dir.pending = append(n.dir.pending, k.edit(e))
	}
	return n
}

func (k *killer) names(old map[string]*inode) map[string]*inode {
	m := make(map[string]*inode, len(old))
	for name, node := range old {
		m[name] = k.node(node)
	}
	return m
}

func (k *killer) edit(old *edit) *edit {
	if e, ok := k.edits[old]; ok {
		return e
	}
	e := &edit{durable: old.durable}
	k.edits[old] = e
	for _, s := range old.set {
		e.set = append(e.set, entry{s.name, k.node(s.node)})
	}
	for _, need := range old.needs {
		e.needs = append(e.needs, k.edit(need))
	}
	return e
}
