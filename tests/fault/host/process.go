//go:build linux

package host

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a command that runs, or ran, on a host. Its methods may be called from any goroutine.
type Process struct {
	host   *Host
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd.Wait has returned and the group is gone

	mu        sync.Mutex // protects what follows
	group     *group     // nil for no limit, and when the process has ended
	oomKills  uint64     // as they were at the end
	memoryMet uint64
}

// made numbers the groups of this program's processes.
var made struct {
	sync.Mutex
	n int
}

// limit makes the group that the process will join.
func (p *Process) limit(l Limits) error {
	if l.MemoryBytes == 0 {
		return nil
	}
	made.Lock()
	made.n++
	name := fmt.Sprintf("%s-%d", p.host.Namespace(), made.n)
	made.Unlock()
	g, err := newGroup(name)
	if err != nil {
		return err
	}
	p.group = &g
	return g.limitMemory(l.MemoryBytes)
}

func (p *Process) wait() {
	p.cmd.Wait() // ExitCode and Exit tell how it ended
	p.mu.Lock()
	p.count()
	p.removeGroup()
	p.group = nil
	p.mu.Unlock()
	close(p.exited)
}

func (p *Process) removeGroup() error {
	if p.group == nil {
		return nil
	}
	return p.group.remove()
}

// count reads the witnesses of the limit while there is a group to read them from. The caller holds mu.
func (p *Process) count() {
	if p.group == nil {
		return
	}
	if n, err := p.group.oomKills(); err == nil {
		p.oomKills = n
	}
	if n, err := p.group.memoryMet(); err == nil {
		p.memoryMet = n
	}
}

// Pid is the process's number.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Signal sends a signal. A process that has ended is an error, os.ErrProcessDone.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Kill ends the process without a word and waits until it is no more. One that ended before is no error.
func (p *Process) Kill() error {
	if err := p.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(10 * time.Second):
		return fmt.Errorf("host %s: process %d has not ended 10 s after SIGKILL", p.host.name, p.Pid())
	}
}

// Stop makes the process stand still (SIGSTOP) and returns when every thread does.
func (p *Process) Stop() error {
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for {
		// WNOWAIT: the end, should it come first, is for Wait to collect.
		err := unix.Waitid(unix.P_PID, p.Pid(), nil, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("waitid", err)
		}
	}
}

// Cont ends Stop.
func (p *Process) Cont() error { return p.Signal(syscall.SIGCONT) }

// Exited is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// ExitCode is that of an ended process, -1 if a signal ended it or it has not.
func (p *Process) ExitCode() int {
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	default:
		return -1
	}
}

// Exit says in words how the process ended: "exit status 1", "signal: killed"; "" while it runs.
func (p *Process) Exit() string {
	select {
	case <-p.exited:
		return p.cmd.ProcessState.String()
	default:
		return ""
	}
}

// OOMKills counts how often the kernel killed for Limits.MemoryBytes: the witness of that limit.
func (p *Process) OOMKills() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count()
	return p.oomKills
}

// MemoryMet counts how often the process wanted more than Limits.MemoryBytes, and the kernel had to take something back from it, such as the cache of
// files, or to kill it: the witness of that limit for a process that gets by.
func (p *Process) MemoryMet() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count()
	return p.memoryMet
}

// Descriptors tells how many the process has open now, and may have: Limits.OpenFiles is met when they are equal.
func (p *Process) Descriptors() (open, limit int, err error) {
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.Pid()))
	if err != nil {
		return 0, 0, err
	}
	var r unix.Rlimit
	if err := unix.Prlimit(p.Pid(), unix.RLIMIT_NOFILE, nil, &r); err != nil {
		return 0, 0, os.NewSyscallError("prlimit", err)
	}
	return len(fds), int(r.Cur), nil
}
