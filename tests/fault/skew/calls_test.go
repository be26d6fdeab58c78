//go:build linux

package skew

import (
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// calls reads the wall clock by each system call for it: seconds since 1970, and -1 where one fails.
func calls() (seconds []any) {
	add := func(s int64, errno unix.Errno) {
		if errno != 0 {
			s = -1
		}
		seconds = append(seconds, s)
	}
	for _, clock := range []uint32{unix.CLOCK_REALTIME, unix.CLOCK_REALTIME_COARSE, unix.CLOCK_TAI} {
		var t unix.Timespec
		_, _, errno := unix.Syscall(unix.SYS_CLOCK_GETTIME, uintptr(clock), uintptr(unsafe.Pointer(&t)), 0)
		add(int64(t.Sec), errno)
	}
	var t unix.Timeval
	zone := [2]int32{7, 7}
	_, _, errno := unix.Syscall(unix.SYS_GETTIMEOFDAY, uintptr(unsafe.Pointer(&t)), uintptr(unsafe.Pointer(&zone)), 0)
	add(int64(t.Sec), errno)
	if zone != [2]int32{} || t.Usec < 0 || t.Usec >= 1e6 {
		seconds[len(seconds)-1] = int64(-1)
	}
	_, _, errno = unix.Syscall(unix.SYS_GETTIMEOFDAY, 0, 0, 0)
	add(int64(t.Sec), errno)
	for _, call := range timeCalls {
		var stored int64
		direct, _, errno := unix.Syscall(uintptr(call), 0, 0, 0)
		add(int64(direct), errno)
		_, _, errno = unix.Syscall(uintptr(call), uintptr(unsafe.Pointer(&stored)), 0, 0)
		add(stored, errno)
	}
	const nowhere = 8 // an address that nobody has
	if _, _, errno := unix.Syscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_REALTIME, nowhere, 0); errno != unix.EFAULT {
		add(-1, 0)
	}
	return seconds
}

func TestEveryCallForTheWallClock(t *testing.T) {
	s := start(t, helper())
	for _, offset := range []time.Duration{time.Hour, -300 * time.Second, -100 * 365 * 24 * time.Hour} {
		s.Set(offset)
		before := time.Now().Add(offset - 5*time.Millisecond).Unix() // the coarse clock lags by a tick
		got := s.ask("calls")
		after := time.Now().Add(offset + 40*time.Second).Unix() // atomic time is ahead of UTC by 37 s
		for i, seconds := range got {
			if seconds < before || seconds > after {
				t.Errorf("%v: call %d of %d gives %d; want %d to %d", offset, i, len(got), seconds, before, after)
			}
		}
	}
}

// The fields of a time before 1970 are those of a time after it: whole seconds rounded down, and a rest from 0.
func TestBefore1970(t *testing.T) {
	for ns, want := range map[int64][2]int64{-1: {-1, 999_999_999}, -1e9: {-1, 0}, -1e9 - 1: {-2, 999_999_999}, 0: {0, 0}, 1e9 + 1: {1, 1}} {
		if seconds, rest := split(ns); seconds != want[0] || rest != want[1] {
			t.Errorf("%d ns is %d s and %d ns; want %v", ns, seconds, rest, want)
		}
	}
}
