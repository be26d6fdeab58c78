//go:build linux

package skew

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// What a program is called when it is to be one of the two.
const (
	launcherName   = "gapless-skew-launcher"
	supervisorName = "gapless-skew-supervisor"
)

// Main makes this program a launcher or supervisor if it was started as that, and does not return then. It must be called before anything
// else, in main or TestMain of each program that calls Wrap.
func Main() {
	var err error
	switch {
	case len(os.Args) >= 4 && os.Args[0] == launcherName:
		err = launch(os.Args[1], os.Args[2], os.Args[3:])
	case len(os.Args) == 3 && os.Args[0] == supervisorName:
		err = supervise(os.Args[1], os.Args[2])
	default:
		return
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[0], err)
	os.Exit(127)
}

// launch puts the filter on, finds a supervisor, and becomes the command. It returns only if it fails.
func launch(socket, path string, args []string) error {
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	fd, err := strconv.Atoi(socket)
	if err != nil {
		return err
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, false); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	listener, err := install()
	if err != nil {
		return err
	}
	pidfd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return os.NewSyscallError("pidfd_open", err)
	}
	message := fmt.Sprintf("%d %d", os.Getpid(), unix.Gettid())
	if err := unix.Sendmsg(fd, []byte(message), unix.UnixRights(int(listener.Fd()), pidfd), nil, unix.MSG_NOSIGNAL); err != nil {
		return os.NewSyscallError("sendmsg", err)
	}
	for {
		n, err := unix.Read(fd, make([]byte, 1))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if n != 1 || err != nil {
			return fmt.Errorf("no supervisor: %d bytes, %v", n, err)
		}
		return fmt.Errorf("exec %s: %w", path, syscall.Exec(path, args, os.Environ()))
	}
}
