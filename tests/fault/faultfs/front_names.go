//go:build linux

package faultfs

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// listed is one name of an open directory, as it was when it was read from the beginning.
type listed struct {
	name string
	ino  uint64
	mode uint32
}

func (t *front) Mkdir(cancel <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	return t.named(ask(Create, &in.InHeader, cancel), name, out, func(dir *inode) (*inode, error) {
		return t.fs.disk.create(dir, name, in.Mode&^syscall.S_IFMT|syscall.S_IFDIR, in.Uid, in.Gid)
	})
}

// Mknod makes files only: there are no devices, pipes or sockets.
func (t *front) Mknod(cancel <-chan struct{}, in *fuse.MknodIn, name string, out *fuse.EntryOut) fuse.Status {
	return t.named(ask(Create, &in.InHeader, cancel), name, out, func(dir *inode) (*inode, error) {
		if in.Mode&syscall.S_IFMT != syscall.S_IFREG {
			return nil, syscall.EPERM
		}
		return t.fs.disk.create(dir, name, in.Mode, in.Uid, in.Gid)
	})
}

func (t *front) Link(cancel <-chan struct{}, in *fuse.LinkIn, name string, out *fuse.EntryOut) fuse.Status {
	return t.named(ask(Create, &in.InHeader, cancel), name, out, func(dir *inode) (*inode, error) {
		i, err := t.fs.node(in.Oldnodeid)
		if err == nil {
			err = t.fs.disk.link(i, dir, name)
		}
		return i, err
	})
}

func (t *front) Unlink(cancel <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	return t.remove(cancel, in, name, false)
}

func (t *front) Rmdir(cancel <-chan struct{}, in *fuse.InHeader, name string) fuse.Status {
	return t.remove(cancel, in, name, true)
}

func (t *front) remove(cancel <-chan struct{}, in *fuse.InHeader, name string, dirs bool) fuse.Status {
	r := ask(Remove, in, cancel)
	r.name = name
	return t.serve(r, func(dir *inode) error { return t.fs.disk.remove(dir, name, dirs) })
}

func (t *front) Rename(cancel <-chan struct{}, in *fuse.RenameIn, name, newName string) fuse.Status {
	r := ask(Rename, &in.InHeader, cancel)
	r.name, r.to, r.toName = name, in.Newdir, newName
	return t.serve(r, func(from *inode) error {
		to, err := t.fs.node(in.Newdir)
		if err != nil {
			return err
		}
		return t.fs.disk.rename(from, name, to, newName, in.Flags)
	})
}

func (t *front) OpenDir(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	return t.serve(ask(Open, &in.InHeader, cancel), func(*inode) error {
		t.fs.lastList++
		out.Fh = t.fs.lastList
		t.fs.lists[out.Fh] = nil
		return nil
	})
}

func (t *front) ReleaseDir(in *fuse.ReleaseIn) {
	t.fs.mu.Lock()
	defer t.fs.mu.Unlock()
	delete(t.fs.lists, in.Fh)
}

// ReadDir lists from the beginning what is there now, and goes on with the same list.
func (t *front) ReadDir(cancel <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return t.serve(ask(List, &in.InHeader, cancel), func(dir *inode) error {
		list, known := t.fs.lists[in.Fh]
		if !known {
			return syscall.EIO // opened before the disk was changed as a whole
		}
		if in.Offset == 0 {
			list = dir.list()
			t.fs.lists[in.Fh] = list
		}
		for n := int(in.Offset); n < len(list); n++ {
			e := fuse.DirEntry{Name: list[n].name, Ino: list[n].ino, Mode: list[n].mode, Off: uint64(n + 1)}
			if !out.AddDirEntry(e) {
				break
			}
		}
		return nil
	})
}

func (i *inode) list() []listed {
	up := i
	if i.parent != nil {
		up = i.parent
	}
	list := []listed{{".", i.ino, i.mode}, {"..", up.ino, up.mode}}
	for _, name := range i.names() {
		e := i.entries[name]
		list = append(list, listed{name, e.ino, e.mode})
	}
	return list
}

func (t *front) FsyncDir(cancel <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return t.serve(ask(SyncDir, &in.InHeader, cancel), func(dir *inode) error {
		if _, known := t.fs.lists[in.Fh]; !known {
			return syscall.EIO
		}
		return t.fs.sync(dir, SyncDir)
	})
}
