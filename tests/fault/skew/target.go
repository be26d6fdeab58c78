//go:build linux

package skew

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// target is the process with the clock, as its launcher introduced it.
type target struct {
	pid, tid        int      // tid is the thread that will call exec
	listener, pidfd *os.File // pidfd means the process even when another has its number
}

// receive waits for the launcher's message.
func receive(socket *os.File) (*target, error) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil, err
	}
	var n, oobn int
	var failure error
	message, oob := make([]byte, 100), make([]byte, unix.CmsgSpace(2*4))
	if err := raw.Read(func(fd uintptr) bool {
		n, oobn, _, _, failure = unix.Recvmsg(int(fd), message, oob, unix.MSG_CMSG_CLOEXEC)
		return !errors.Is(failure, unix.EAGAIN)
	}); err != nil {
		return nil, err
	}
	if failure != nil {
		return nil, os.NewSyscallError("recvmsg", failure)
	}
	control, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(control) != 1 {
		return nil, fmt.Errorf("a message of %d bytes with %d parts, %v", n, len(control), err)
	}
	fds, err := unix.ParseUnixRights(&control[0])
	if err != nil || len(fds) != 2 {
		return nil, fmt.Errorf("a message with %d descriptors, %v", len(fds), err)
	}
	t := &target{listener: os.NewFile(uintptr(fds[0]), "listener"), pidfd: os.NewFile(uintptr(fds[1]), "pidfd")}
	if _, err := fmt.Sscan(string(message[:n]), &t.pid, &t.tid); err != nil {
		t.close()
		return nil, fmt.Errorf("message %q: %w", message[:n], err)
	}
	return t, nil
}

// kill ends the process and waits until it has, 10 s at most.
func (t *target) kill() error {
	err := unix.PidfdSendSignal(int(t.pidfd.Fd()), unix.SIGKILL, nil, 0)
	if err != nil && !errors.Is(err, unix.ESRCH) {
		return os.NewSyscallError("pidfd_send_signal", err)
	}
	return awaitEnd(int(t.pidfd.Fd()), 10_000)
}

func (t *target) close() {
	t.listener.Close()
	t.pidfd.Close()
}

// awaitEnd waits until the process of a pidfd has ended; a limit of -1 ms is none.
func awaitEnd(pidfd, limitMS int) error {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, limitMS)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return os.NewSyscallError("poll", err)
		case n == 0:
			return fmt.Errorf("it has not ended %d ms after SIGKILL", limitMS)
		}
		return nil
	}
}
