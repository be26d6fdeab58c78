//go:build linux

package skew

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// machines has the processors that we know the system calls of, by the kernel's number for them.
var machines = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// clocks are those that show the wall clock.
var clocks = []uint32{unix.CLOCK_REALTIME, unix.CLOCK_REALTIME_COARSE, unix.CLOCK_TAI}

// Offsets in what the kernel shows a filter (struct seccomp_data).
const (
	callAt    = 0
	machineAt = 4
	firstAt   = 16 // the lower half of the call's first argument: both processors are little-endian
)

// filter hands reads of the wall clock to the listener, and lets all else pass. A jump counts from the instruction after it.
func filter() []unix.SockFilter {
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	equal := func(k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jt: yes, Jf: no}
	}
	code := []unix.SockFilter{load(machineAt), equal(machines[runtime.GOARCH], 1, 0), {Code: unix.BPF_RET, K: unix.SECCOMP_RET_ALLOW}, load(callAt)}
	whole := append([]uint32{unix.SYS_GETTIMEOFDAY}, timeCalls...)
	// What follows: a jump for each of whole, the question for clock_gettime, a load, a jump for each clock, pass, hand over.
	left := uint8(len(whole) + 2 + len(clocks) + 1)
	for _, call := range whole {
		left--
		code = append(code, equal(call, left, 0))
	}
	left--
	code = append(code, equal(unix.SYS_CLOCK_GETTIME, 0, left-1), load(firstAt))
	left--
	for _, clock := range clocks {
		left--
		code = append(code, equal(clock, left, 0))
	}
	give := func(action uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET, K: action} }
	return append(code, give(unix.SECCOMP_RET_ALLOW), give(unix.SECCOMP_RET_USER_NOTIF))
}

// install puts the filter on the calling thread, and on what it will become by exec.
func install() (listener *os.File, err error) {
	code := filter()
	program := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	// The last flag: a thread that waits for our answer is not disturbed by the signals with which Go preempts.
	const flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(code)
	if errno != 0 {
		return nil, fmt.Errorf("the filter for reads of the clock: %w", os.NewSyscallError("seccomp", errno))
	}
	return os.NewFile(fd, "listener"), nil
}
