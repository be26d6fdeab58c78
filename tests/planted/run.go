package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// runner builds and runs tests of the module in root.
type runner struct {
	root string
	temp string // for test binaries
}

// outcome is what came of one run of a test binary.
type outcome struct {
	output string
	code   int // exit code: 0 passed, 1 failed, anything else is no verdict
	took   time.Duration
}

// vet checks all twins together with the code around them.
func (r *runner) vet(ctx context.Context, twins []twin) error {
	args := []string{"vet", "-tags", strings.Join(tagsOf(twins), ",")}
	for _, t := range twins {
		args = append(args, "./"+filepath.ToSlash(t.dir()))
	}
	return r.goTool(ctx, args...)
}

// build compiles the tests of a package and returns the binary. tag may be "".
func (r *runner) build(ctx context.Context, pkg, tag string) (string, error) {
	binary := filepath.Join(r.temp, strings.ReplaceAll(pkg, "/", "_")+tag+".test")
	args := []string{"test", "-c", "-o", binary}
	if tag != "" {
		args = append(args, "-tags", tag)
	}
	return binary, r.goTool(ctx, append(args, pkg)...)
}

func (r *runner) goTool(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = r.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// test runs a test binary where go test would run it. One that takes longer than it may panics. What the test builds itself has the bug, too.
func (r *runner) test(ctx context.Context, binary string, b *bug) (outcome, error) {
	args := []string{"-test.v", "-test.failfast", "-test.count=1", "-test.timeout=" + b.within().String(), "-test.run=" + b.run}
	cmd := exec.CommandContext(ctx, binary, append(args, flags[b.pkg]...)...)
	cmd.Dir = filepath.Join(r.root, b.pkg)
	if b.tag != "" {
		cmd.Env = append(os.Environ(), "GOFLAGS=-tags="+b.tag)
	}
	start := time.Now()
	out, err := cmd.CombinedOutput()
	o := outcome{output: string(out), took: time.Since(start)}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		o.code, err = exit.ExitCode(), nil
	}
	return o, err
}

var failedTest = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

// caught says why a run with the bug's tag does not prove that the test notices it, nil when it does.
func (o *outcome) caught(b *bug, limit time.Duration) error {
	failed := failedTest.FindStringSubmatch(o.output)
	switch {
	case o.code == 0:
		return fmt.Errorf("escaped: %s passes although the promise is broken", b.run)
	case o.took > limit:
		return fmt.Errorf("not caught in time: %s took %s of %s", b.run, o.took.Round(time.Second), limit)
	case o.code != 1 || failed == nil:
		return fmt.Errorf("no verdict: %s ended with code %d", b.run, o.code)
	case !strings.Contains(o.output, b.says):
		return fmt.Errorf("%s failed of something else: it does not say %q", failed[1], b.says)
	}
	return nil
}

// errSkipped is the verdict on tests that cannot run here.
var errSkipped = errors.New("the test that notices cannot run here")

// passed says why a run without any tag does not prove that the tests hold.
func (o *outcome) passed() error {
	if o.code != 0 {
		return fmt.Errorf("the tests fail without any bug, with code %d", o.code)
	}
	if strings.Contains(o.output, "\n--- SKIP: ") {
		return errSkipped
	}
	if !strings.Contains(o.output, "--- PASS: ") {
		return errors.New("no test ran")
	}
	return nil
}

// newRunner finds the module around the working directory.
func newRunner() (*runner, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOMOD: %w", err)
	}
	mod := strings.TrimSpace(string(out))
	if filepath.Base(mod) != "go.mod" {
		return nil, errors.New("run it inside the module")
	}
	temp, err := os.MkdirTemp("", "planted")
	return &runner{filepath.Dir(mod), temp}, err
}

func (r *runner) close() error { return os.RemoveAll(r.temp) }
