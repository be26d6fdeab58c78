package floor

import (
	"errors"
	"fmt"
)

var (
	// ErrCorrupt is what errors.Is finds in every report of damage.
	ErrCorrupt = errors.New("floor: corrupt")

	// ErrVersion says that a file is undamaged and of a version of this format that we do not know.
	ErrVersion = errors.New("floor: unknown format version")

	// ErrSync says that a write, a sync or a change of names failed. A full disk (syscall.ENOSPC) is one, too: while a temporary file is
	// written that leaves the store usable. After a failed sync, rename or removal nothing is certain: end the process.
	ErrSync = errors.New("floor: write to disk failed")

	// ErrDiverged says that this node made another floor of an index than the one it has: its state is not what the log says.
	ErrDiverged = errors.New("floor: two floors of one index differ")

	// ErrOlder says that a floor is older than the newest one here.
	ErrOlder = errors.New("floor: older than the newest floor")

	// ErrNotFound says that no such floor is here, or not any more.
	ErrNotFound = errors.New("floor: not found")

	// ErrUnusable says that there were floors and none can be used.
	ErrUnusable = errors.New("floor: no usable floor")

	// ErrClosed is returned by a sink that was closed or cancelled.
	ErrClosed = errors.New("floor: closed")
)

// CorruptError is damage with its place. errors.Is(err, ErrCorrupt) holds for it.
type CorruptError struct {
	Path   string // relative to the root of the file system; empty for a stream
	Offset int64  // bytes from the start of the file, of the damaged part of it
	Want   string // what should be there
	Got    string // what is there
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("floor: corrupt: %s at %d: want %s, got %s", e.Path, e.Offset, e.Want, e.Got)
}

// Is makes errors.Is(err, ErrCorrupt) true.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

// DivergedError is a floor that came out differently than the one of the same index that is here. errors.Is(err, ErrDiverged) holds
// for it.
type DivergedError struct {
	Index uint64
	Have  [32]byte // of the floor that is here, and stays
	Made  [32]byte // of the new one
}

func (e *DivergedError) Error() string {
	return fmt.Sprintf("floor: index %d: made %x where %x is published: this node's state differs from what it was: stop it, and replace it",
		e.Index, e.Made, e.Have)
}

// Is makes errors.Is(err, ErrDiverged) true.
func (e *DivergedError) Is(target error) bool { return target == ErrDiverged }

// failed is an operation on the disk that changes it and did not succeed.
func failed(what, name string, err error) error {
	return fmt.Errorf("%w: %s %s: %w", ErrSync, what, name, err)
}

func versionError(path string, got uint16) error {
	return fmt.Errorf("%w: %s has version %d, this program reads %d: start the newer program", ErrVersion, path, got, version)
}

func olderError(index, newest uint64) error {
	return fmt.Errorf("%w: index %d, the newest here is %d", ErrOlder, index, newest)
}
