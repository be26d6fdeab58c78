//go:build linux

package skew

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// supervisorOf returns the supervisor of a subject that has answered: so it has one.
func supervisorOf(s *subject) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.supervisor.Pid
}

// alive tells whether a process runs; one that nobody has waited for does not.
func alive(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(b), ") Z ")
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("not so after 20 s:", what)
		}
	}
}

func TestKilledWhileItReads(t *testing.T) {
	for range 20 {
		s := start(t, helper())
		s.ask("spin")
		supervisor, reads := supervisorOf(s), s.Reads()
		eventually(t, "it reads", func() bool { return s.Reads() > reads+100 })
		s.cmd.Process.Kill()
		if err := s.cmd.Wait(); err == nil || err.Error() != "signal: killed" {
			t.Fatalf("it ended with %v", err)
		}
		eventually(t, "its supervisor ends", func() bool { return !alive(supervisor) })
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEndsByItself(t *testing.T) {
	s := start(t, helper())
	s.ask("now")
	s.in.Close()
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	<-s.done
	reads := s.Reads()
	if err := s.Close(); err != nil || reads == 0 || s.Reads() != reads {
		t.Errorf("%v; %d reads, after Close %d", err, reads, s.Reads())
	}
	s.Set(time.Hour) // has nobody to show it to
}

func TestProcessEndsWithItsSupervisor(t *testing.T) {
	for _, signal := range []string{"", "stopped"} {
		s := start(t, helper())
		s.ask("spin")
		if signal != "" {
			s.cmd.Process.Signal(syscall.SIGSTOP)
		}
		syscall.Kill(supervisorOf(s), syscall.SIGKILL)
		if err := s.cmd.Wait(); err == nil || err.Error() != "signal: killed" {
			t.Fatalf("it ended with %v", err)
		}
		if err := s.Close(); err == nil || !strings.Contains(err.Error(),
			"supervisor of process "+strconv.Itoa(s.cmd.Process.Pid)+": signal: killed") {
			t.Errorf("the clock says %v", err)
		}
	}
}

// Between the end of the supervisor and that of the process, which is held up here by the lock, a read waits.
func TestNobodySeesAClockThatFailed(t *testing.T) {
	s := start(t, helper())
	s.ask("now")
	supervisor := supervisorOf(s)
	s.mu.Lock()
	syscall.Kill(supervisor, syscall.SIGKILL)
	eventually(t, "the supervisor ends", func() bool { return !alive(supervisor) })
	fmt.Fprintln(s.in, "now")
	s.pipe.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	line, err := s.out.ReadString('\n')
	if !errors.Is(err, os.ErrDeadlineExceeded) || !alive(s.cmd.Process.Pid) {
		t.Errorf("without supervisor it read %q, %v", line, err)
	}
	s.mu.Unlock()
	s.pipe.SetReadDeadline(time.Time{})
	if line, err := s.out.ReadString('\n'); err != io.EOF {
		t.Errorf("at its end it had read %q, %v", line, err)
	}
}

func TestCloseEndsTheProcess(t *testing.T) {
	s := start(t, helper())
	s.ask("spin")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if alive(s.cmd.Process.Pid) {
		t.Error("the process lives on")
	}
	if err := s.Close(); err != nil {
		t.Error("the second time:", err)
	}
}

func TestCommandsThatDoNotStart(t *testing.T) {
	needs(t)
	c, cmd := Wrap(exec.Command("no-such-program"))
	if err := cmd.Start(); err == nil || !strings.Contains(err.Error(), "not found") {
		t.Errorf("no such program: %v", err)
	}
	c.Set(time.Hour)
	if err := c.Close(); err != nil || c.Reads() != 0 {
		t.Error(err)
	}

	c, _ = Wrap(helper())
	if err := c.Close(); err != nil {
		t.Errorf("never started: %v", err)
	}

	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("not a program"), 0o755); err != nil {
		t.Fatal(err)
	}
	c, cmd = Wrap(exec.Command(text))
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "exec format error") {
		t.Errorf("not a program: %v, %q", err, out)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// ownerEnv makes this test program one that has a process with a clock, and is killed.
const ownerEnv = "GAPLESS_TEST_SKEW_OWNER"

func beOwner() {
	c, cmd := Wrap(helper())
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Fprintln(in, "spin")
	for {
		c.mu.Lock()
		supervisor := c.supervisor
		c.mu.Unlock()
		if supervisor != nil && c.Reads() > 0 {
			fmt.Println(cmd.Process.Pid, supervisor.Pid)
			select {}
		}
		time.Sleep(time.Millisecond)
	}
}

func TestBothEndWithTheController(t *testing.T) {
	needs(t)
	owner := exec.Command("/proc/self/exe")
	owner.Env = append(os.Environ(), ownerEnv+"=1")
	owner.Stderr = os.Stderr
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	var process, supervisor int
	if n, _ := fmt.Sscan(line, &process, &supervisor); n != 2 || !alive(process) || !alive(supervisor) {
		t.Fatalf("the owner says %q, %v", line, err)
	}
	owner.Process.Kill()
	owner.Wait()
	eventually(t, "both end", func() bool { return !alive(process) && !alive(supervisor) })
}
