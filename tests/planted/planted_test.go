package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const root = "../.."

// A tag that the registry does not know would never be tried, and a line without a tag would be an escape for ever.
func TestTagsAreRegistered(t *testing.T) {
	twins, err := findTwins(root)
	if err != nil {
		t.Fatal(err)
	}
	var registered []string
	for _, b := range bugs {
		registered = append(registered, b.tag)
		if b.promise == "" || b.says == "" || b.run == "" || !slices.Contains([]string{"L0", "L1", "L2"}, b.level) {
			t.Errorf("%s: the line is not complete: %+v", b.tag, b)
		}
	}
	slices.Sort(registered)
	if got, want := tagsOf(twins), slices.Compact(registered); !slices.Equal(got, want) {
		t.Errorf("the tree has the tags\n%v, registered are\n%v", got, want)
	}
}

func TestTheProgramHasNoTwin(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "-f", "{{$dir := .Dir}}{{range .GoFiles}}{{$dir}}/{{.}}\n{{end}}", "./cmd/gapless")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	files := strings.Fields(string(out))
	abs, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	twins, err := findTwins(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, tw := range twins {
		if slices.Contains(files, filepath.Join(abs, tw.path)) {
			t.Errorf("the program contains %s", tw.path)
		}
		if !slices.Contains(files, filepath.Join(abs, tw.promise())) {
			t.Errorf("the program does not contain %s: the list of files or the promise is in the wrong place", tw.promise())
		}
	}
}

func TestPairs(t *testing.T) {
	const promise, broken = "//go:build !bug_x\n\npackage p\n", "//go:build bug_x\n\npackage p\n\n// Breaks: all.\n"
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string // part of the error, "" for none
	}{
		{"a pair", map[string]string{"a.go": promise, "a_bug.go": broken}, ""},
		{"two pairs of one tag", map[string]string{"a.go": promise, "a_bug.go": broken, "b.go": promise, "b_bug.go": broken}, ""},
		{"no promise", map[string]string{"a_bug.go": broken}, "want a.go beside it"},
		{"a promise of another tag", map[string]string{"a.go": strings.Replace(promise, "bug_x", "bug_y", 1), "a_bug.go": broken},
			"want a.go beside it"},
		{"a promise that is always built", map[string]string{"a.go": "package p\n", "a_bug.go": broken}, "want a.go beside it"},
		{"no twin", map[string]string{"a.go": promise}, "no twin breaks"},
		{"another name", map[string]string{"a.go": promise, "b.go": broken}, "want the name of a promise"},
		{"more in the constraint", map[string]string{"a.go": promise, "a_bug.go": strings.Replace(broken, "bug_x", "bug_x && linux", 1)},
			"the constraint of one bug"},
		{"nothing said", map[string]string{"a.go": promise, "a_bug.go": strings.Replace(broken, "// Breaks: all.\n", "", 1)}, "Breaks: "},
		{"a tag that is no constraint", map[string]string{"a.go": "package p\n\n//go:build bug_x\n"}, ""},
		{"another constraint", map[string]string{"a.go": "//go:build linux\n\npackage p\n"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range tt.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			_, err := findTwins(dir)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q in it", err, tt.want)
			}
		})
	}
}

// What does not prove that a test notices a bug must not count as caught.
func TestCaught(t *testing.T) {
	b := &bug{run: "TestX", says: "1 frame lost"}
	const limit = 15 * time.Second
	for _, tt := range []struct {
		name string
		o    outcome
		want string // part of the error, "" for caught
	}{
		{"caught", outcome{output: "--- FAIL: TestX (0.01s)\n    x_test.go:7: 1 frame lost\nFAIL\n", code: 1, took: time.Second}, ""},
		{"passes", outcome{output: "--- PASS: TestX (0.01s)\nPASS\n", took: time.Second}, "escaped"},
		{"passes, and mentions it", outcome{output: "1 frame lost\nPASS\n", took: time.Second}, "escaped"},
		{"no such test", outcome{output: "testing: warning: no tests to run\nPASS\n"}, "escaped"},
		{"fails of something else", outcome{output: "--- FAIL: TestX (0.01s)\n    x_test.go:7: connection refused\nFAIL\n", code: 1},
			"something else"},
		{"panics", outcome{output: "panic: 1 frame lost\n", code: 2}, "no verdict"},
		{"cannot start", outcome{output: "1 frame lost\n", code: 1}, "no verdict"},
		{"too late", outcome{output: "--- FAIL: TestX (20s)\n    1 frame lost\nFAIL\n", code: 1, took: 20 * time.Second}, "not caught in time"},
		{"hangs", outcome{output: "panic: test timed out after 15s\n", code: 2, took: limit + time.Second}, "not caught in time"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.o.caught(b, limit)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestPassed(t *testing.T) {
	for _, tt := range []struct {
		o    outcome
		want bool
	}{
		{outcome{output: "--- PASS: TestX (0.01s)\nPASS\n"}, true},
		{outcome{output: "--- FAIL: TestX (0.01s)\nFAIL\n", code: 1}, false},
		{outcome{output: "testing: warning: no tests to run\nPASS\n"}, false},
	} {
		if err := tt.o.passed(); (err == nil) != tt.want {
			t.Errorf("%+v: %v", tt.o, err)
		}
	}
}
