//go:build linux

package faultfs

import (
	"maps"
	"slices"
)

// maxPending is how many changes a directory holds back that is never synced: a journal does not wait for ever either.
const maxPending = 1 << 14

// directory is the names in an inode that is one.
type directory struct {
	entries map[string]*inode // live
	kept    map[string]*inode // durable
	pending []change          // what the next sync makes durable
}

// change is what survives a power cut as a whole: one name, or the two of a rename.
type change []entry

// entry gives a name to an inode, or takes it away (nil).
type entry struct {
	name string
	to   *inode
}

func newDirectory() directory {
	return directory{entries: map[string]*inode{}, kept: map[string]*inode{}}
}

// change does it to the live names.
func (d *directory) change(c ...entry) {
	change(c).apply(d.entries)
	d.pending = append(d.pending, c)
	if len(d.pending) > maxPending {
		d.commit(maxPending / 2)
	}
}

// commit makes the oldest n changes durable.
func (d *directory) commit(n int) {
	for _, c := range d.pending[:n] {
		c.apply(d.kept)
	}
	d.pending = slices.Delete(d.pending, 0, n)
}

func (c change) apply(to map[string]*inode) {
	for _, e := range c {
		if e.to == nil {
			delete(to, e.name)
		} else {
			to[e.name] = e.to
		}
	}
}

// names is the live names in order.
func (d *directory) names() []string { return slices.Sorted(maps.Keys(d.entries)) }
