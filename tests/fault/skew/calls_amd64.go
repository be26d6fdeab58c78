//go:build linux

package skew

import "golang.org/x/sys/unix"

// timeCalls are the system calls for the wall clock that not every processor has.
var timeCalls = []uint32{unix.SYS_TIME}
