package vfs

import (
	"errors"
	"io"
)

// FS is everything our storage code may ask of a file system. Names are slash-separated and relative to the root the FS was
// opened at ("." and "" are the root itself); a name that leaves the root is an error that wraps fs.ErrInvalid.
//
// Nothing is durable before Sync (contents) and SyncDir (names): Create, Rename, Remove and MkdirAll take effect at once for
// the running process, and survive a power loss for certain only after SyncDir of the parent.
//
// Errors wrap fs.ErrNotExist, fs.ErrExist and the system's errno (syscall.ENOSPC, syscall.EIO), so errors.Is works on them.
//
// A file whose name ends in .key (or .key.tmp) holds a secret: it is created readable by its owner only.
//
// All methods may be called from any goroutine.
type FS interface {
	Create(name string) (File, error)        // read-write; fails with fs.ErrExist when name exists
	Open(name string) (File, error)          // read only
	OpenReadWrite(name string) (File, error) // existing file
	Rename(from, to string) error            // atomic, replaces a file at to; a directory at to is fs.ErrExist
	Remove(name string) error                // a file or an empty directory; open handles stay usable
	MkdirAll(dir string) error               // with all parents; no error when it exists
	List(dir string) ([]string, error)       // base names of files and directories, sorted
	SyncDir(dir string) error                // the names in dir are durable on return
	Lock(name string) (io.Closer, error)     // creates name; exclusive between and within processes; ErrLocked when held
	Free() (int64, error)                    // bytes left for us
}

// File is a random-access file. ReadAt may be called from any goroutine; writes have one owner. ReadAt returns a bare io.EOF
// where the file ends. WriteAt that returns fewer bytes than it was given has written those, and returns why it stopped.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Sync() error               // data and size are durable on return (fdatasync)
	Truncate(size int64) error // cut or extend with zeros
	Preallocate(n int64) error // write zeros over the first n bytes, whatever they held, so that later writes of them need no new blocks
	Size() (int64, error)
}

// ErrLocked says that somebody, in this process or in another, holds the lock.
var ErrLocked = errors.New("vfs: locked by another owner")
