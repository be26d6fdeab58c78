// Command skips runs go test and counts what was skipped, so that a test nobody runs cannot hide behind "ok".
//
//	go run ./tests/skips -list bin/skips.txt -- -timeout 15m ./...
//
// It prints go test's own package lines, the full output of tests that fail, and every skip with its reason; it writes the
// skipped tests' names to the list, sorted; and it exits as go test did. `.ci/run` compares the list with expected.txt beside this file,
// and a without-*.txt for each thing that the clone lacks.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	list := flag.String("list", "", "file that receives the names of skipped tests, one a line")
	flag.Parse()
	code, err := run(*list, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "skips:", err)
		code = 2
	}
	os.Exit(code)
}

// run starts go test -json with args and returns its exit code.
func run(list string, args []string) (int, error) {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	var r report
	readErr := r.read(out, os.Stdout)
	waitErr := cmd.Wait()
	if readErr != nil {
		return 0, readErr
	}
	r.summary(os.Stdout)
	if list != "" {
		if err := errors.Join(os.MkdirAll(filepath.Dir(list), 0o755), os.WriteFile(list, r.names(), 0o644)); err != nil {
			return 0, err
		}
	}
	if waitErr != nil && cmd.ProcessState.ExitCode() < 0 {
		return 0, waitErr
	}
	return cmd.ProcessState.ExitCode(), nil
}

// names returns the skipped tests, one a line, without the reasons: those may name a machine.
func (r *report) names() []byte {
	var b bytes.Buffer
	for _, s := range r.sorted() {
		fmt.Fprintln(&b, strings.TrimPrefix(s.name, modulePrefix))
	}
	return b.Bytes()
}
