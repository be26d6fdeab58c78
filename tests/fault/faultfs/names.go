//go:build linux

package faultfs

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const maxName = 255

// lookup finds a live name.
func (d *disk) lookup(dir *inode, name string) (*inode, error) {
	if !dir.isDir() {
		return nil, syscall.ENOTDIR
	}
	if i := dir.entries[name]; i != nil {
		return i, nil
	}
	return nil, syscall.ENOENT
}

// find walks a path as inode.path gives it.
func (d *disk) find(path string) (i *inode, err error) {
	i = d.root
	for name := range strings.SplitSeq(path, "/") {
		if name == "" {
			continue
		}
		if i, err = d.lookup(i, name); err != nil {
			return nil, err
		}
	}
	return i, nil
}

// vacant says why no new name can be put there.
func (d *disk) vacant(dir *inode, name string) error {
	switch {
	case !dir.isDir():
		return syscall.ENOTDIR
	case dir.links == 0:
		return syscall.ENOENT
	case len(name) > maxName:
		return syscall.ENAMETOOLONG
	case dir.entries[name] != nil:
		return syscall.EEXIST
	}
	return nil
}

// create makes a file or directory, as mode says.
func (d *disk) create(dir *inode, name string, mode, uid, gid uint32) (*inode, error) {
	if err := d.vacant(dir, name); err != nil {
		return nil, err
	}
	i := d.newInode(mode, uid, gid)
	d.name(dir, name, i)
	return i, nil
}

// link gives a file one more name.
func (d *disk) link(i, dir *inode, name string) error {
	if i.isDir() {
		return syscall.EPERM
	}
	if i.links == 0 {
		return syscall.ENOENT
	}
	if err := d.vacant(dir, name); err != nil {
		return err
	}
	d.name(dir, name, i)
	return nil
}

func (d *disk) name(dir *inode, name string, i *inode) {
	dir.change(entry{name, i})
	i.links++
	i.parent, i.name = dir, name
	touch(dir)
}

// remove is unlink, or rmdir if dirs is true.
func (d *disk) remove(dir *inode, name string, dirs bool) error {
	i, err := d.lookup(dir, name)
	switch {
	case err != nil:
		return err
	case dirs && !i.isDir():
		return syscall.ENOTDIR
	case !dirs && i.isDir():
		return syscall.EISDIR
	case len(i.entries) > 0:
		return syscall.ENOTEMPTY
	}
	dir.change(entry{name, nil})
	touch(dir)
	d.unname(i)
	return nil
}

// unname is for after a name of i has gone.
func (d *disk) unname(i *inode) {
	i.links--
	d.release(i)
}

// release gives back the room of a file that nobody can reach any more.
func (d *disk) release(i *inode) {
	if i.links == 0 && i.opens == 0 && !i.gone {
		i.gone = true
		d.used -= i.live.used
	}
}

// rename is one change within a directory, and one in each of two.
func (d *disk) rename(from *inode, name string, to *inode, newName string, flags uint32) error {
	i, err := d.lookup(from, name)
	if err != nil {
		return err
	}
	old := to.entries[newName]
	if err := d.mayRename(i, old, to, newName, flags); err != nil {
		return err
	}
	if i == old {
		return nil
	}
	if from == to {
		from.change(entry{name, nil}, entry{newName, i})
	} else {
		to.change(entry{newName, i})
		from.change(entry{name, nil})
	}
	touch(from)
	touch(to)
	i.parent, i.name = to, newName
	if old != nil {
		d.unname(old)
	}
	return nil
}

func (d *disk) mayRename(i, old, to *inode, newName string, flags uint32) error {
	if flags&^unix.RENAME_NOREPLACE != 0 {
		return syscall.EINVAL
	}
	for up := to; up != nil; up = up.parent {
		if up == i {
			return syscall.EINVAL // into itself
		}
	}
	if old == nil {
		return d.vacant(to, newName)
	}
	switch {
	case flags&unix.RENAME_NOREPLACE != 0:
		return syscall.EEXIST
	case old.isDir() && !i.isDir():
		return syscall.EISDIR
	case !old.isDir() && i.isDir():
		return syscall.ENOTDIR
	case len(old.entries) > 0:
		return syscall.ENOTEMPTY
	}
	return nil
}
