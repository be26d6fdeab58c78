//go:build linux

package faultfs

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// Options of a file system.
type Options struct {
	SizeBytes   int64 // room for content; 0: 1 GiB
	SectorBytes int   // what a torn page keeps whole, rounded up to a power of 2, 4096 at most; 0: 512
}

// FS is a disk and what is wrong with it. Its methods may be called from any goroutine, mounted or not.
type FS struct {
	opt Options

	mounting sync.Mutex // one Mount or Close at a time

	mu        sync.Mutex // everything below; never held while waiting
	disk      *disk
	nodes     map[uint64]*inode // what the kernel knows
	lastNode  uint64
	lists     map[uint64][]listed // open directories
	lastList  uint64
	restarted chan struct{} // closed when the disk is changed as a whole
	faults    []*Fault
	events    events
	stale     []span       // to be forgotten by the kernel, once mu is free
	server    *fuse.Server // nil: not mounted

	delays atomic.Pointer[[]*Fault] // Slow and Hang, for those who do not hold mu
}

// New makes an empty file system.
func New(opt Options) *FS {
	if opt.SizeBytes <= 0 {
		opt.SizeBytes = 1 << 30
	}
	if opt.SectorBytes <= 0 {
		opt.SectorBytes = 512
	}
	opt.SectorBytes = min(pageSize, 1<<bits.Len(uint(opt.SectorBytes-1)))
	fs := &FS{opt: opt, disk: newDisk(opt.SizeBytes / pageSize), restarted: make(chan struct{}), lastNode: fuse.FUSE_ROOT_ID}
	fs.delays.Store(&[]*Fault{})
	fs.restart()
	return fs
}

// PowerCut leaves what a power cut would, for after the process was killed. The same rng does the same to the same disk.
func (fs *FS) PowerCut(how Survive, rng *rand.Rand) (lost Lost) {
	fs.whole(func() { lost = fs.disk.cut(how, rng, fs.opt.SectorBytes) })
	return lost
}

// Snapshot copies the whole disk as it is seen now.
func (fs *FS) Snapshot() *Image {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.disk.snapshot()
}

// Restore puts the disk back to what it was. The image can be restored again, here and elsewhere.
func (fs *FS) Restore(m *Image) {
	fs.whole(func() {
		fs.disk.restore(m)
		fs.unwatch()
	})
}

// Wipe replaces the disk by an empty one.
func (fs *FS) Wipe() {
	fs.whole(func() {
		fs.disk = newDisk(fs.disk.limit)
		fs.unwatch()
	})
}

// swapping is held by the only one who holds the mutex of two file systems.
var swapping sync.Mutex

// Swap exchanges two disks, with what is not synced and with their sizes. What is wrong stays with the place.
func Swap(a, b *FS) {
	if a == b {
		return
	}
	swapping.Lock()
	defer swapping.Unlock()
	a.mu.Lock()
	b.mu.Lock()
	a.disk, b.disk = b.disk, a.disk
	a.unwatch()
	b.unwatch()
	staleA, staleB := a.restart(), b.restart()
	b.mu.Unlock()
	a.mu.Unlock()
	a.invalidate(staleA)
	b.invalidate(staleB)
}

// whole runs what changes the disk as a whole: the kernel starts anew.
func (fs *FS) whole(act func()) {
	fs.mu.Lock()
	act()
	stale := fs.restart()
	fs.mu.Unlock()
	fs.invalidate(stale)
}

// restart voids all that the kernel knows, and returns it. It holds mu.
func (fs *FS) restart() (stale []span) {
	for number := range fs.nodes {
		stale = append(stale, span{node: number})
	}
	fs.disk.settle()
	fs.disk.root.node = fuse.FUSE_ROOT_ID
	fs.nodes = map[uint64]*inode{fuse.FUSE_ROOT_ID: fs.disk.root}
	fs.lists = map[uint64][]listed{}
	fs.events.running = false
	close(fs.restarted)
	fs.restarted = make(chan struct{})
	return stale
}

// File is one name of a file.
type File struct {
	Path string // relative to the root, with slashes
	Size int64
	Ino  uint64
}

// Files lists the files as processes see them, by path.
func (fs *FS) Files() (list []File) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.disk.walk(fs.disk.root, func(dir *inode, name string, i *inode) {
		if !i.isDir() {
			path := name
			if dir.parent != nil {
				path = dir.path() + "/" + name
			}
			list = append(list, File{path, i.live.size, i.ino})
		}
	})
	slices.SortFunc(list, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return list
}

// ReadFile reads a file as processes see it, without the mount and its faults.
func (fs *FS) ReadFile(path string) ([]byte, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	i, err := fs.disk.find(path)
	if err == nil && i.isDir() {
		err = syscall.EISDIR
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	b := make([]byte, i.live.size)
	i.live.read(b, 0)
	return b, nil
}

// ReadDurable reads what a power cut now would leave of a file, if it left its name.
func (fs *FS) ReadDurable(path string) ([]byte, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	i, err := fs.disk.find(path)
	if err == nil && i.isDir() {
		err = syscall.EISDIR
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	b := make([]byte, i.durable.size)
	i.durable.read(b, 0)
	return b, nil
}
