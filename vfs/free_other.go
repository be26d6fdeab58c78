//go:build !linux && !darwin

package vfs

import "errors"

// free is unknown here: the standard library has no portable statfs.
func free(string) (int64, error) { return 0, errors.ErrUnsupported }
