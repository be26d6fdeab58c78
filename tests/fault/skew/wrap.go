//go:build linux

package skew

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Clock is the wall clock of one process. Its methods may be called from any goroutine, before the process starts and after it ended.
type Clock struct {
	socket *os.File      // to the launcher
	give   *os.File      // the launcher's end, closed when it has it
	memory *os.File      // what page is
	done   chan struct{} // closed when the process and its supervisor are no more

	mu         sync.Mutex // protects what follows
	failure    error
	page       *page // shared memory until Close, then a copy of it
	closed     bool
	supervisor *os.Process // while it runs
}

// Wrap changes a command that has not started, so that it runs with a clock of its own, which shows the true time until Set. It
// returns the same command; if it cannot be wrapped, cmd.Err says why, and Start will. The program that calls it must call Main first.
// As with any command that has a parent-death signal, the goroutine that calls Start must not end locked to its thread.
func Wrap(cmd *exec.Cmd) (*Clock, *exec.Cmd) {
	c := &Clock{done: make(chan struct{})}
	if cmd.Err == nil {
		cmd.Err = Check()
	}
	if cmd.Err == nil {
		cmd.Err = c.prepare()
	}
	if cmd.Err != nil {
		c.page, c.closed = &page{words: &words{}}, true
		close(c.done)
		return c, cmd
	}
	fd := 3 + len(cmd.ExtraFiles)
	cmd.ExtraFiles = append(cmd.ExtraFiles, c.give)
	cmd.Args = append([]string{launcherName, strconv.Itoa(fd), cmd.Path}, cmd.Args...)
	cmd.Path = "/proc/self/exe"
	go c.run()
	return c, cmd
}

// prepare makes the socket and the page.
func (c *Clock) prepare() (err error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("skew: %w", os.NewSyscallError("socketpair", err))
	}
	c.socket, c.give = os.NewFile(uintptr(ends[0]), "socket"), os.NewFile(uintptr(ends[1]), "socket")
	if c.memory, c.page, err = newPage(); err != nil {
		c.socket.Close()
		c.give.Close()
		return fmt.Errorf("skew: %w", err)
	}
	return nil
}

// run waits for the launcher, then for the supervisor, and ends the process if that has not ended by itself.
func (c *Clock) run() {
	defer close(c.done)
	defer c.memory.Close()
	defer c.socket.Close()
	target, err := receive(c.socket)
	if err != nil {
		c.fail(fmt.Errorf("what the launcher sends: %w", err)) // or Close came before the process
		return
	}
	defer target.close() // with it the listener: reads of the clock wait until here, and then there is nobody to read
	if err := c.supervise(target); err != nil {
		c.fail(fmt.Errorf("the supervisor of process %d: %w", target.pid, err))
	}
	if err := target.kill(); err != nil {
		c.fail(fmt.Errorf("ending process %d: %w", target.pid, err))
	}
}

// fail keeps an error for Close, unless it is Close's own doing.
func (c *Clock) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.failure = errors.Join(c.failure, fmt.Errorf("skew: %w", err))
	}
}

// supervise runs the supervisor until it ends.
func (c *Clock) supervise(target *target) error {
	runtime.LockOSThread() // the thread must not end before the supervisor, or that gets its parent-death signal
	defer runtime.UnlockOSThread()
	var said bytes.Buffer
	cmd := &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{supervisorName, strconv.Itoa(target.pid), strconv.Itoa(target.tid)}, Stderr: &said,
		ExtraFiles:  []*os.File{target.listener, target.pidfd, c.socket, c.memory}, // in the order of the descriptors in supervisor.go
		SysProcAttr: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	}
	c.mu.Lock()
	err := os.ErrClosed
	if !c.closed {
		err = cmd.Start()
	}
	if err == nil {
		c.supervisor = cmd.Process
	}
	c.mu.Unlock()
	if err != nil {
		return err
	}
	err = cmd.Wait()
	c.mu.Lock()
	c.supervisor = nil
	c.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	return nil
}

// Set lets the clock run ahead of the true time by offset, from the next read on; a negative one lets it lag.
func (c *Clock) Set(offset time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.page.offset.Store(int64(offset))
}

// Reads counts how often the process has read the wall clock: the witness.
func (c *Clock) Reads() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.page.reads.Load()
}

// Close ends the process, if it has not ended, and returns why its clock failed, if it did. It may be called again.
func (c *Clock) Close() error {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		c.give.Close()
		c.socket.Close()
		if c.supervisor != nil {
			c.supervisor.Kill()
		}
	}
	c.mu.Unlock()
	<-c.done
	c.mu.Lock()
	defer c.mu.Unlock()
	c.page = c.page.unmap()
	return c.failure
}
