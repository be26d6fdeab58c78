//go:build linux

package faultfs

import (
	"fmt"
	"slices"
	"syscall"
)

// Flip turns over one bit (0 to 7) of the byte at offset of a file, as if the disk had rotted: live and durable, and the next read or mapping
// sees it. The fault bites when the byte is read from here; what the kernel then serves from its cache does not count. It ends when the byte is
// overwritten.
func (fs *FS) Flip(path string, offset int64, bit uint) (*Fault, error) {
	fs.mu.Lock()
	i, err := fs.disk.find(path)
	if err == nil && i.isDir() {
		err = syscall.EISDIR
	}
	if err == nil && (offset < 0 || offset >= i.live.size || bit > 7) {
		err = fmt.Errorf("bit %d of byte %d: the file has %d bytes of 8 bits", bit, offset, i.live.size)
	}
	if err != nil {
		fs.mu.Unlock()
		return nil, fmt.Errorf("flip in %s: %w", path, err)
	}
	fs.disk.resize(i, func() { i.flip(offset, bit) })
	f := &Fault{fs: fs, kind: flipped, ended: make(chan struct{}), file: i, offset: offset}
	fs.faults = append(fs.faults, f)
	fs.outdated(i, offset, 1)
	stale := fs.takeStale()
	fs.mu.Unlock()
	fs.invalidate(stale)
	return f, nil
}

// flip changes the byte in both contents, each in its own version.
func (i *inode) flip(offset int64, bit uint) {
	at := offset / pageSize
	i.live.set(at, flipPage(i.live.at(at), offset, bit))
	if offset < i.durable.size {
		i.durable.set(at, flipPage(i.durable.at(at), offset, bit))
	}
}

func flipPage(old *page, offset int64, bit uint) *page {
	p := new(page)
	if old != nil {
		*p = *old
	}
	p[offset%pageSize] ^= 1 << bit
	return p
}

// read tells flipped bits that they are read. It holds mu.
func (fs *FS) read(i *inode, offset int64, n int) {
	for _, f := range fs.faults {
		if f.covered(i, offset, int64(n)) {
			f.bite()
		}
	}
}

// overwritten ends the flips of bytes that are there no more. It holds mu.
func (fs *FS) overwritten(i *inode, offset, n int64) {
	for _, f := range slices.Clone(fs.faults) {
		if f.covered(i, offset, n) {
			fs.end(f)
		}
	}
}

func (f *Fault) covered(i *inode, offset, n int64) bool {
	return f.kind == flipped && f.file == i && f.offset >= offset && f.offset < offset+n
}

// unwatch ends the flips: the files are no longer here. It holds mu.
func (fs *FS) unwatch() {
	for _, f := range slices.Clone(fs.faults) {
		if f.kind == flipped {
			fs.end(f)
		}
	}
}
