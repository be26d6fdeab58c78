package cluster

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// stopWithin bounds how long a node may take to stop in order: it answers the requests it has.
const stopWithin = 20 * time.Second

// Run starts a node that does not run.
func (c *Cluster) Run(n *Node) {
	c.t.Helper()
	args := []string{"serve", "--node", n.Name, "--cluster", "test", "--data", n.Data, "--http", n.addr, "--listen", n.raft, "--fence-after", "10s"}
	if len(c.Nodes) > 1 {
		for _, peer := range c.Nodes {
			args = append(args, "--peer", peer.Name+"="+peer.raft)
		}
	}
	log, err := os.OpenFile(c.logPath(n), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		c.t.Fatal(err)
	}
	n.cmd = exec.Command(n.Bin, append(args, c.args(n.Name)...)...)
	n.cmd.Stdout, n.cmd.Stderr = log, log
	if err := n.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	n.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		cmd.Wait()
		log.Close()
		close(done)
	}(n.cmd, n.done)
}

// Kill ends a node with SIGKILL and waits until it is gone.
func (c *Cluster) Kill(n *Node) { c.signal(n, syscall.SIGKILL) }

// Stop ends a node in order and returns its exit code, which is not 0 when it had ended itself before.
func (c *Cluster) Stop(n *Node) int {
	c.t.Helper()
	n.cmd.Process.Signal(syscall.SIGTERM)
	return c.Ended(n, stopWithin)
}

// Ended waits until a node's process is gone and returns its exit code.
func (c *Cluster) Ended(n *Node, limit time.Duration) int {
	c.t.Helper()
	select {
	case <-n.done:
	case <-time.After(limit):
		c.t.Fatalf("%s runs on after %s", n.Name, limit)
	}
	code := n.cmd.ProcessState.ExitCode()
	n.cmd = nil
	return code
}

// Wipe removes everything a stopped node kept.
func (c *Cluster) Wipe(n *Node) {
	c.t.Helper()
	if err := os.RemoveAll(n.Data); err != nil {
		c.t.Fatal(err)
	}
}

func (c *Cluster) signal(n *Node, sig os.Signal) {
	if n.cmd == nil {
		return
	}
	n.cmd.Process.Signal(sig)
	select {
	case <-n.done:
	case <-time.After(10 * time.Second):
		n.cmd.Process.Kill()
		<-n.done
	}
	n.cmd = nil
}

func (c *Cluster) stop() {
	for _, n := range c.Nodes {
		c.signal(n, syscall.SIGTERM)
	}
	if c.t.Failed() {
		for _, n := range c.Nodes {
			c.t.Logf("log of %s:\n%s", n.Name, tail(c.Log(n), 4000))
		}
	}
}

func (c *Cluster) logPath(n *Node) string { return filepath.Join(c.dir, n.Name+".log") }

// Log is everything a node wrote to its log since the test began.
func (c *Cluster) Log(n *Node) string {
	b, _ := os.ReadFile(c.logPath(n))
	return string(b)
}

func tail(s string, n int) string {
	if len(s) > n {
		return "... " + s[len(s)-n:]
	}
	return s
}

// Running reports whether a node's process was started and has not ended.
func (n *Node) Running() bool {
	if n.cmd == nil {
		return false
	}
	select {
	case <-n.done:
		return false
	default:
		return true
	}
}

// PID is the process id of a running node.
func (n *Node) PID() int { return n.cmd.Process.Pid }

// Raft is the address of a node's cluster port.
func (n *Node) Raft() string { return n.raft }
