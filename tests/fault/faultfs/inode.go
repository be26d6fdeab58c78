//go:build linux

package faultfs

import (
	"maps"
	"slices"
	"strings"
	"syscall"
	"time"
)

// inode is a file or a directory.
type inode struct {
	ino          uint64 // what stat shows, for ever
	mode         uint32
	uid, gid     uint32
	atime, mtime time.Time
	ctime        time.Time

	links  int    // live names
	parent *inode // where it is, or was last
	name   string

	// What the kernel knows of it. A restart of the disk makes all of it void.
	node    uint64 // its number in the protocol; 0: the kernel knows none
	lookups uint64 // how often the kernel was told the number
	opens   int
	gone    bool // neither named nor open: takes no room

	directory // of a directory

	live, durable content          // of a file
	dirty         map[int64]uint64 // page -> when it was written (disk.clock): what the next sync writes
	resized       bool             // the next sync makes the size durable, too
}

func (i *inode) isDir() bool { return i.mode&syscall.S_IFMT == syscall.S_IFDIR }

// path is slash-separated, relative to the root, which is "". A file without a name has its last one.
func (i *inode) path() string {
	var parts []string
	for ; i.parent != nil; i = i.parent {
		parts = append(parts, i.name)
	}
	slices.Reverse(parts)
	return strings.Join(parts, "/")
}

// unsynced tells whether a sync would have anything to do.
func (i *inode) unsynced() bool { return len(i.dirty) > 0 || i.resized || len(i.pending) > 0 }

// sync makes everything durable that was changed since the last sync, failed ones included.
func (i *inode) sync() {
	i.commit(len(i.pending))
	size := i.sizeWith(maps.Keys(i.dirty))
	for at := range i.dirty {
		i.durable.set(at, i.live.at(at))
	}
	i.durable.size = size
	i.durable.trim()
	i.clean()
}

// sizeWith is the durable size once these dirty pages are: the size was changed, or it follows the data.
func (i *inode) sizeWith(pages func(func(int64) bool)) int64 {
	if i.resized {
		return i.live.size
	}
	size := i.durable.size
	for at := range pages {
		size = max(size, min(i.live.size, (at+1)*pageSize))
	}
	return size
}

func (i *inode) clean() {
	clear(i.dirty)
	i.resized = false
	i.pending = nil
}

// failSync leaves durable what was durable, and counts everything as clean. With drop the dirty pages are lost at once: it returns which.
func (i *inode) failSync(drop bool) (lost []int64) {
	if drop {
		lost = slices.Sorted(maps.Keys(i.dirty))
		for _, at := range lost {
			i.live.set(at, i.durable.at(at))
		}
		i.live.trim()
	}
	i.clean()
	return lost
}

// stain marks a page as written now.
func (i *inode) stain(at int64, now uint64) {
	if i.dirty == nil {
		i.dirty = map[int64]uint64{}
	}
	i.dirty[at] = now
}
