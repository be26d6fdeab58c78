//go:build linux

package faultfs

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// Survive says what a power cut leaves of what was not synced.
type Survive string

const (
	Lose   Survive = "lose"   // nothing
	Random Survive = "random" // any part
	Torn   Survive = "torn"   // any part, and of the newest page some sectors
)

// Lost is the witness of a power cut: what was not synced, and how much of it went. Sizes of files count as pages.
type Lost struct {
	Pages, LostPages int
	Names, LostNames int // changes of directories
	Torn             int // pages of which some sectors survived and some did not
}

func (l Lost) String() string {
	return fmt.Sprintf("lost %d of %d pages and %d of %d changes of names, tore %d pages", l.LostPages, l.Pages, l.LostNames, l.Names, l.Torn)
}

// cutter is one power cut under way.
type cutter struct {
	how    Survive
	rng    *rand.Rand
	sector int
	seen   map[*inode]bool
	files  []*inode // in the order of their paths: the same seed does the same
	lost   Lost
}

// cut leaves what a power cut would.
func (d *disk) cut(how Survive, rng *rand.Rand, sector int) Lost {
	c := &cutter{how: how, rng: rng, sector: sector, seen: map[*inode]bool{d.root: true}}
	c.names(d.root)
	torn, at := c.tearable()
	for _, i := range c.files {
		if i == torn {
			c.tear(i, at)
		}
		c.content(i)
	}
	d.settle()
	return c.lost
}

func (c *cutter) survives() bool { return c.how != Lose && c.rng.IntN(2) == 0 }

// names decides about the changes of a directory, then about what it holds after that.
func (c *cutter) names(dir *inode) {
	c.lost.Names += len(dir.pending)
	for _, change := range dir.pending {
		if c.survives() {
			change.apply(dir.kept)
		} else {
			c.lost.LostNames++
		}
	}
	dir.pending = nil
	for _, name := range slices.Sorted(maps.Keys(dir.kept)) {
		i := dir.kept[name]
		switch seen := c.seen[i]; {
		case seen && i.isDir():
			delete(dir.kept, name)
		case i.isDir():
			c.seen[i] = true
			c.names(i)
		case !seen:
			c.seen[i] = true
			c.files = append(c.files, i)
		}
	}
	dir.entries = maps.Clone(dir.kept)
}

// content decides about the pages and the size of a file. A truncation survives as a whole: its holes go with the size.
func (c *cutter) content(i *inode) {
	var kept, holes []int64
	for _, at := range slices.Sorted(maps.Keys(i.dirty)) {
		c.lost.Pages++
		switch {
		case i.live.at(at) == nil:
			holes = append(holes, at)
		case c.survives():
			kept = append(kept, at)
		default:
			c.lost.LostPages++
		}
	}
	size := i.sizeWith(slices.Values(kept))
	for _, at := range kept {
		i.durable.set(at, i.live.at(at))
	}
	if size != i.durable.size || len(holes) > 0 {
		c.lost.Pages++
		if c.survives() {
			i.durable.size = size
			for _, at := range holes {
				i.durable.set(at, nil)
			}
		} else {
			c.lost.LostPages++
		}
	}
	i.durable.trim()
	i.clean()
	i.live = i.durable.clone()
}

// tearable finds the newest dirty page of which a part can be lost.
func (c *cutter) tearable() (newest *inode, page int64) {
	if c.how != Torn {
		return nil, 0
	}
	var when uint64
	for _, i := range c.files {
		for at, written := range i.dirty {
			if written > when && len(c.sectors(i, at)) > 1 {
				newest, page, when = i, at, written
			}
		}
	}
	return newest, page
}

// sectors is those of a dirty page in which new and old differ, below the live size.
func (c *cutter) sectors(i *inode, at int64) (differ []int) {
	fresh, old := i.live.at(at), i.durable.at(at)
	if fresh == nil {
		return nil
	}
	if old == nil {
		old = new(page)
	}
	for from := 0; from < pageSize; from += c.sector {
		if !bytes.Equal(fresh[from:from+c.sector], old[from:from+c.sector]) {
			differ = append(differ, from)
		}
	}
	return differ
}

// tear writes some sectors of a page, not all and not none, and the size that shows them.
func (c *cutter) tear(i *inode, at int64) {
	torn := new(page)
	if old := i.durable.at(at); old != nil {
		*torn = *old
	}
	differ := c.sectors(i, at)
	c.rng.Shuffle(len(differ), func(a, b int) { differ[a], differ[b] = differ[b], differ[a] })
	for _, from := range differ[:1+c.rng.IntN(len(differ)-1)] {
		copy(torn[from:from+c.sector], i.live.at(at)[from:])
	}
	i.durable.size = max(i.durable.size, min(i.live.size, (at+1)*pageSize))
	i.durable.set(at, torn)
	delete(i.dirty, at)
	c.lost.Pages++
	c.lost.Torn++
}

// settle makes the live tree what it is to a kernel that has just started, and counts anew.
func (d *disk) settle() {
	d.used = 0
	seen := map[*inode]bool{}
	d.root.forget(nil, "")
	d.walk(d.root, func(dir *inode, name string, i *inode) {
		if seen[i] {
			i.links++
			return
		}
		seen[i] = true
		i.forget(dir, name)
		d.used += i.live.used
	})
}

// forget is what the kernel does when it restarts.
func (i *inode) forget(parent *inode, name string) {
	i.parent, i.name, i.links = parent, name, 1
	i.node, i.lookups, i.opens, i.gone = 0, 0, 0, false
}

// walk calls visit for every live name, in order, directories before what is in them.
func (d *disk) walk(dir *inode, visit func(dir *inode, name string, i *inode)) {
	for _, name := range dir.names() {
		i := dir.entries[name]
		visit(dir, name, i)
		if i.isDir() {
			d.walk(i, visit)
		}
	}
}
