//go:build unix

package temp

import (
	"errors"
	"syscall"
)

// gone reports whether there is no such process. One of another user is there.
func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
