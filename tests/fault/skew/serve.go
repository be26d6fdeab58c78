//go:build linux

package skew

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// notification and response are the kernel's struct seccomp_notif and seccomp_notif_resp.
type notification struct {
	id      uint64
	thread  uint32
	flags   uint32
	call    int32
	machine uint32
	pointer uint64
	args    [6]uint64
}

type response struct {
	id    uint64
	value int64
	err   int32
	flags uint32
}

// serve answers reads of the clock, one after the other. It returns only if it fails: when there is nobody left to ask, we exit.
func serve(p *page) error {
	for {
		var n notification
		if err := control(unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)); err != nil {
			if gone(err) {
				continue
			}
			return fmt.Errorf("receiving a read: %w", err)
		}
		r := response{id: n.id}
		value, err := p.answer(&n)
		if r.value = value; err != 0 {
			r.err = -int32(err)
		}
		if err := control(unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&r)); err != nil && !gone(err) {
			return fmt.Errorf("answering a read: %w", err)
		}
	}
}

// gone says that the thread that asked was killed, or that the call is to be made again.
func gone(err error) bool { return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINTR) }

func control(request uintptr, argument unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, listenerFd, request, uintptr(argument))
	if errno != 0 {
		return errno
	}
	return nil
}

// answer does what the call would have done, with the time of the page.
func (p *page) answer(n *notification) (value int64, errno unix.Errno) {
	clock := int32(unix.CLOCK_REALTIME)
	if n.call == unix.SYS_CLOCK_GETTIME {
		clock = int32(n.args[0])
	}
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		return 0, unix.EINVAL
	}
	p.reads.Add(1)
	seconds, rest := split(t.Nano() + p.offset.Load())
	switch int(n.call) {
	case unix.SYS_CLOCK_GETTIME:
		return 0, n.write(n.args[1], seconds, rest)
	case unix.SYS_GETTIMEOFDAY:
		if n.args[1] != 0 { // the zone, long unused
			if errno := n.write(n.args[1], 0); errno != 0 {
				return 0, errno
			}
		}
		if n.args[0] == 0 {
			return 0, 0
		}
		return 0, n.write(n.args[0], seconds, rest/1000)
	default: // time
		if n.args[0] == 0 {
			return seconds, 0
		}
		return seconds, n.write(n.args[0], seconds)
	}
}

// split makes whole seconds and a rest that is not negative, of a time before 1970 too.
func split(ns int64) (seconds, rest int64) {
	seconds, rest = ns/1e9, ns%1e9
	if rest < 0 {
		seconds, rest = seconds-1, rest+1e9
	}
	return seconds, rest
}

// write puts words into the memory of the thread that asked.
func (n *notification) write(at uint64, words ...int64) unix.Errno {
	// The thread may have died since it asked, and another process may have its number.
	if control(unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&n.id)) != nil {
		return unix.EFAULT
	}
	size := 8 * len(words)
	local := []unix.Iovec{{Base: (*byte)(unsafe.Pointer(&words[0]))}}
	local[0].SetLen(size)
	remote := []unix.RemoteIovec{{Base: uintptr(at), Len: size}}
	if m, err := unix.ProcessVMWritev(int(n.thread), local, remote, 0); err != nil || m != size {
		return unix.EFAULT
	}
	return 0
}
