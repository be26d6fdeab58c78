//go:build linux

package skew

import (
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// words are what controller and supervisor share. The controller writes all but reads.
type words struct {
	offset atomic.Int64 // ns that the clock is ahead
	reads  atomic.Uint64
}

const pageSize = 4096

// page has the words, in shared memory until unmap.
type page struct {
	*words
	mapped []byte
}

// newPage makes a page and the file that stands for it.
func newPage() (*os.File, *page, error) {
	fd, err := unix.MemfdCreate("gapless-skew", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, nil, os.NewSyscallError("memfd_create", err)
	}
	memory := os.NewFile(uintptr(fd), "page")
	if err := memory.Truncate(pageSize); err != nil {
		memory.Close()
		return nil, nil, err
	}
	p, err := mapPage(fd)
	if err != nil {
		memory.Close()
	}
	return memory, p, err
}

// mapPage maps the page of a descriptor.
func mapPage(fd int) (*page, error) {
	b, err := unix.Mmap(fd, 0, pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	return &page{(*words)(unsafe.Pointer(&b[0])), b}, nil
}

// unmap gives the memory back and returns what was in it, as far as somebody may ask for it.
func (p *page) unmap() *page {
	last := &page{words: &words{}}
	last.reads.Store(p.reads.Load())
	if p.mapped != nil {
		unix.Munmap(p.mapped)
	}
	return last
}
