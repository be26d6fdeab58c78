package cluster

import (
	"errors"
	"os"
	"sync"
	"testing"

	"github.com/gaplessdb/gapless/tests/temp"
)

// built is where this process keeps what it built.
var built struct {
	sync.Mutex
	dirs []string
}

// programs makes a directory for a program, which Clean removes, or, where that was never called, the next process that makes one.
func programs() (string, error) {
	dir, err := temp.Dir("bin")
	if err != nil {
		return "", err
	}
	built.Lock()
	defer built.Unlock()
	built.dirs = append(built.dirs, dir)
	return dir, nil
}

// Clean removes every program that this process built.
func Clean() (err error) {
	built.Lock()
	defer built.Unlock()
	for _, dir := range built.dirs {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	built.dirs = nil
	return err
}

// Main is a TestMain that leaves no program behind; it returns what to exit with.
func Main(m *testing.M) int {
	code := m.Run()
	if err := Clean(); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		return max(code, 1)
	}
	return code
}
