//go:build unix

package content

import (
	"syscall"
	"time"
)

// cpuTime is what this process has used of its processors: on a machine with other work the clock on the wall says little.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
