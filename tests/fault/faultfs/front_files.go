//go:build linux

package faultfs

import (
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

func (t *front) Open(cancel <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	op := Open
	if in.Flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		op = OpenWrite
	}
	return t.serve(ask(op, &in.InHeader, cancel), func(i *inode) error { return open(i, in.Flags, out) })
}

// open keeps what the kernel has cached: it is told of all that changes.
func open(i *inode, flags uint32, out *fuse.OpenOut) error {
	if flags&syscall.O_DIRECT != 0 {
		return syscall.EINVAL
	}
	i.opens++
	out.OpenFlags = fuse.FOPEN_KEEP_CACHE
	return nil
}

func (t *front) Create(cancel <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	r := ask(Create, &in.InHeader, cancel)
	return t.named(r, name, &out.EntryOut, func(dir *inode) (*inode, error) {
		if in.Flags&syscall.O_DIRECT != 0 {
			return nil, syscall.EINVAL
		}
		i, err := t.fs.disk.create(dir, name, in.Mode&^syscall.S_IFMT|syscall.S_IFREG, in.Uid, in.Gid)
		if err != nil {
			return nil, err
		}
		return i, open(i, in.Flags, &out.OpenOut)
	})
}

func (t *front) Release(_ <-chan struct{}, in *fuse.ReleaseIn) {
	t.fs.mu.Lock()
	defer t.fs.mu.Unlock()
	if i := t.fs.nodes[in.NodeId]; i != nil && i.opens > 0 {
		i.opens--
		t.fs.disk.release(i)
	}
}

func (t *front) Read(cancel <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	n := 0
	status := t.serve(ask(Read, &in.InHeader, cancel), func(i *inode) error {
		n = i.live.read(buf[:min(len(buf), int(in.Size))], int64(in.Offset))
		t.fs.read(i, int64(in.Offset), n)
		return nil
	})
	return fuse.ReadResultData(buf[:n]), status
}

func (t *front) Write(cancel <-chan struct{}, in *fuse.WriteIn, data []byte) (written uint32, status fuse.Status) {
	r := ask(Write, &in.InHeader, cancel)
	r.background = in.WriteFlags&fuse.WRITE_CACHE != 0
	status = t.serve(r, func(i *inode) error {
		n, err := t.fs.disk.write(i, int64(in.Offset), data, t.fs.room())
		t.fs.felt(n < len(data))
		t.fs.overwritten(i, int64(in.Offset), int64(n))
		written = uint32(n)
		return err
	})
	return written, status
}

// truncate also ends the flips of what is cut off. It holds mu.
func (fs *FS) truncate(i *inode, size uint64) error {
	if size > maxFileBytes {
		return syscall.EFBIG
	}
	fs.overwritten(i, int64(size), maxFileBytes)
	return fs.disk.truncate(i, int64(size))
}

// Fallocate reserves pages, and makes the file longer; holes and space beyond the end there are not.
func (t *front) Fallocate(cancel <-chan struct{}, in *fuse.FallocateIn) fuse.Status {
	return t.serve(ask(Allocate, &in.InHeader, cancel), func(i *inode) error {
		if in.Mode != 0 {
			return syscall.EOPNOTSUPP
		}
		if in.Offset > maxFileBytes || in.Length > maxFileBytes {
			return syscall.EFBIG
		}
		err := t.fs.disk.allocate(i, int64(in.Offset), int64(in.Length), t.fs.room())
		t.fs.felt(err == syscall.ENOSPC)
		return err
	})
}

func (t *front) Fsync(cancel <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return t.serve(ask(Sync, &in.InHeader, cancel), func(i *inode) error { return t.fs.sync(i, Sync) })
}
