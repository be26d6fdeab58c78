package vfs

// inode is a file or directory of a Mem, whatever names lead to it. Owned by Mem.mu.
type inode struct {
	dir *directory // nil for a file

	data    image    // what the running process sees
	synced  image    // what a power loss certainly leaves
	pending []change // what would turn synced into data, oldest first; after a failed Sync that dropped data, part of it

	links  int // names that lead here now
	opens  int // open handles
	locked bool
}

// change is one unsynced modification of a file's contents.
type change struct {
	kind changeKind
	off  int64
	n    int64  // bytes, or the new size
	data []byte // what was written; nil when zeroed or resized
}

type changeKind uint8

const (
	changeWrite changeKind = iota
	changeZero
	changeSize
)

// write changes the file for the running process and remembers the change until Sync.
func (i *inode) write(c change) {
	c.apply(&i.data)
	i.pending = append(i.pending, c)
}

// sync makes everything pending durable. It replays rather than copies data: what an earlier failed Sync dropped stays out.
func (i *inode) sync() {
	for _, c := range i.pending {
		c.apply(&i.synced)
	}
	i.pending = nil
}

func (c change) apply(im *image) {
	switch c.kind {
	case changeWrite:
		im.writeAt(c.data, c.off)
	case changeZero:
		im.zero(c.off, c.n)
	case changeSize:
		im.truncate(c.n)
	}
}

// slice is the part [from, to) of a write or zeroing, in offsets of the file.
func (c change) slice(from, to int64) change {
	if c.kind == changeWrite {
		c.data = c.data[from-c.off : to-c.off]
	}
	c.off, c.n = from, to-from
	return c
}
