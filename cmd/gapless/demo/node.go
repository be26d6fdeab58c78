package demo

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// node is one gapless process. Its methods are called from one goroutine at a time.
type node struct {
	name   string
	url    string // of its HTTP API
	binary string
	args   []string
	data   string // directory of its files
	log    string // file its standard error is appended to

	process *os.Process
	ended   chan struct{} // closed when the process has ended; state is set before
	state   *os.ProcessState
}

// stopWait is how long a node may take to stop in order.
const stopWait = 10 * time.Second

func (n *node) start() error {
	log, err := os.OpenFile(n.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer log.Close() // the process has its own descriptor
	cmd := exec.Command(n.binary, n.args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GAPLESS_") })
	cmd.SysProcAttr = processAttr()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("demo: start %s: %w", n.name, err)
	}
	n.process, n.state, n.ended = cmd.Process, nil, make(chan struct{})
	ended := n.ended
	go func() {
		_ = cmd.Wait() // how it ended is in ProcessState
		n.state = cmd.ProcessState
		close(ended)
	}()
	return nil
}

// kill ends the process as a power cut would, and returns when it is gone.
func (n *node) kill() error {
	if err := n.process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("demo: kill %s: %w", n.name, err)
	}
	<-n.ended
	return nil
}

// stop asks the process to end, and ends it if it does not.
func (n *node) stop() error {
	if n.process == nil {
		return nil
	}
	if err := n.process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("demo: stop %s: %w", n.name, err)
	}
	late := time.NewTimer(stopWait)
	defer late.Stop()
	select {
	case <-n.ended:
		return nil
	case <-late.C:
		return errors.Join(fmt.Errorf("demo: %s did not stop within %s and was killed", n.name, stopWait), n.kill())
	}
}

// exit returns why the process ended, nil while it runs.
func (n *node) exit() error {
	select {
	case <-n.ended:
		return fmt.Errorf("demo: %s ended (%s); its last words in %s:\n%s", n.name, n.state, n.log, n.lastWords())
	default:
		return nil
	}
}

// lastWords returns the end of the node's log.
func (n *node) lastWords() string {
	b, err := os.ReadFile(n.log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	return string(bytes.Join(lines[max(len(lines)-5, 0):], []byte("\n")))
}
