//go:build unix

package gapless

import "syscall"

// limitOfOpenFiles is how many descriptors this process may have, 0 when nobody says. The Go runtime has raised it as far as it may.
func limitOfOpenFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || uint64(limit.Cur) >= 1<<62 { // RLIM_INFINITY, whatever its type is
		return 0
	}
	return uint64(limit.Cur)
}
