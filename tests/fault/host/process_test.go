//go:build linux

package host

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestStopAndCont(t *testing.T) {
	w := newWorld(t, "n1")
	a := startHelper(t, w.Host("n1"), Limits{})
	for range 3 {
		if err := a.process.Stop(); err != nil {
			t.Fatal(err)
		}
		if got := states(t, a.process.Pid()); strings.Trim(got, "T") != "" {
			t.Errorf("threads are in states %q; want T for each", got)
		}
		a.control.Write([]byte("received\n"))
		a.control.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if b, err := a.answers.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("it answers while it stands still: %q, %v", b, err)
		}
		if err := a.process.Cont(); err != nil {
			t.Fatal(err)
		}
		a.control.SetReadDeadline(time.Now().Add(5 * time.Second))
		if answer, err := a.answers.ReadString('\n'); answer != "0\n" || err != nil {
			t.Fatalf("after SIGCONT: %q, %v", answer, err)
		}
	}
	if err := a.process.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := a.process.Kill(); err != nil || a.process.Exit() != "signal: killed" || a.process.ExitCode() != -1 {
		t.Errorf("killed while it stood still: %v, %q, %d", err, a.process.Exit(), a.process.ExitCode())
	}
	if err := a.process.Stop(); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("stopped when it had ended: %v", err)
	}
}

// states has a letter for each thread.
func states(t *testing.T, pid int) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("/proc", itoa(pid), "task/*/stat"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d has threads %v, %v", pid, files, err)
	}
	var all strings.Builder
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil {
			all.WriteByte(b[bytes.LastIndexByte(b, ')')+2])
		}
	}
	return all.String()
}

func TestExitCodeAndLog(t *testing.T) {
	w := newWorld(t, "n1")
	h := w.Host("n1")
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for range 2 {
		p, err := h.Start(Command{Path: "sh", Args: []string{"-c", "pwd; echo $WORD >&2; exit 3"}, Env: []string{"WORD=hello"}, Dir: "/", Log: log})
		if err != nil {
			t.Fatal(err)
		}
		<-p.Exited()
		if p.ExitCode() != 3 || p.Exit() != "exit status 3" {
			t.Errorf("%d, %q", p.ExitCode(), p.Exit())
		}
	}
	if b, err := os.ReadFile(log.Name()); string(b) != "/\nhello\n/\nhello\n" {
		t.Errorf("the log: %q, %v", b, err)
	}
	var said bytes.Buffer
	p, err := h.Start(Command{Path: "sh", Args: []string{"-c", "echo hello; kill -TERM $$"}, Log: &said})
	if err != nil {
		t.Fatal(err)
	}
	<-p.Exited()
	if said.String() != "hello\n" || p.Exit() != "signal: terminated" {
		t.Errorf("%q, %q", said.String(), p.Exit())
	}
	if err := p.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("a signal to a process that has ended: %v", err)
	}
}

func TestStartSaysWhyNot(t *testing.T) {
	w := newWorld(t, "n1")
	h := w.Host("n1")
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("not a program"), 0o755); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]Command{
		"executable file not found": {Path: "no-such-program"},
		"exec format error":         {Path: text},
	} {
		if _, err := h.Start(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v; want %q", c, err, want)
		}
	}
}

func TestOpenFilesLimit(t *testing.T) {
	w := newWorld(t, "n1")
	// One that the controller has from elsewhere, not closed at exec. It must not reach the process.
	if err := unix.Dup3(2, 200, 0); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(200)
	a := startHelper(t, w.Host("n1"), Limits{OpenFiles: 64})
	if open, limit, err := a.process.Descriptors(); err != nil || limit != 64 || open >= 64 {
		t.Fatalf("before: %d open, limit %d, %v", open, limit, err)
	}
	if got, err := a.ask("files"); err != nil || got == "" || strings.HasPrefix(got, "error") {
		t.Fatalf("%q, %v", got, err)
	}
	if open, limit, err := a.process.Descriptors(); err != nil || limit != 64 || open != 64 {
		t.Errorf("used up: %d open, limit %d, %v", open, limit, err)
	}
}

func TestMemoryLimit(t *testing.T) {
	w := newWorld(t, "n1")
	if err := CheckLimits(); err != nil {
		t.Skipf("SKIP host/limits: %v", err)
	}
	a := startHelper(t, w.Host("n1"), Limits{MemoryBytes: 64 << 20})
	a.want("ok", "memory", "10")
	if got := a.process.OOMKills(); got != 0 {
		t.Errorf("%d kills before the limit", got)
	}
	if got := a.process.MemoryMet(); got != 0 {
		t.Errorf("the limit was met %d times with 10 of 64 MiB", got)
	}
	if got, err := a.ask("memory", "200"); err == nil {
		t.Errorf("200 MiB within a limit of 64: %q", got)
	}
	<-a.process.Exited()
	if a.process.MemoryMet() == 0 {
		t.Error("the limit was not met by a process that was killed for it")
	}
	if a.process.OOMKills() != 1 || a.process.Exit() != "signal: killed" {
		t.Errorf("%d kills for memory, ended by %q", a.process.OOMKills(), a.process.Exit())
	}
}
