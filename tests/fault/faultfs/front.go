//go:build linux

package faultfs

import (
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// front speaks the protocol of FUSE: it makes requests of what the kernel asks, and answers of what the model says. What it has no method for is
// answered with ENOSYS, which the kernel understands.
type front struct {
	fuse.RawFileSystem
	fs *FS
}

// believe is how long the kernel may go by attributes: it changes them all by itself, and is told of the rest. Names it asks for each time.
const believe = time.Hour

func (t *front) String() string { return "faultfs" }

func ask(op Op, h *fuse.InHeader, cancel <-chan struct{}) request {
	return request{op: op, node: h.NodeId, pid: h.Pid, cancel: cancel}
}

func (t *front) serve(r request, act func(i *inode) error) fuse.Status {
	return fuse.ToStatus(t.fs.serve(r, act))
}

// named is serve for what ends in an entry: act finds or makes the inode in the directory.
func (t *front) named(r request, name string, out *fuse.EntryOut, act func(dir *inode) (*inode, error)) fuse.Status {
	r.name = name
	return t.serve(r, func(dir *inode) error {
		i, err := act(dir)
		if err == nil {
			t.fs.tell(i, out)
		}
		return err
	})
}

// tell lets the kernel know an inode, once more. It holds mu.
func (fs *FS) tell(i *inode, out *fuse.EntryOut) {
	if i.node == 0 {
		fs.lastNode++
		i.node = fs.lastNode
		fs.nodes[i.node] = i
	}
	i.lookups++
	out.NodeId, out.Generation = i.node, 1
	out.SetAttrTimeout(believe)
	i.attr(&out.Attr)
}

// attr is what stat shows.
func (i *inode) attr(out *fuse.Attr) {
	*out = fuse.Attr{Ino: i.ino, Mode: i.mode, Nlink: uint32(i.links), Owner: fuse.Owner{Uid: i.uid, Gid: i.gid}, Blksize: pageSize}
	out.SetTimes(&i.atime, &i.mtime, &i.ctime)
	if i.isDir() {
		out.Size = pageSize
		return
	}
	out.Size, out.Blocks = uint64(i.live.size), uint64(i.live.used*pageSize/512)
}

func (t *front) Lookup(cancel <-chan struct{}, in *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	return t.named(ask(Look, in, cancel), name, out, func(dir *inode) (*inode, error) { return t.fs.disk.lookup(dir, name) })
}

func (t *front) Forget(node, n uint64) {
	t.fs.mu.Lock()
	defer t.fs.mu.Unlock()
	i := t.fs.nodes[node]
	if i == nil || node == fuse.FUSE_ROOT_ID {
		return
	}
	if i.lookups -= min(n, i.lookups); i.lookups == 0 {
		delete(t.fs.nodes, node)
		i.node = 0
	}
}

func (t *front) GetAttr(cancel <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	return t.serve(ask(Look, &in.InHeader, cancel), func(i *inode) error {
		out.SetTimeout(believe)
		i.attr(&out.Attr)
		return nil
	})
}

func (t *front) SetAttr(cancel <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	size, resize := in.GetSize()
	op := Attr
	if resize {
		op = Truncate
	}
	return t.serve(ask(op, &in.InHeader, cancel), func(i *inode) error {
		if resize && i.isDir() {
			return syscall.EISDIR
		}
		if resize {
			if err := t.fs.truncate(i, size); err != nil {
				return err
			}
		}
		i.setAttr(in)
		out.SetTimeout(believe)
		i.attr(&out.Attr)
		return nil
	})
}

// setAttr is what takes effect at once and for ever.
func (i *inode) setAttr(in *fuse.SetAttrIn) {
	if mode, ok := in.GetMode(); ok {
		i.mode = i.mode&syscall.S_IFMT | mode&^syscall.S_IFMT
	}
	if uid, ok := in.GetUID(); ok {
		i.uid = uid
	}
	if gid, ok := in.GetGID(); ok {
		i.gid = gid
	}
	if at, ok := in.GetATime(); ok {
		i.atime = at
	}
	if at, ok := in.GetMTime(); ok {
		i.mtime = at
	}
	i.ctime = time.Now()
}

func (t *front) StatFs(cancel <-chan struct{}, in *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	return t.serve(ask(Look, in, cancel), func(*inode) error {
		room := uint64(t.fs.room())
		*out = fuse.StatfsOut{Blocks: uint64(t.fs.disk.limit), Bfree: room, Bavail: room, Bsize: pageSize, Frsize: pageSize, NameLen: maxName}
		return nil
	})
}

// Flush is asked at every close. The kernel is told that there is none, and does not ask again: nobody who is dying can be made to wait.
func (t *front) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.ENOSYS }
