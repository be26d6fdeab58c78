package temp

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestDirBesideAMount: what a killed process left mounted cannot be removed, and keeps nobody from a directory of his own.
func TestDirBesideAMount(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIP tests/temp: needs root")
	}
	root := t.TempDir()
	t.Setenv("TMPDIR", root)
	dead := exec.Command(os.Args[0], "-test.run=^$")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(root, fmt.Sprintf("gapless-fault-%d-1", dead.Process.Pid))
	if err := os.Mkdir(left, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("none", left, "tmpfs", 0, ""); err != nil {
		t.Skip("SKIP tests/temp: needs to mount: ", err)
	}
	defer syscall.Unmount(left, 0)
	if err := Sweep("fault"); err == nil {
		t.Fatal("a directory with a mount could be removed: this proves nothing")
	}
	if _, err := Dir("fault"); err != nil {
		t.Error(err)
	}
}
