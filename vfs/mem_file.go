package vfs

import (
	"bytes"
	"io"
	"io/fs"
	"math"
	"syscall"
)

// memFile is an open handle of a Mem.
type memFile struct {
	m        *Mem
	name     string // at the time of opening
	node     *inode
	writable bool
	lock     bool // Close releases node.locked
	closed   bool // protected by Mem.mu
}

func (m *Mem) handle(name string, node *inode, write bool) *memFile {
	node.opens++
	return &memFile{m: m, name: name, node: node, writable: write}
}

// do is Mem.do on an open handle; change says that the operation writes.
func (f *memFile) do(op Op, change bool, fn func(*Fault) error) error {
	op.Name = f.name
	return f.m.do(op, func(fault *Fault) error {
		err := error(nil)
		switch {
		case f.closed:
			err = fs.ErrClosed
		case change && !f.writable:
			err = syscall.EBADF
		default:
			err = fn(fault)
		}
		if err == nil || err == io.EOF {
			return err
		}
		return pathError(op.Kind.String(), f.name, err)
	})
}

// ReadAt implements File.
func (f *memFile) ReadAt(p []byte, off int64) (n int, err error) {
	err = f.do(Op{Kind: OpRead, Offset: off, Len: len(p)}, false, func(*Fault) error {
		if off < 0 {
			return fs.ErrInvalid
		}
		if n = f.node.data.readAt(p, off); n < len(p) {
			return io.EOF
		}
		return nil
	})
	return n, err
}

// WriteAt implements File.
func (f *memFile) WriteAt(p []byte, off int64) (n int, err error) {
	err = f.do(Op{Kind: OpWrite, Offset: off, Len: len(p)}, true, func(fault *Fault) error {
		if off < 0 || off > math.MaxInt64-int64(len(p)) {
			return fs.ErrInvalid
		}
		part, stop := p, error(nil)
		if fault != nil {
			part, stop = p[:min(fault.Prefix, len(p))], fault.err()
		}
		if fits := max(0, f.m.free()+f.node.data.size-off); int64(len(part)) > fits {
			part, stop = part[:fits], syscall.ENOSPC
		}
		n = len(part)
		f.extend(change{kind: changeWrite, off: off, n: int64(n), data: bytes.Clone(part)})
		return stop
	})
	return n, err
}

// Preallocate implements File.
func (f *memFile) Preallocate(n int64) error {
	return f.do(Op{Kind: OpPreallocate, Len: int(n)}, true, func(fault *Fault) error {
		part, stop := n, error(nil)
		if fault != nil {
			part, stop = min(int64(fault.Prefix), n), fault.err()
		}
		if fits := f.m.free() + f.node.data.size; part > fits {
			part, stop = fits, syscall.ENOSPC
		}
		f.extend(change{kind: changeZero, n: part})
		return stop
	})
}

// extend applies a write or zeroing of which the caller has seen that it fits.
func (f *memFile) extend(c change) {
	if c.n <= 0 {
		return
	}
	before := f.node.data.size
	f.node.write(c)
	f.m.used += f.node.data.size - before
}

// Truncate implements File.
func (f *memFile) Truncate(size int64) error {
	return f.do(Op{Kind: OpTruncate, Offset: size}, true, func(*Fault) error {
		if size < 0 {
			return fs.ErrInvalid
		}
		if err := f.m.reserve(size - f.node.data.size); err != nil {
			return err
		}
		f.node.write(change{kind: changeSize, n: size})
		return nil
	})
}

// Sync implements File. A handle opened for reading may sync too, as with fdatasync.
func (f *memFile) Sync() error {
	return f.do(Op{Kind: OpSync}, false, func(fault *Fault) error {
		switch {
		case fault == nil:
			f.node.sync()
		case fault.Drop:
			f.node.pending = nil
			return fault.err()
		}
		return nil // of a lie as well
	})
}

// Size implements File.
func (f *memFile) Size() (int64, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	switch {
	case f.m.dead:
		return 0, pathError("size", f.name, ErrCrashed)
	case f.closed:
		return 0, pathError("size", f.name, fs.ErrClosed)
	}
	return f.node.data.size, nil
}

// Close implements File. It works after a crash too, so that a dead process can be taken down in order.
func (f *memFile) Close() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.closed {
		return pathError("close", f.name, fs.ErrClosed)
	}
	f.closed = true
	f.node.opens--
	if f.lock {
		f.node.locked = false
	}
	f.m.release(f.node)
	return nil
}
