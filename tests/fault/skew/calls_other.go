//go:build linux && !amd64

package skew

// timeCalls are the system calls for the wall clock that not every processor has.
var timeCalls []uint32
