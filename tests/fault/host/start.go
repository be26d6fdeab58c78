//go:build linux

package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// Command is what a host runs.
type Command struct {
	Path   string // found as a shell finds it
	Args   []string
	Env    []string  // nil: the controller's
	Dir    string    // "": the controller's
	Log    io.Writer // takes what the command prints; an *os.File is handed over as it is
	Limits Limits

	// Wrap changes the command that the launcher starts, as skew.Wrap does. What it returns may have ExtraFiles and be an error (Err).
	Wrap func(*exec.Cmd) *exec.Cmd
}

// Limits of a process; 0 is none.
type Limits struct {
	OpenFiles   uint64 // descriptors, soft and hard
	MemoryBytes uint64 // of the process and the cache of files that it caused; the kernel kills it when it needs more
}

// PeerAddr is the host's address for other hosts.
func (h *Host) PeerAddr() string { return fmt.Sprintf("198.18.0.%d", h.number) }

// ClientAddr is the host's address for the controller.
func (h *Host) ClientAddr() string { return clientAddr(h.net, 2*h.number+1) }

// Namespace is the name that ip knows the host by.
func (h *Host) Namespace() string { return h.world.tag + h.name }

// Start runs a command on the host. It returns when the command has begun, or says why it could not.
func (h *Host) Start(c Command) (*Process, error) {
	p := &Process{host: h, exited: make(chan struct{})}
	if err := p.start(c); err != nil {
		return nil, fmt.Errorf("host %s: starting %s: %w", h.name, c.Path, err)
	}
	h.world.mu.Lock()
	h.world.processes = append(h.world.processes, p)
	h.world.mu.Unlock()
	return p, nil
}

func (p *Process) start(c Command) error {
	inner := exec.Command(c.Path, c.Args...)
	inner.Env, inner.Dir = c.Env, c.Dir
	if c.Wrap != nil {
		inner = c.Wrap(inner)
	}
	if inner.Err != nil {
		return inner.Err
	}
	if err := p.limit(c.Limits); err != nil {
		return errors.Join(err, p.removeGroup())
	}
	if err := p.launch(c, inner); err != nil {
		return errors.Join(err, p.removeGroup())
	}
	go p.wait()
	return nil
}

// launch starts the launcher and waits until it has become the command.
func (p *Process) launch(c Command, inner *exec.Cmd) error {
	status, give, err := os.Pipe()
	if err != nil {
		return err
	}
	defer status.Close()
	o := order{
		Controller: os.Getpid(), Namespace: p.host.Namespace(), OpenFiles: c.Limits.OpenFiles, Status: 3 + len(inner.ExtraFiles),
		Path: inner.Path, Args: inner.Args,
	}
	if p.group != nil {
		o.Group = p.group.dir
	}
	arg, err := json.Marshal(o)
	if err != nil {
		return err
	}
	p.cmd = &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{launcherName, string(arg)}, Env: inner.Env, Dir: inner.Dir, Stdout: c.Log, Stderr: c.Log,
		ExtraFiles: append(inner.ExtraFiles[:len(inner.ExtraFiles):len(inner.ExtraFiles)], give),
		WaitDelay:  time.Second, // for the log, should somebody else hold it open
	}
	err = p.cmd.Start()
	give.Close()
	if err != nil {
		return err
	}
	if failure, err := io.ReadAll(status); err != nil || len(failure) > 0 {
		p.cmd.Process.Kill()
		p.cmd.Wait()
		return errors.Join(err, errors.New(string(failure)))
	}
	return nil
}
