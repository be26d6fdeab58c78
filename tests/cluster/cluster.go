// Package cluster runs real gapless processes for tests: it builds the binary, starts nodes on loopback, kills and restarts them,
// and asks them who leads. It talks to them as any client would, over HTTP.
package cluster

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Cluster is a set of node processes that end with the test.
type Cluster struct {
	t     testing.TB
	bin   string
	dir   string
	args  func(node string) []string // extra flags
	Nodes []*Node
}

// Node is one process and its addresses.
type Node struct {
	Name string
	HTTP string // http://host:port
	raft string
	addr string
	cmd  *exec.Cmd
	done chan struct{}
}

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "gapless-bin-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "gapless")
	out, err := exec.Command("go", "build", "-o", bin, "github.com/gaplessdb/gapless/cmd/gapless").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building gapless: %w\n%s", err, out)
	}
	return bin, nil
})

// Binary builds the command once per test process.
func Binary(t testing.TB) string {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// Start runs size nodes with extra flags and waits until all are ready.
func Start(t testing.TB, size int, args ...string) *Cluster {
	t.Helper()
	return StartEach(t, size, func(string) []string { return args })
}

// StartEach is Start with flags of each node's own.
func StartEach(t testing.TB, size int, args func(node string) []string) *Cluster {
	t.Helper()
	c := &Cluster{t: t, bin: Binary(t), dir: t.TempDir(), args: args}
	for i := range size {
		addrs := freeAddrs(t, 2)
		c.Nodes = append(c.Nodes, &Node{Name: fmt.Sprintf("n%d", i+1), HTTP: "http://" + addrs[0], addr: addrs[0], raft: addrs[1]})
	}
	t.Cleanup(c.stop)
	for _, n := range c.Nodes {
		c.Run(n)
	}
	for _, n := range c.Nodes {
		c.WaitReady(n, 30*time.Second)
	}
	return c
}

func freeAddrs(t testing.TB, n int) []string {
	t.Helper()
	var addrs []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addrs = append(addrs, l.Addr().String())
	}
	return addrs
}

// Run starts a node that does not run.
func (c *Cluster) Run(n *Node) {
	c.t.Helper()
	args := []string{"serve", "--node", n.Name, "--cluster", "test", "--data", filepath.Join(c.dir, n.Name),
		"--http", n.addr, "--listen", n.raft, "--fence-after", "10s"}
	if len(c.Nodes) > 1 {
		for _, peer := range c.Nodes {
			args = append(args, "--peer", peer.Name+"="+peer.raft)
		}
	}
	log, err := os.OpenFile(filepath.Join(c.dir, n.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		c.t.Fatal(err)
	}
	n.cmd = exec.Command(c.bin, append(args, c.args(n.Name)...)...)
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

// Wipe removes everything a stopped node kept.
func (c *Cluster) Wipe(n *Node) {
	c.t.Helper()
	if err := os.RemoveAll(filepath.Join(c.dir, n.Name)); err != nil {
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
			b, _ := os.ReadFile(filepath.Join(c.dir, n.Name+".log"))
			c.t.Logf("log of %s:\n%s", n.Name, tail(string(b), 4000))
		}
	}
}

func tail(s string, n int) string {
	if len(s) > n {
		return "... " + s[len(s)-n:]
	}
	return s
}

// WaitReady waits until a node takes frames.
func (c *Cluster) WaitReady(n *Node, limit time.Duration) {
	c.t.Helper()
	var last string
	Eventually(c.t, limit, func() bool {
		resp, err := http.Get(n.HTTP + "/readyz")
		if err != nil {
			last = err.Error()
			return false
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		last = string(b)
		return resp.StatusCode == 200
	}, func() string { return n.Name + " is not ready: " + last })
}

// Leader returns the node that leads, as a running node sees it.
func (c *Cluster) Leader() *Node {
	c.t.Helper()
	var leader *Node
	Eventually(c.t, 20*time.Second, func() bool {
		for _, n := range c.Nodes {
			if n.cmd == nil {
				continue
			}
			var answer struct {
				State string `json:"state"`
			}
			if GetJSON(n.HTTP+"/v1/cluster", &answer) == nil && answer.State == "Leader" {
				leader = n
				return true
			}
		}
		return false
	}, func() string { return "no leader" })
	return leader
}

// Eventually polls a condition until it holds or the limit passes.
func Eventually(t testing.TB, limit time.Duration, ok func() bool, why func() string) {
	t.Helper()
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("after %s: %s", limit, why())
		}
		<-tick.C
	}
}

// GetJSON asks a node and decodes its answer.
func GetJSON(url string, v any) error {
	resp, err := http.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != 200 {
		return fmt.Errorf("GET %s: %d %s", url, resp.StatusCode, strings.TrimSpace(string(b)))
	}
	return json.Unmarshal(b, v)
}

// PID is the process id of a running node.
func (n *Node) PID() int { return n.cmd.Process.Pid }

// Raft is the address of a node's cluster port.
func (n *Node) Raft() string { return n.raft }
