package main

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
)

var update = flag.Bool("update", false, "write without-root.txt")

// TestListWithoutRoot: without-root.txt names what is skipped without root. CI compares it where there is none, and that may be seldom; so where there is
// root, the tests are run as nobody, which is what a process in a new user namespace is.
func TestListWithoutRoot(t *testing.T) {
	const list = "without-root.txt"
	if testing.Short() {
		t.Skip("SKIP(without-root): -short")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil || os.Getuid() != 0 {
		return // not a skip, because nothing is missing: CI compares the list itself
	}
	text, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	var written, planted []string
	for line := range strings.Lines(string(text)) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "planted/"): // tests/planted holds these
			planted = append(planted, line)
		case !strings.HasPrefix(line, "#"):
			written = append(written, line)
		}
	}
	skipped := skippedByNobody(t, "./tests/fault/...", "./tests/temp")
	skipped = append(skipped, skippedByNobody(t, "./tests/fault", "-args", "-scenarios", "some")...) // as make fault does
	slices.Sort(skipped)
	if slices.Equal(skipped, written) {
		return
	}
	if *update {
		head, _, _ := strings.Cut(string(text), "\n")
		text := strings.Join(slices.Concat([]string{head}, planted, skipped), "\n") + "\n"
		if err := os.WriteFile(list, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s lacks %q and has %q besides: go test ./tests/skips -run %s -args -update", list, without(skipped, written), without(written, skipped), t.Name())
}

// skippedByNobody runs go test without any privilege and returns what it skips.
func skippedByNobody(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"test", "-json", "-count=1"}, args...)...)
	cmd.Dir = "../.."
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	var said, wrong bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &wrong
	err := cmd.Run()
	var r report
	if readErr := r.read(&said, &wrong); readErr != nil {
		t.Fatal(readErr)
	}
	if err != nil || r.failed > 0 || r.passed == 0 {
		t.Fatalf("go test %q as nobody: %d passed, %d failed, %v\n%s", args, r.passed, r.failed, err, &wrong)
	}
	return strings.Fields(string(r.names()))
}

// without is a but for what b has, too.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(name string) bool { return slices.Contains(b, name) })
}
