//go:build linux

package host

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func itoa(n int) string { return strconv.Itoa(n) }

// ownerEnv makes this test program one that owns a world and is killed.
const ownerEnv = "GAPLESS_TEST_HOST_OWNER"

// beOwner makes a world with a process in it, says so, and waits for its end.
func beOwner() {
	w, err := NewWorld([]string{"n1", "n2"})
	if err == nil {
		limits := Limits{}
		if CheckLimits() == nil {
			limits = Limits{MemoryBytes: 64 << 20}
		}
		var p *Process
		if p, err = w.Host("n1").Start(Command{Path: "sleep", Args: []string{"1000"}, Limits: limits}); err == nil {
			fmt.Println(w.tag, w.links, p.Pid())
			select {}
		}
	}
	fmt.Println("error:", err)
	os.Exit(1)
}

// left lists what is on the machine under names that begin with tag or links.
func left(t *testing.T, tag, links string) (all []string) {
	t.Helper()
	for _, pattern := range []string{
		namespaces + "/" + tag + "*", "/sys/class/net/" + links + "*", "/sys/fs/cgroup/" + tag + "*", "/sys/fs/cgroup/*/" + tag + "*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	return all
}

func TestNextWorldCleansUpAfterAKilledOwner(t *testing.T) {
	alive := newWorld(t, "n1")
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), ownerEnv+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var tag, links string
	var pid int
	line, err := bufio.NewReader(out).ReadString('\n')
	if n, _ := fmt.Sscan(line, &tag, &links, &pid); err != nil || n != 3 || tag == "error:" {
		t.Fatalf("the owner says %q, %v", line, err)
	}
	if got := left(t, tag, links); len(got) < 5 {
		t.Fatalf("the owner has only %v", got)
	}
	cmd.Process.Kill()
	cmd.Wait()
	eventually(t, "the kernel kills its process", func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH || zombie(pid) })
	if got := left(t, tag, links); len(got) == 0 {
		t.Fatal("nothing is left, so that this test shows nothing")
	}

	next := newWorld(t, "n1")
	if got := left(t, tag, links); len(got) != 0 {
		t.Errorf("the next world leaves %v", got)
	}
	if len(left(t, alive.tag, alive.links)) != 3 {
		t.Errorf("the next world took from one whose owner lives: it has %v", left(t, alive.tag, alive.links))
	}
	if alive.Host("n1").ClientAddr() == next.Host("n1").ClientAddr() {
		t.Errorf("two worlds have the address %s", next.Host("n1").ClientAddr())
	}
}

func zombie(pid int) bool {
	b, err := os.ReadFile("/proc/" + itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(b), ") Z ")
}

func TestCloseLeavesNothing(t *testing.T) {
	w := newWorld(t, "n1", "n2")
	limits := Limits{}
	if CheckLimits() == nil {
		limits = Limits{MemoryBytes: 64 << 20}
	}
	var ended []<-chan struct{}
	var children []string
	for _, c := range []Command{{Limits: limits}, {}} {
		out, in, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		c.Path, c.Args, c.Log = "sh", []string{"-c", "sleep 1000 & echo $!; wait"}, in
		p, err := w.Host("n1").Start(c)
		in.Close()
		if err != nil {
			t.Fatal(err)
		}
		child, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		ended, children = append(ended, p.Exited()), append(children, strings.TrimSpace(child))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := left(t, w.tag, w.links); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
	for i, child := range children {
		<-ended[i]
		pid, err := strconv.Atoi(child)
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "what a process of the world started ends too", func() bool { return syscall.Kill(pid, 0) == syscall.ESRCH || zombie(pid) })
	}
	if err := w.Close(); err != nil {
		t.Errorf("the second time: %v", err)
	}
}

func TestOwnerOf(t *testing.T) {
	me, err := self()
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := ownerOf(me.String() + "1-n1"); !ok || got != me || !got.alive() {
		t.Errorf("%v, %v, from a name of %v", got, ok, me)
	}
	if (owner{me.pid, me.start + 1}).alive() {
		t.Error("a process that has the number of a dead one counts as that one")
	}
	for _, name := range []string{"", "other-1-2-3", prefix, prefix + "1-2", prefix + "x-2-3", prefix + "1-x-3"} {
		if o, ok := ownerOf(name); ok {
			t.Errorf("%q is of %v", name, o)
		}
	}
}

func TestNamesAreChecked(t *testing.T) {
	if err := Check(); err != nil {
		t.Skipf("SKIP host: %v", err)
	}
	for _, names := range [][]string{{""}, {"a b"}, {"n1", "n1"}, {"N1"}, {wireName}, strings.Split(strings.Repeat("n,", 15)+"n", ",")} {
		if w, err := NewWorld(names); err == nil {
			w.Close()
			t.Errorf("%q is taken", names)
		}
	}
}
