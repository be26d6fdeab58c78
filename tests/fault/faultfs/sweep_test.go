//go:build linux

package faultfs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSweepRemovesMountsOfTheDead(t *testing.T) {
	_, alive := mounted(t, Options{})
	dead := filepath.Join(t.TempDir(), "a name with \\ and spaces")
	must(t, os.Mkdir(dead, 0o755))
	c := start(t, "serve", dead)
	c.line()
	must(t, Sweep())
	if _, err := os.ReadDir(dead); err != nil || !isMounted(t, dead) {
		t.Fatalf("a living process lost its mount: %v", err)
	}
	must(t, c.cmd.Process.Kill()) // and not waited for: a process that nobody has looked after is dead, too
	must(t, unix.Waitid(unix.P_PID, c.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil))
	if !isMounted(t, dead) {
		t.Fatal("the mount went by itself")
	}
	must(t, Sweep())
	if isMounted(t, dead) || !isMounted(t, alive) {
		t.Error("swept the wrong mounts")
	}
	must(t, os.Remove(dead))
}

func isMounted(t *testing.T, dir string) bool {
	t.Helper()
	table, err := os.ReadFile("/proc/self/mountinfo")
	must(t, err)
	for line := range strings.Lines(string(table)) {
		if d, _, ours := parseMount(line); ours && d == dir {
			return true
		}
	}
	return false
}

func TestOnlyOurMountsAreSwept(t *testing.T) {
	self, err := ownerName()
	must(t, err)
	for source, want := range map[string]bool{
		self: true, "faultfs:1:0": false, self + "9": false, "faultfs:4194304:7": false,
		"other:4194304:7": true, "faultfs:x:7": true, "faultfs": true,
	} {
		if lives(source) != want {
			t.Errorf("%q lives: %v, want %v", source, !want, want)
		}
	}
	for _, line := range []string{"", "1 2 3", "22 1 0:21 / /proc rw - proc proc rw", "22 1 0:21 / /x rw - fuse.other faultfs:1:0 rw"} {
		if _, _, ours := parseMount(line); ours {
			t.Errorf("%q is not ours", line)
		}
	}
}
