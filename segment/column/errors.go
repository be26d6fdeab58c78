package column

import (
	"errors"
	"fmt"
)

var (
	// ErrCorrupt is found by errors.Is when bytes are no column of the asked kind and count.
	ErrCorrupt = errors.New("column: damaged")
	// ErrUnknownEncoding is found by errors.Is when a column may be fine, but this program is too old for its encoding or codec.
	ErrUnknownEncoding = errors.New("column: unknown encoding")
)

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

func unknown(c Chunk) error {
	return fmt.Errorf("%w: encoding %d, codec %d: upgrade this program to read the column", ErrUnknownEncoding, c.Encoding, c.Codec)
}
