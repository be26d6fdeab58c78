//go:build !linux && !darwin && !freebsd && !netbsd && !openbsd && !dragonfly && !windows

package vfs

import (
	"errors"
	"io"
)

// lockFile refuses: a lock that excludes nobody would be worse than none.
func lockFile(string) (io.Closer, error) { return nil, errors.ErrUnsupported }
