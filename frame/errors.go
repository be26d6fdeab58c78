package frame

import (
	"errors"
	"fmt"
)

var (
	// ErrCorrupt is found by errors.Is in every *CorruptError.
	ErrCorrupt = errors.New("frame: batch is damaged")
	// ErrVersion is found by errors.Is in every *VersionError: the bytes may be fine, but this program is too old for them.
	ErrVersion = errors.New("frame: batch version is not supported")
)

// CorruptError says where a batch breaks the format and how. The reason names the two values that disagree.
type CorruptError struct {
	Offset int    // byte in the batch
	Reason string // "checksum is 0x..., the bytes have 0x..."
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%v at byte %d: %s", ErrCorrupt, e.Offset, e.Reason)
}

// Is makes errors.Is(err, ErrCorrupt) true through any wrapping.
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

// VersionError is the answer to a batch of another format version.
type VersionError struct {
	Got, Want uint8
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%v: got %d, this program reads %d: upgrade it", ErrVersion, e.Got, e.Want)
}

// Is makes errors.Is(err, ErrVersion) true through any wrapping.
func (e *VersionError) Is(target error) bool { return target == ErrVersion }

// InvalidError refuses what a caller wants to put into a batch. Doors show Code, Message and Hint to users.
type InvalidError struct {
	Code    string // stable, snake_case
	Message string // what is wrong, with the value
	Hint    string // what to do about it
}

func (e *InvalidError) Error() string {
	if e.Hint == "" {
		return "frame: " + e.Message
	}
	return "frame: " + e.Message + " (" + e.Hint + ")"
}

// invalid builds an InvalidError; it returns the interface so that callers cannot make a typed nil of it.
func invalid(code, hint, format string, args ...any) error {
	return &InvalidError{Code: code, Message: fmt.Sprintf(format, args...), Hint: hint}
}
