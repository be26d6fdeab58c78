package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

const modulePrefix = "github.com/gaplessdb/gapless/"

// event is one line of go test -json (go doc test2json).
type event struct {
	Action, Package, ImportPath, Test, Output string
}

// skip is one skipped test: package/Test and what it said.
type skip struct{ name, reason string }

// report is what a run of go test came to.
type report struct {
	passed, failed int
	skips          []skip
	output         map[string][]string // of tests that have not ended
}

// read consumes go test's events and prints what a person wants to see at once: package lines, build errors and failed tests.
func (r *report) read(in io.Reader, out io.Writer) error {
	r.output = map[string][]string{}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintf(out, "%s\n", lines.Bytes()) // go itself speaks, not a test
			continue
		}
		r.add(e, out)
	}
	for _, left := range r.output {
		fmt.Fprint(out, strings.Join(left, "")) // the tests that a crash or a timeout cut off
	}
	return lines.Err()
}

func (r *report) add(e event, out io.Writer) {
	name := e.Package + "/" + e.Test
	switch {
	case e.Action == "build-output":
		fmt.Fprint(out, e.Output)
	case e.Test == "" && e.Action == "output":
		if e.Output != "PASS\n" && !strings.HasSuffix(e.Output, "[no test files]\n") {
			fmt.Fprint(out, e.Output)
		}
	case e.Test == "":
	case e.Action == "output":
		r.output[name] = append(r.output[name], e.Output)
	case e.Action == "pass":
		r.passed++
		delete(r.output, name)
	case e.Action == "fail":
		r.failed++
		fmt.Fprint(out, strings.Join(r.output[name], ""))
		delete(r.output, name)
	case e.Action == "skip":
		r.skips = append(r.skips, skip{name, reason(r.output[name])})
		delete(r.output, name)
	}
}

// reason takes what a skipped test said from its output: the lines that are not go test's own.
func reason(output []string) string {
	var said []string
	for _, line := range output {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			said = append(said, line)
		}
	}
	return strings.Join(said, " ")
}

func (r *report) sorted() []skip {
	s := slices.Clone(r.skips)
	slices.SortFunc(s, func(a, b skip) int { return strings.Compare(a.name, b.name) })
	return s
}

// summary prints each skip and the closing line.
func (r *report) summary(out io.Writer) {
	for _, s := range r.sorted() {
		fmt.Fprintf(out, "SKIP %s: %s\n", strings.TrimPrefix(s.name, modulePrefix), s.reason)
	}
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", r.passed, r.failed, len(r.skips))
}
