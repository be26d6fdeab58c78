//go:build linux

package faultfs

import (
	"slices"
	"sync/atomic"
	"syscall"
	"time"
)

type kind int

const (
	syncError kind = iota
	readError
	writeError
	allError
	full
	readOnly
	lyingSync
	waiting // Slow and Hang: kept apart, in FS.delays
	flipped // kept with the inode
)

// Fault is something broken. Its methods may be called at any time, from any goroutine.
type Fault struct {
	fs    *FS
	kind  kind
	bites atomic.Uint64
	ended chan struct{} // closed by Clear, under FS.mu

	left int  // syncError: how many are still to fail
	drop bool // syncError

	match func(path string, op Op) bool // waiting, syncError
	delay time.Duration                 // waiting; 0: until it ends

	file   *inode // flipped
	offset int64  // flipped
}

// Bites is how often it was felt.
func (f *Fault) Bites() uint64 { return f.bites.Load() }

// Clear ends it, and lets go of what waits. A flipped bit stays as it is, and is no longer watched.
func (f *Fault) Clear() {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.fs.end(f)
}

// Release is Clear, as one says it of what hangs.
func (f *Fault) Release() { f.Clear() }

func (f *Fault) bite() { f.bites.Add(1) }

// SyncError lets the next n syncs, of a file or a directory, fail with EIO. What they were to write counts as clean afterwards and is not durable;
// with drop the pages are lost at once. It bites n times at most.
func (fs *FS) SyncError(n int, drop bool) *Fault {
	return fs.SyncErrorOf(func(string, Op) bool { return true }, n, drop)
}

// SyncErrorOf is SyncError for the syncs that match. Match must not use the FS.
func (fs *FS) SyncErrorOf(match func(path string, op Op) bool, n int, drop bool) *Fault {
	return fs.begin(&Fault{kind: syncError, left: n, drop: drop, match: match})
}

// IOError lets fail with EIO what reads, what changes the disk, or with both everything.
func (fs *FS) IOError(read, write bool) *Fault {
	f := &Fault{kind: readError}
	switch {
	case read && write:
		f.kind = allError
	case write:
		f.kind = writeError
	case !read:
		return fs.cleared()
	}
	return fs.begin(f)
}

// Full leaves no room: ENOSPC for new pages and new names.
func (fs *FS) Full() *Fault { return fs.begin(&Fault{kind: full}) }

// ReadOnly refuses with EROFS what changes the disk, syncs too, and opening to write.
func (fs *FS) ReadOnly() *Fault { return fs.begin(&Fault{kind: readOnly}) }

// LyingSync lets syncs succeed that do nothing. It bites when there was something to do.
func (fs *FS) LyingSync() *Fault { return fs.begin(&Fault{kind: lyingSync}) }

// Slow lets each operation that matches take d longer. Match is called from many goroutines, and may use the FS. Paths are relative to the root:
// "wal/meta".
func (fs *FS) Slow(match func(path string, op Op) bool, d time.Duration) *Fault {
	if d <= 0 {
		return fs.cleared()
	}
	return fs.begin(&Fault{kind: waiting, match: match, delay: d})
}

// Hang lets each operation that matches wait until Release. Match is as for Slow.
func (fs *FS) Hang(match func(path string, op Op) bool) *Fault {
	return fs.begin(&Fault{kind: waiting, match: match})
}

// cleared is a fault that breaks nothing.
func (fs *FS) cleared() *Fault {
	f := &Fault{fs: fs, ended: make(chan struct{})}
	close(f.ended)
	return f
}

func (fs *FS) begin(f *Fault) *Fault {
	f.fs, f.ended = fs, make(chan struct{})
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.faults = append(fs.faults, f)
	fs.delays.Store(fs.waits())
	return f
}

// end takes a fault away. It holds mu.
func (fs *FS) end(f *Fault) {
	if f.over() {
		return
	}
	close(f.ended)
	fs.faults = slices.DeleteFunc(fs.faults, func(o *Fault) bool { return o == f })
	fs.delays.Store(fs.waits())
}

func (f *Fault) over() bool {
	select {
	case <-f.ended:
		return true
	default:
		return false
	}
}

// waits is the list that those who wait read without the mutex.
func (fs *FS) waits() *[]*Fault {
	var list []*Fault
	for _, f := range fs.faults {
		if f.kind == waiting {
			list = append(list, f)
		}
	}
	return &list
}

// active is the oldest fault of a kind, or nil. It holds mu.
func (fs *FS) active(k kind) *Fault {
	for _, f := range fs.faults {
		if f.kind == k {
			return f
		}
	}
	return nil
}

// refused says why an operation is not even tried. It holds mu.
func (fs *FS) refused(op Op) error {
	for _, f := range fs.faults {
		if errno := f.refuses(op); errno != 0 {
			f.bite()
			return errno
		}
	}
	return nil
}

func (f *Fault) refuses(op Op) syscall.Errno {
	switch {
	case f.kind == allError,
		f.kind == readError && !op.changes() && op != OpenWrite,
		f.kind == writeError && op.changes():
		return syscall.EIO
	case f.kind == readOnly && (op.changes() || op == OpenWrite):
		return syscall.EROFS
	case f.kind == full && op == Create:
		return syscall.ENOSPC
	}
	return 0
}

// sync is what becomes of a sync. It holds mu.
func (fs *FS) sync(i *inode, op Op) error {
	if err := fs.refused(op); err != nil {
		fs.disk.failSync(i, false)
		return err
	}
	if f := fs.active(syncError); f != nil && f.match(i.path(), op) {
		f.bite()
		if f.left--; f.left <= 0 {
			fs.end(f)
		}
		for _, at := range fs.disk.failSync(i, f.drop) {
			fs.outdated(i, at*pageSize, pageSize)
		}
		return syscall.EIO
	}
	if f := fs.active(lyingSync); f != nil {
		if i.unsynced() {
			f.bite()
		}
		return nil
	}
	i.sync()
	return nil
}

// room is how many new pages there may be. It holds mu.
func (fs *FS) room() int64 {
	if fs.active(full) != nil {
		return 0
	}
	return fs.disk.free()
}

// felt counts a bite of Full for what found no room. It holds mu.
func (fs *FS) felt(short bool) {
	if f := fs.active(full); f != nil && short {
		f.bite()
	}
}
