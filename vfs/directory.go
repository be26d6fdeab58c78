package vfs

import "slices"

// directory holds names. What the running process sees is entries; what a power loss certainly leaves is synced.
type directory struct {
	entries map[string]*inode
	synced  map[string]*inode
	pending []*edit // what turns synced into entries, oldest first
}

// edit is one unsynced modification of a directory: it survives a crash as a whole or not at all.
type edit struct {
	set     []entry
	needs   []*edit // it cannot survive without these
	durable bool
}

// entry gives a name to an inode, or takes the name away if node is nil.
type entry struct {
	name string
	node *inode
}

func newDirectory() *inode {
	return &inode{dir: &directory{entries: map[string]*inode{}, synced: map[string]*inode{}}}
}

// change applies an edit for the running process and remembers it until SyncDir. Edits that touch the same name keep their
// order in a crash, as they do in any journal; edits of different names do not. also is a further edit that this one needs.
func (d *directory) change(also *edit, set ...entry) *edit {
	e := &edit{set: set}
	if also != nil {
		e.needs = append(e.needs, also)
	}
	for _, s := range set {
		if prev := d.last(s.name); prev != nil {
			e.needs = append(e.needs, prev)
		}
		put(d.entries, s)
	}
	d.pending = append(d.pending, e)
	return e
}

// last is the newest pending edit of name, or nil.
func (d *directory) last(name string) *edit {
	for _, e := range slices.Backward(d.pending) {
		if slices.ContainsFunc(e.set, func(s entry) bool { return s.name == name }) {
			return e
		}
	}
	return nil
}

func (d *directory) sync() {
	for _, e := range d.pending {
		e.apply(d.synced)
		e.durable = true
	}
	d.pending = nil
}

func (e *edit) apply(to map[string]*inode) {
	for _, s := range e.set {
		put(to, s)
	}
}

func put(m map[string]*inode, s entry) {
	if s.node == nil {
		delete(m, s.name)
	} else {
		m[s.name] = s.node
	}
}
