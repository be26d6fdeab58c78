// Package node runs the program, built from this repository, for writers that are not ours, and reads back what it stored.
package node

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
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

// Node is a running process with one token, which may read, write and see balances.
type Node struct {
	URL, Token string

	t       testing.TB
	program string
	args    []string
	process *exec.Cmd
	ended   chan struct{}
}

// build makes the program once, in the main module: this one shares no dependency with it.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "gapless-clients-")
	if err != nil {
		return "", err
	}
	root, err := repository()
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "gapless")
	cmd := exec.Command("go", "build", "-o", program, "./cmd/gapless")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("node: go build in %s: %w\n%s", root, err, out)
	}
	return program, nil
})

// repository finds the folder of the main module above the test's.
func repository() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && strings.HasPrefix(string(text), "module github.com/gaplessdb/gapless\n") {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", fmt.Errorf("node: no go.mod of the main module above the working directory")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}

// Remove deletes the program. Call it when the tests of a package are through.
func Remove() {
	if program, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(program))
	}
}

// Start runs a node of its own for a test, with further flags of `gapless serve`, and ends it with the test.
func Start(t testing.TB, flags ...string) *Node {
	t.Helper()
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	tokens := filepath.Join(dir, "tokens")
	token, err := exec.Command(program, "ctl", "token", "new", "--id", "client", "--scope", "read,write,admin", "--append", tokens).Output()
	if err != nil {
		t.Fatalf("ctl token new: %v", err)
	}
	n := &Node{t: t, program: program, Token: strings.TrimSpace(string(token)), args: append([]string{"serve", "--node", "n1", "--cluster", "clients",
		"--data", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0", "--token-file", tokens, "--fence-after", "10s", "--log-format", "json"}, flags...)}
	n.run("127.0.0.1:0")
	t.Cleanup(n.Stop)
	return n
}

// run starts the process and waits until it takes frames.
func (n *Node) run(address string) {
	n.t.Helper()
	n.process = exec.Command(n.program, append(n.args, "--http", address)...)
	log, err := n.process.StderrPipe()
	if err == nil {
		err = n.process.Start()
	}
	if err != nil {
		n.t.Fatal(err)
	}
	said := make(chan string, 1)
	n.ended = make(chan struct{})
	go n.follow(log, said)
	select {
	case address = <-said:
	case <-n.ended:
		n.t.Fatal("the node ended before it served")
	case <-time.After(30 * time.Second):
		n.t.Fatal("the node said no address")
	}
	n.URL = "http://" + address
	deadline := time.Now().Add(30 * time.Second)
	for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
		if status, _ := n.get("/readyz"); status == http.StatusOK {
			tick.Stop()
			return
		}
		if time.Now().After(deadline) {
			n.t.Fatal("the node does not become ready")
		}
	}
}

// follow reads the node's log: the address it serves at, and what it complains of.
func (n *Node) follow(log io.Reader, said chan<- string) {
	defer close(n.ended)
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		var line struct{ Level, Msg, HTTP string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Level == "ERROR" {
			n.t.Logf("node: %s", lines.Bytes())
		}
		if line.Msg == "serving" {
			said <- line.HTTP
		}
	}
}

// Stop ends the process in order. It may be called twice.
func (n *Node) Stop() {
	if n.process == nil {
		return
	}
	_ = n.process.Process.Signal(syscall.SIGTERM) // it may have ended
	<-n.ended
	if err := n.process.Wait(); err != nil {
		n.t.Errorf("the node ended with %v", err)
	}
	n.process = nil
}

// Restart runs a stopped node again, at the address it had and with what it stored.
func (n *Node) Restart() {
	n.t.Helper()
	n.run(strings.TrimPrefix(n.URL, "http://"))
}

func (n *Node) get(path string) (status int, body []byte) {
	n.t.Helper()
	req, err := http.NewRequest(http.MethodGet, n.URL+path, nil)
	if err != nil {
		n.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+n.Token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil {
		n.t.Fatal(err)
	}
	return resp.StatusCode, body
}
