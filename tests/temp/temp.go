// Package temp makes directories for programs and data of tests that no test owns. The name says which process made one: when that was
// killed, the next one that looks removes it.
package temp

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Dir makes a directory of a kind, gapless-KIND-PID-..., and removes those of its kind whose process is no more. What cannot be removed, such as what
// is still mounted, stands in nobody's way.
func Dir(kind string) (string, error) {
	_ = Sweep(kind)
	return os.MkdirTemp("", fmt.Sprintf("gapless-%s-%d-", kind, os.Getpid()))
}

// Sweep removes the directories of a kind whose process is no more.
func Sweep(kind string) error {
	list, err := filepath.Glob(filepath.Join(os.TempDir(), "gapless-"+kind+"-*-*"))
	for _, dir := range list {
		if pid, ok := owner(filepath.Base(dir), kind); ok && gone(pid) {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}
	return err
}

// owner is the process in the name of a directory.
func owner(name, kind string) (pid int, ok bool) {
	rest, ok := strings.CutPrefix(name, "gapless-"+kind+"-")
	number, _, whole := strings.Cut(rest, "-")
	pid, err := strconv.Atoi(number)
	return pid, ok && whole && err == nil && pid > 0
}
