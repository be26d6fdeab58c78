package demo

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The test binary stands in for the program: as a node that is ready and does nothing else, or as a demo that stays.
const (
	roleVariable = "DEMO_TEST_ROLE"
	roleNode     = "node"
	roleMute     = "mute" // a node that ends at once
	roleDemo     = "demo"
)

func TestMain(m *testing.M) {
	switch role := os.Getenv(roleVariable); role {
	case roleNode, roleMute:
		if len(os.Args) > 1 && os.Args[1] == "serve" {
			fakeNode(role)
		}
	case roleDemo:
		os.Setenv(roleVariable, roleNode)
		p, err := otherPorts()
		if err != nil {
			panic(err)
		}
		os.Exit(Run(context.Background(), Options{Dir: os.Args[1], Stay: true, HTTPPort: p.HTTP[0], ClusterPort: p.Cluster[0]}))
	}
	os.Exit(m.Run())
}

func fakeNode(role string) {
	fs := flag.NewFlagSet("serve", flag.ExitOnError)
	node, address := fs.String("node", "", ""), fs.String("http", "", "")
	for _, name := range []string{"cluster", "data", "listen", "peer", "fence-after", "log-keep-bytes"} {
		fs.String(name, "", "")
	}
	fs.Parse(os.Args[2:])
	fmt.Fprintln(os.Stderr, *node, "says hello")
	if role == roleMute {
		os.Exit(70)
	}
	http.HandleFunc("/readyz", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/v1/cluster", func(w http.ResponseWriter, _ *http.Request) {
		state := map[bool]string{true: "Leader", false: "Follower"}[*node == "n2"]
		fmt.Fprintf(w, `{"state":%q}`, state)
	})
	err := http.ListenAndServe(*address, nil)
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// screen collects output and tells when a text has appeared.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *screen) waitFor(t *testing.T, text string) {
	t.Helper()
	err := until(t.Context(), time.Minute, func() (bool, error) {
		return strings.Contains(s.String(), text), fmt.Errorf("no %q in:\n%s", text, s)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// reachable reports whether something listens at a port.
func reachable(port int) bool {
	c, err := net.DialTimeout("tcp", loopback(port), time.Second)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// markedPorts reads the ports that a demo chose.
func markedPorts(t *testing.T, dir string) ports {
	t.Helper()
	d := &directory{path: dir}
	if err := d.recognise(); err != nil || d.earlier == nil {
		t.Fatalf("no marker in %s: %v", dir, err)
	}
	return d.earlier.Ports
}

// TestStay leaves a cluster up, prints its doors, and stops it; the next start has the same ports and data.
func TestStay(t *testing.T) {
	t.Setenv(roleVariable, roleNode)
	dir := filepath.Join(t.TempDir(), "demo")
	var before ports
	http, cluster := freePorts(t)
	for round := range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		var out screen
		code := make(chan int)
		go func() {
			code <- Run(ctx, Options{Dir: dir, Out: &out, Stay: true, HTTPPort: http + round, ClusterPort: cluster})
		}()
		out.waitFor(t, "Ctrl-C stops it")
		p := markedPorts(t, dir)
		for i, name := range nodeNames {
			if !reachable(p.HTTP[i]) || !strings.Contains(out.String(), name+"  http://"+loopback(p.HTTP[i])) {
				t.Errorf("%s is not at %d, or not named", name, p.HTTP[i])
			}
		}
		for _, door := range []string{"/v1/frames", "/heartbeat", "/seal", "/declare-lost", "/v1/gaps", "/coverage", "/v1/latest", "/v1/ledger", "/v1/cluster", "/metrics"} {
			if !strings.Contains(out.String(), door) {
				t.Errorf("no curl line for %s", door)
			}
		}
		if round == 1 && p.HTTP[0] != before.HTTP[0] {
			t.Errorf("ports moved from %v to %v although the data stayed", before, p)
		}
		before = p
		cancel()
		if c := <-code; c != ExitExact {
			t.Errorf("exit code %d:\n%s", c, out.String())
		}
		for _, port := range p.HTTP {
			if reachable(port) {
				t.Errorf("a node is left at port %d", port)
			}
		}
	}
}

// TestNodeThatEnds: a demo whose nodes do not live says why, with their last words.
func TestNodeThatEnds(t *testing.T) {
	t.Setenv(roleVariable, roleMute)
	var out screen
	http, cluster := freePorts(t)
	code := Run(t.Context(), Options{Dir: filepath.Join(t.TempDir(), "demo"), Out: &out, HTTPPort: http, ClusterPort: cluster})
	if code != ExitFailed || !strings.Contains(out.String(), "n1 ended (exit status 70)") || !strings.Contains(out.String(), "n1 says hello") {
		t.Errorf("exit code %d:\n%s", code, out.String())
	}
}

// TestKillAndRestart kills the leader and brings it back at the same address.
func TestKillAndRestart(t *testing.T) {
	t.Setenv(roleVariable, roleNode)
	d, err := openDirectory(filepath.Join(t.TempDir(), "demo"), true)
	if err != nil {
		t.Fatal(err)
	}
	defer d.lock.Close()
	p, err := otherPorts()
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := newCluster(&Options{Binary: binary}, d, p)
	defer func() {
		if err := c.stop(); err != nil {
			t.Error(err)
		}
	}()
	if err := c.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	n, err := c.leader(t.Context())
	if err != nil || n.name != "n2" {
		t.Fatalf("leader %v, %v", n, err)
	}
	if err := n.kill(); err != nil {
		t.Fatal(err)
	}
	if n.exit() == nil || reachable(p.HTTP[1]) {
		t.Error("n2 lives")
	}
	if err := n.start(); err != nil {
		t.Fatal(err)
	}
	if err := c.waitReady(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestNoOrphans kills the demo itself: its nodes must go with it.
func TestNoOrphans(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends processes with their parent")
	}
	dir := filepath.Join(t.TempDir(), "demo")
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out screen
	cmd := exec.Command(binary, dir)
	cmd.Env = append(os.Environ(), roleVariable+"="+roleDemo)
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out.waitFor(t, "Ctrl-C stops it")
	p := markedPorts(t, dir)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.WaitDelay = time.Second
	_ = cmd.Wait() // killed
	for _, port := range p.HTTP {
		err := until(t.Context(), 30*time.Second, func() (bool, error) {
			return !reachable(port), fmt.Errorf("a node is left at port %s", strconv.Itoa(port))
		})
		if err != nil {
			t.Error(err)
		}
	}
}
