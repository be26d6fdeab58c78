// Package cluster runs real gapless processes for tests: it builds the binary, starts nodes on loopback, stops, kills and restarts them,
// of this tree or of another release, and asks them who leads. It talks to them as any client would, over HTTP.
package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/ports"
)

// Cluster is a set of node processes that end with the test.
type Cluster struct {
	t     testing.TB
	dir   string
	args  func(node string) []string // extra flags
	Nodes []*Node
}

// Node is one process and its addresses.
type Node struct {
	Name string
	HTTP string // http://host:port
	Bin  string // the program that Run starts: this tree's, unless a test says otherwise
	Data string // its directory
	raft string
	addr string
	cmd  *exec.Cmd
	done chan struct{}
}

var build, buildStatic = builder(), builder("CGO_ENABLED=0")

// builder builds the command once, in an environment.
func builder(env ...string) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		dir, err := programs()
		if err != nil {
			return "", err
		}
		bin := filepath.Join(dir, "gapless")
		cmd := exec.Command("go", "build", "-o", bin, "github.com/gaplessdb/gapless/cmd/gapless")
		cmd.Env = append(os.Environ(), env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("building gapless: %w\n%s", err, out)
		}
		return bin, nil
	})
}

// Static is Binary without C, as it is released.
func Static(t testing.TB) string {
	t.Helper()
	bin, err := buildStatic()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

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
	c := New(t, Binary(t), size, args)
	c.StartAll()
	return c
}

// New makes a cluster of which no node runs yet: a test may give a node another program, or a directory, before it starts them.
func New(t testing.TB, bin string, size int, args func(node string) []string) *Cluster {
	t.Helper()
	c := &Cluster{t: t, dir: t.TempDir(), args: args}
	for i := range size {
		addrs := freeAddrs(t, 2)
		name := fmt.Sprintf("n%d", i+1)
		c.Nodes = append(c.Nodes, &Node{Name: name, HTTP: "http://" + addrs[0], Bin: bin, Data: filepath.Join(c.dir, name), addr: addrs[0], raft: addrs[1]})
	}
	t.Cleanup(c.stop)
	return c
}

// StartAll runs every node and waits until all are ready.
func (c *Cluster) StartAll() {
	c.t.Helper()
	for _, n := range c.Nodes {
		c.Run(n)
	}
	for _, n := range c.Nodes {
		c.WaitReady(n, 30*time.Second)
	}
}

func freeAddrs(t testing.TB, n int) []string {
	t.Helper()
	addrs, err := ports.Free(n)
	if err != nil {
		t.Fatal(err)
	}
	return addrs
}
