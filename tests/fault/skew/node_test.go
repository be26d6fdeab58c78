//go:build linux

package skew

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/cluster"
	"github.com/gaplessdb/gapless/tests/fault/host"
	"github.com/gaplessdb/gapless/tests/ports"
)

// node is the address of a gapless process with a clock of its own.
type node struct {
	t    *testing.T
	http string
	*Clock
}

// gapless is the program as it is released: without libc.
func gapless(t *testing.T) string {
	t.Setenv("CGO_ENABLED", "0")
	return cluster.Binary(t)
}

// serveArgs are the arguments of a cluster of one.
func serveArgs(t *testing.T, http, listen string) []string {
	return []string{"serve", "--node", "n1", "--cluster", "test", "--data", filepath.Join(t.TempDir(), "data"), "--http", http, "--listen", listen,
		"--fence-after", "10s", "--insecure"}
}

func (n *node) ready() bool { return cluster.GetJSON(n.http+"/readyz", new(any)) == nil }

// ahead is how far the cluster's clock is from ours.
func (n *node) ahead() time.Duration {
	n.t.Helper()
	var answer struct {
		Clock struct {
			Now int64 `json:"now_ms"`
		} `json:"clock"`
	}
	if err := cluster.GetJSON(n.http+"/v1/cluster", &answer); err != nil {
		n.t.Fatal(err)
	}
	return time.Until(time.UnixMilli(answer.Clock.Now))
}

// story makes the clock jump and expects the cluster's to follow, forward only, while the node stores frames.
func (n *node) story() {
	n.t.Helper()
	cluster.Eventually(n.t, 30*time.Second, n.ready, func() string { return "the node is not ready" })
	var seq int
	write := func() {
		n.t.Helper()
		seq++
		status, answer, err := cluster.Post(n.http+"/v1/frames", "application/json", fmt.Sprintf(`{"device":"d1","seq":%d,"fields":{"temp":1}}`, seq))
		if err != nil || status != 200 {
			n.t.Fatalf("frame %d: %d %s, %v", seq, status, answer, err)
		}
	}
	near := func(want time.Duration) func() bool {
		return func() bool { return n.ahead().Round(time.Minute) == want }
	}
	says := func() string { return "the cluster's clock is ahead by " + n.ahead().String() }
	write()
	cluster.Eventually(n.t, 10*time.Second, near(0), says)
	n.Set(time.Hour)
	cluster.Eventually(n.t, 10*time.Second, near(time.Hour), says)
	write()
	n.Set(-300 * time.Second)
	reads := n.Reads()
	cluster.Eventually(n.t, 10*time.Second, func() bool { return n.Reads() > reads+20 }, func() string { return "the node does not read its clock" })
	write()
	if !near(time.Hour)() {
		n.t.Error("back in time:", says())
	}
	defer strobe(n.Clock, 2*time.Hour, 100*time.Millisecond)()
	for range 20 {
		write()
	}
	if !n.ready() {
		n.t.Error("not ready any more")
	}
}

func TestNode(t *testing.T) {
	needs(t)
	addrs, err := ports.Free(2)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, http: "http://" + addrs[0]}
	clock, cmd := Wrap(exec.Command(gapless(t), serveArgs(t, addrs[0], addrs[1])...))
	n.Clock = clock
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := clock.Close(); err != nil {
			t.Error(err)
		}
		cmd.Wait()
		if t.Failed() {
			t.Logf("its log:\n%s", log.Bytes())
		}
	}()
	n.story()
}

// A node with all that a machine of its own has: links, limits and a clock.
func TestNodeOnAHost(t *testing.T) {
	needs(t)
	if err := host.Check(); err != nil {
		t.Skipf("SKIP host: %v", err)
	}
	w, err := host.NewWorld([]string{"n1"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}()
	h := w.Host("n1")
	n := &node{t: t, http: "http://" + h.ClientAddr() + ":8080"}
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c := host.Command{
		Path: gapless(t), Args: serveArgs(t, h.ClientAddr()+":8080", h.PeerAddr()+":8081"), Log: log,
		Limits: host.Limits{OpenFiles: 512},
		Wrap:   func(cmd *exec.Cmd) *exec.Cmd { n.Clock, cmd = Wrap(cmd); return cmd },
	}
	if host.CheckLimits() == nil {
		c.Limits.MemoryBytes = 1 << 30
	}
	p, err := h.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if t.Failed() {
			b, _ := os.ReadFile(log.Name())
			t.Logf("its log:\n%s", b)
		}
	}()
	n.story()
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil || p.Exit() != "signal: killed" {
		t.Errorf("%v, %q", err, p.Exit())
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}
