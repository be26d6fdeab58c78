package segment

import (
	"errors"
	"fmt"

	"github.com/gaplessdb/gapless/segment/column"
)

var (
	// ErrCorrupt is found by errors.Is in every *CorruptError.
	ErrCorrupt = errors.New("segment: damaged")
	// ErrVersion says that a file or manifest may be fine, but this program is too old for it.
	ErrVersion = errors.New("segment: version is not supported")
	// ErrEmpty is the answer to a flush of a head without frames: there is no empty segment.
	ErrEmpty = errors.New("segment: there is no frame to write")
)

// CorruptError names damage and its place. It stays readable through any wrapping.
type CorruptError struct {
	Path   string // file as the reader was told, "" when it was not
	Offset int64  // byte of the file where the damaged part begins
	What   string // the part: "footer", "block directory", "column temperature", ...
	Want   string // what the format, a checksum or another part of the file says; "" when Err says it all
	Got    string // what is there
	Err    error  // what a decoder said, nil when Want and Got say it all
}

func (e *CorruptError) Error() string {
	s := fmt.Sprintf("segment: %s at byte %d is damaged", e.What, e.Offset)
	if e.Path != "" {
		s = fmt.Sprintf("segment: %s: %s at byte %d is damaged", e.Path, e.What, e.Offset)
	}
	if e.Want != "" || e.Got != "" {
		s += fmt.Sprintf(": want %s, got %s", e.Want, e.Got)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Is makes errors.Is(err, ErrCorrupt) true.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

// Unwrap leads to what a decoder said.
func (e *CorruptError) Unwrap() error { return e.Err }

// damaged is a *CorruptError about values that disagree; offset is relative to the part until locate makes it one in the file.
func damaged(what string, offset int64, want, got any) error {
	return &CorruptError{What: what, Offset: offset, Want: fmt.Sprint(want), Got: fmt.Sprint(got)}
}

// damagedSum is a *CorruptError about a checksum.
func damagedSum(what string, offset int64, want, got uint32) error {
	return damaged(what, offset, fmt.Sprintf("checksum %08x", want), fmt.Sprintf("%08x", got))
}

// locate makes an error of a decoder one of a place in a file: it adds path and base to a *CorruptError, and makes one of a column's
// damage. Everything else, a newer encoding for example, it wraps with the place.
func locate(err error, path, what string, base int64) error {
	var c *CorruptError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &c):
		at := *c
		at.Path, at.Offset = path, base+c.Offset
		return &at
	case errors.Is(err, column.ErrCorrupt):
		return &CorruptError{Path: path, Offset: base, What: what, Err: err}
	}
	return fmt.Errorf("segment: %s: %s at byte %d: %w", path, what, base, err)
}
