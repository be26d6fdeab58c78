//go:build linux

package faultfs

import "maps"

// Image is a copy of a whole disk as processes saw it at one moment, all of it durable. It shares pages with the disk until they are written anew.
type Image struct {
	root *inode
	inos uint64
}

func (d *disk) snapshot() *Image {
	return &Image{root: copyTree(d.root, map[*inode]*inode{}), inos: d.inos}
}

// restore leaves the image as it is, so that it can be restored again. The disk has to settle.
func (d *disk) restore(m *Image) {
	d.root = copyTree(m.root, map[*inode]*inode{})
	d.inos = max(d.inos, m.inos)
}

// copyTree copies the live side; seen keeps files together that have several names.
func copyTree(i *inode, seen map[*inode]*inode) *inode {
	if c := seen[i]; c != nil {
		return c
	}
	c := &inode{ino: i.ino, mode: i.mode, uid: i.uid, gid: i.gid, atime: i.atime, mtime: i.mtime, ctime: i.ctime}
	seen[i] = c
	if i.isDir() {
		c.directory = newDirectory()
		for name, child := range i.entries {
			c.entries[name] = copyTree(child, seen)
		}
		c.kept = maps.Clone(c.entries)
		return c
	}
	c.live, c.durable = i.live.clone(), i.live.clone()
	return c
}
