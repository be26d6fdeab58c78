//go:build linux

package skew

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// The supervisor's descriptors, in the order of ExtraFiles in Clock.supervise.
const (
	listenerFd = 3 + iota
	pidfdFd
	socketFd
	pageFd
)

// Keys of the auxiliary vector (getauxval(3)).
const (
	atNull   = 0
	atIgnore = 1
	atVDSO   = 33 // AT_SYSINFO_EHDR
)

// supervise takes the process past its exec and answers its reads of the clock until it ends. It returns only if it fails.
func supervise(pidArg, tidArg string) error {
	pid, err1 := strconv.Atoi(pidArg)
	tid, err2 := strconv.Atoi(tidArg)
	p, err3 := mapPage(pageFd)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	go func() {
		if err := awaitEnd(pidfdFd, -1); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}()
	runtime.LockOSThread() // ptrace knows threads, not processes
	if err := seize(tid); err != nil {
		return err
	}
	if _, err := unix.Write(socketFd, []byte{1}); err != nil {
		return fmt.Errorf("giving the launcher the word: %w", err)
	}
	unix.Close(socketFd)
	if err := untilExec(); err != nil {
		return err
	}
	if err := hideVDSO(pid); err != nil {
		return fmt.Errorf("process %d: %w", pid, err)
	}
	if err := unix.PtraceDetach(pid); err != nil {
		return os.NewSyscallError("ptrace(DETACH)", err)
	}
	return serve(p)
}

// seize makes us the tracer of a thread, which dies if we do.
func seize(tid int) error {
	const options = unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_EXITKILL
	if err := ptrace(unix.PTRACE_SEIZE, tid, options); err != nil {
		return fmt.Errorf("thread %d: %w", tid, err)
	}
	// The launcher waits for our word, so if it lives, the number was still its own.
	if err := unix.PidfdSendSignal(pidfdFd, 0, nil, 0); err != nil {
		return fmt.Errorf("the launcher has ended: %w", err)
	}
	return nil
}

// untilExec lets the thread run until its exec has happened. Its signals come by here, and go on.
func untilExec() error {
	for {
		var status unix.WaitStatus
		tid, err := unix.Wait4(-1, &status, unix.WALL, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return os.NewSyscallError("wait4", err)
		case !status.Stopped():
			os.Exit(0) // the launcher has ended, and said why
		case status.TrapCause() == unix.PTRACE_EVENT_EXEC:
			return nil
		}
		request, signal := unix.PTRACE_CONT, int(status.StopSignal())
		if int(status)>>16 == unix.PTRACE_EVENT_STOP { // it was stopped as a whole, and stays so until SIGCONT
			request, signal = unix.PTRACE_LISTEN, 0
		}
		if err := ptrace(request, tid, signal); err != nil {
			return err
		}
	}
}

func ptrace(request, tid, data int) error {
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), 0, uintptr(data), 0, 0)
	if errno != 0 {
		return fmt.Errorf("ptrace(%#x): %w", request, syscall.Errno(errno))
	}
	return nil
}

// hideVDSO makes the new program believe that there is no vDSO, so that it asks the kernel for the time. On its stack are, from the
// bottom: the number of arguments, these and a 0, the environment and a 0, and pairs of key and value: the auxiliary vector.
func hideVDSO(pid int) error {
	bottom, err := stackOf(pid)
	if err != nil {
		return err
	}
	memory, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer memory.Close()
	at := bottom
	word := func() (value uint64) {
		b := make([]byte, 8)
		if _, e := memory.ReadAt(b, at); e != nil {
			err = errors.Join(err, fmt.Errorf("its stack at %#x: %w", at, e))
			return 0
		}
		at += 8
		return binary.NativeEndian.Uint64(b)
	}
	at += 8 * int64(word()+1) // the arguments and the 0
	for word() != 0 {         // the environment
	}
	for err == nil {
		switch key := word(); key {
		case atNull:
			return err // nothing to hide: this kernel gives no vDSO
		case atVDSO:
			b := binary.NativeEndian.AppendUint64(nil, atIgnore)
			_, err := memory.WriteAt(b, at-8)
			return err
		}
		word()
	}
	return err
}

// stackOf reads where the stack of a process that has just begun ends: field 28 of its line, the 26th after the name in parentheses.
func stackOf(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	line := string(b)
	fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	if len(fields) < 26 {
		return 0, fmt.Errorf("%d fields in %q", len(fields), line)
	}
	return strconv.ParseInt(fields[25], 10, 64)
}
