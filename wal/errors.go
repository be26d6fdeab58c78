package wal

import (
	"errors"
	"fmt"
)

var (
	// ErrCorrupt is what errors.Is finds in every report of damage. A node whose log is damaged must not vote.
	ErrCorrupt = errors.New("wal: corrupt")

	// ErrVersion says that a file is undamaged and was written by a version of this format that we do not know.
	ErrVersion = errors.New("wal: unknown format version")

	// ErrPoisoned is returned by every call from the first failed write, sync, create, rename or remove on. It wraps the cause.
	// What the disk holds is unknown until the log is opened again by a new process.
	ErrPoisoned = errors.New("wal: poisoned by an earlier failure")

	// ErrClosed is returned after Close.
	ErrClosed = errors.New("wal: closed")
)

// CorruptError is damage with its place. errors.Is(err, ErrCorrupt) holds for it.
type CorruptError struct {
	Path   string // relative to the root of the file system
	Offset int64  // bytes from the start of the file, of the damaged header or record
	Want   string // what should be there
	Got    string // what is there
	Err    error  // cause, where there is one: fs.ErrNotExist for a missing file
}

func (e *CorruptError) Error() string {
	s := fmt.Sprintf("wal: corrupt: %s at %d: want %s, got %s", e.Path, e.Offset, e.Want, e.Got)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Is makes errors.Is(err, ErrCorrupt) true.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

func (e *CorruptError) Unwrap() error { return e.Err }

// at returns e with its place filled in; decoders know only what they were given.
func (e *CorruptError) at(path string, off int64) *CorruptError {
	e.Path, e.Offset = path, off
	return e
}

// corrupt is damage whose place is not known yet.
func corrupt(want, got string) *CorruptError { return &CorruptError{Want: want, Got: got} }

func versionError(path string, got, want uint16) error {
	return fmt.Errorf("%w: %s has version %d, this program reads %d: start the newer program, or restore this node from a peer",
		ErrVersion, path, got, want)
}
