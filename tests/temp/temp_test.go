//go:build unix

package temp

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// TestDir: a directory names its process, and takes away what a killed one left, and nothing else.
func TestDir(t *testing.T) {
	root := t.TempDir()
	t.Setenv("TMPDIR", root)
	dead := exec.Command(os.Args[0], "-test.run=^$")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	left := fmt.Sprintf("gapless-bin-%d-7", dead.Process.Pid)
	kept := []string{
		fmt.Sprintf("gapless-bin-%d-8", os.Getppid()), fmt.Sprintf("gapless-fault-%d-9", dead.Process.Pid), "gapless-bin-123456789",
		"gapless-bin-x-1",
	}
	for _, name := range append(slices.Clone(kept), left) {
		if err := os.MkdirAll(filepath.Join(root, name, "below"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := Dir("bin")
	if err != nil {
		t.Fatal(err)
	}
	if pid, ok := owner(filepath.Base(dir), "bin"); !ok || pid != os.Getpid() {
		t.Errorf("%s names %d", dir, pid)
	}
	if _, err := os.Stat(filepath.Join(root, left)); !os.IsNotExist(err) {
		t.Errorf("%s of a dead process: %v", left, err)
	}
	for _, name := range kept {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Error(err)
		}
	}
}
