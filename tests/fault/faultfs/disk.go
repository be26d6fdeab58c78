//go:build linux

package faultfs

import (
	"syscall"
	"time"
)

// disk is the model: a tree of inodes and how much room they take. It has no lock of its own.
type disk struct {
	root  *inode
	inos  uint64 // the last that was given away
	clock uint64 // counts the pages written
	used  int64  // pages, of files that have a name or are open
	limit int64
}

func newDisk(limit int64) *disk {
	d := &disk{limit: limit}
	d.root = d.newInode(syscall.S_IFDIR|0o755, uint32(syscall.Getuid()), uint32(syscall.Getgid()))
	d.root.links = 1
	return d
}

func (d *disk) newInode(mode, uid, gid uint32) *inode {
	d.inos++
	now := time.Now()
	i := &inode{ino: d.inos, mode: mode, uid: uid, gid: gid, atime: now, mtime: now, ctime: now}
	if i.isDir() {
		i.directory = newDirectory()
	}
	return i
}

func (d *disk) free() int64 { return max(0, d.limit-d.used) }

// resize runs what changes a file's live pages, and accounts for it.
func (d *disk) resize(i *inode, act func()) {
	before := i.live.used
	act()
	if !i.gone {
		d.used += i.live.used - before
	}
}

// write is short when only a part finds room.
func (d *disk) write(i *inode, off int64, data []byte, room int64) (n int, err error) {
	if off+int64(len(data)) > maxFileBytes {
		return 0, syscall.EFBIG
	}
	d.resize(i, func() {
		for n < len(data) {
			at, from := (off+int64(n))/pageSize, int((off+int64(n))%pageSize)
			part := data[n:min(len(data), n+pageSize-from)]
			old, fresh := i.live.at(at), new(page)
			if old == nil {
				if room == 0 {
					break
				}
				room--
			} else if len(part) < pageSize {
				*fresh = *old
			}
			n += copy(fresh[from:], part)
			d.put(i, at, fresh)
		}
	})
	switch {
	case len(data) == 0:
		return 0, nil
	case n == 0:
		return 0, syscall.ENOSPC
	}
	d.grow(i, off+int64(n))
	touch(i)
	return n, nil
}

func (d *disk) put(i *inode, at int64, p *page) {
	i.live.set(at, p)
	d.clock++
	i.stain(at, d.clock)
}

func (d *disk) grow(i *inode, size int64) {
	if size > i.live.size {
		i.live.size, i.resized = size, true
	}
}

// truncate cuts off, or extends by a hole.
func (d *disk) truncate(i *inode, size int64) error {
	if size > maxFileBytes {
		return syscall.EFBIG
	}
	if size != i.live.size {
		i.resized = true
	}
	for at := size / pageSize; size < i.live.size && at < int64(len(i.live.pages)); at++ {
		d.clock++
		i.stain(at, d.clock) // also the page in which the end is: its rest becomes zeros
	}
	d.resize(i, func() {
		i.live.size = size
		i.live.trim()
	})
	touch(i)
	return nil
}

// allocate fills holes with pages, all or none.
func (d *disk) allocate(i *inode, off, length, room int64) error {
	if off+length > maxFileBytes {
		return syscall.EFBIG
	}
	var holes []int64
	for at := off / pageSize; at < pagesOf(off+length); at++ {
		if i.live.at(at) == nil {
			holes = append(holes, at)
		}
	}
	if int64(len(holes)) > room {
		return syscall.ENOSPC
	}
	d.resize(i, func() {
		for _, at := range holes {
			d.put(i, at, new(page))
		}
	})
	d.grow(i, off+length)
	touch(i)
	return nil
}

// failSync is inode.failSync with the account kept.
func (d *disk) failSync(i *inode, drop bool) (lost []int64) {
	d.resize(i, func() { lost = i.failSync(drop) })
	return lost
}

func touch(i *inode) {
	i.mtime = time.Now()
	i.ctime = i.mtime
}
