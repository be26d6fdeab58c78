//go:build linux

package gapless

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// fewFilesEnv makes this test program a node in a process of its own, on the directory that it names.
const fewFilesEnv = "GAPLESS_TEST_FEW_FILES"

// fewFiles is a low limit for a cluster of one.
const fewFiles = 136

// TestFewFiles: many more clients than there are descriptors connect to a node and stay, and it stores, flushes, seals and answers all the same.
func TestFewFiles(t *testing.T) {
	if dir := os.Getenv(fewFilesEnv); dir != "" {
		beNodeWithFewFiles(t, dir)
		return
	}
	node := exec.Command(os.Args[0], "-test.run=^TestFewFiles$")
	node.Env = append(os.Environ(), fewFilesEnv+"="+t.TempDir())
	end, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	node.Stderr = &log
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	addr, err := lines.ReadString('\n')
	if addr = strings.TrimSpace(addr); err == nil {
		err = crowdOf(3*fewFiles, addr, node.Process.Pid)
	}
	if err != nil {
		t.Error(err)
	}
	end.Close()
	io.Copy(io.Discard, lines)
	if err := node.Wait(); err != nil {
		t.Errorf("the node ended with %v", err)
	}
	if strings.Contains(log.String(), syscall.EMFILE.Error()) || !strings.Contains(log.String(), "HTTP connections wait") {
		t.Errorf("the node met its limit, or did not hold anybody back: %s", &log)
	}
}

// beNodeWithFewFiles runs a node until standard input ends.
func beNodeWithFewFiles(t *testing.T, dir string) {
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: fewFiles, Max: fewFiles}); err != nil {
		t.Fatal(err)
	}
	n, err := Open(Config{
		Node: "n1", Data: dir, HTTP: "127.0.0.1:0", Listen: "127.0.0.1:0", Advertise: "127.0.0.1:1", LogFileBytes: 64 << 10, LogKeepBytes: 64 << 10,
		FenceAfter: 10 * time.Second, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { status, _ := get(t, n, "/readyz"); return status == http.StatusOK }, func() string { return "not ready" })
	http.DefaultClient.CloseIdleConnections()
	fmt.Println(n.HTTPAddr())
	io.Copy(io.Discard, os.Stdin)
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

// crowdOf opens connections, sends frames on each, and keeps all open to the end.
func crowdOf(size int, addr string, pid int) error {
	for _, i := range []int{tracedFrame, 16} { // a seal is there, for traces with proofs
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		if err := errors.Join(sendFrames(conn, i), conn.Close()); err != nil {
			return err
		}
	}
	var all sync.WaitGroup
	stay, problems := make(chan struct{}), make(chan error, size+2)
	done := make(chan error, size)
	for i := range size {
		all.Go(func() {
			conn, err := net.Dial("tcp", addr)
			if err == nil {
				defer conn.Close()
				err = sendFrames(conn, i)
			}
			done <- err
			<-stay
		})
	}
	for range size {
		if err := <-done; err != nil {
			problems <- err
		}
	}
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid)) // while all are here
	if err != nil || len(open) >= fewFiles {
		problems <- fmt.Errorf("%d descriptors are open: %v", len(open), err)
	}
	close(stay)
	all.Wait()
	close(problems)
	return <-problems
}

// tracedFrame is the device whose frame is traced.
const tracedFrame = 1

// sendFrames sends one request on a connection; now and then it is one for a segment, for a seal, or for a frame with its proof.
func sendFrames(conn net.Conn, i int) error {
	body := fmt.Sprintf(`{"device":"d%d","seq":1,"first":0,"fields":{"pad":"%0600d"}}`, i, i)
	method, path, want := "POST", "/v1/frames", ""
	switch i % 32 {
	case 0:
		path, body = "/v1/cluster/flush", ""
	case 16:
		path, body = "/v1/proof/seal", ""
	case 4, 12, 20, 28:
		method, path, body, want = "GET", fmt.Sprintf("/v1/trace/d%d/1/1", tracedFrame), "", `"checkpoint":`
	}
	conn.SetDeadline(time.Now().Add(time.Minute))
	const request = "%s %s HTTP/1.1\r\nHost: n\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n%s"
	if _, err := fmt.Fprintf(conn, request, method, path, len(body), body); err != nil {
		return fmt.Errorf("client %d: %w", i, err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return fmt.Errorf("client %d: %w", i, err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	busy := strings.Contains(string(answer), "flush_under_way") || want != "" && resp.StatusCode == http.StatusTooManyRequests
	if resp.StatusCode != http.StatusOK && !busy || resp.StatusCode == http.StatusOK && !strings.Contains(string(answer), want) {
		return fmt.Errorf("client %d: %s: %s", i, resp.Status, answer)
	}
	return nil
}
