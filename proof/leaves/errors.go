package leaves

import (
	"errors"
	"fmt"
)

var (
	// ErrCorrupt is found by errors.Is in every *CorruptError.
	ErrCorrupt = errors.New("leaves: damaged")
	// ErrVersion says that a file may be fine, but this program is too old for it.
	ErrVersion = errors.New("leaves: version is not supported")
	// ErrOrder says that a leaf does not come after the one before it.
	ErrOrder = errors.New("leaves: not in order")
	// ErrDone is returned by a Writer that was finished, discarded, or has failed.
	ErrDone = errors.New("leaves: writer is done")
)

// CorruptError is damage with its place. errors.Is(err, ErrCorrupt) holds for it.
type CorruptError struct {
	Path       string
	Generation uint64 // what OpenAs was told, 0 for Open: a file of the same name may have come in its place since
	Offset     int64  // where in the file the damaged part begins
	Want       string // what should be there
	Got        string // what is there
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("leaves: %s at byte %d is damaged: want %s, got %s", e.Path, e.Offset, e.Want, e.Got)
}

// Is makes errors.Is(err, ErrCorrupt) true.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

// place is a file as errors name it.
type place struct {
	path       string
	generation uint64
}

func (p place) String() string { return p.path }

func corrupt(in place, offset int64, want, got any) error {
	return &CorruptError{Path: in.path, Generation: in.generation, Offset: offset, Want: fmt.Sprint(want), Got: fmt.Sprint(got)}
}

func corruptSum(in place, offset int64, want, got uint32) error {
	return corrupt(in, offset, fmt.Sprintf("CRC %08x", want), fmt.Sprintf("%08x", got))
}
