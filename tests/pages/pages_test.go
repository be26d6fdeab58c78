package pages

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

var (
	link     = regexp.MustCompile(`\]\(([^)#: ]+)(#[^)]*)?\)`)
	testName = regexp.MustCompile(`\bTest[A-Z]\w+`)
	pageName = regexp.MustCompile(`\bdocs/[\w/-]+\.md\b`)
	testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
)

func TestLinksLeadSomewhere(t *testing.T) {
	n := 0
	for path, text := range files(t, ".md") {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			n++
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s: link to %s: %v", path, m[1], err)
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d links found: the pattern no longer fits", n)
	}
}

// Comments send readers to pages: the pages must be there.
func TestPagesNamedInCodeExist(t *testing.T) {
	for path, text := range files(t, ".go") {
		for _, name := range pageName.FindAllString(text, -1) {
			if _, err := os.Stat(filepath.Join(root, name)); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}

func TestNamedTestsExist(t *testing.T) {
	known := map[string]bool{}
	for path, text := range files(t, ".go") {
		if strings.HasSuffix(path, "_test.go") {
			for _, m := range testFunc.FindAllStringSubmatch(text, -1) {
				known[m[1]] = true
			}
		}
	}
	n := 0
	for path, text := range files(t, ".md") {
		for _, name := range testName.FindAllString(text, -1) {
			n++
			if !known[name] {
				t.Errorf("%s names %s, which no test file has", path, name)
			}
		}
	}
	if n < 5 {
		t.Errorf("only %d tests named: the pattern no longer fits", n)
	}
}

// files returns the text of the repository's own files with an ending.
func files(t *testing.T, ending string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != root && (strings.HasPrefix(d.Name(), ".") || path == filepath.Join(root, "demo") || path == filepath.Join(root, "bin")) {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(path, ending) {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			found[path] = string(text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
