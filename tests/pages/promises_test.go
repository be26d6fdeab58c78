package pages

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	promise = regexp.MustCompile(`(?m)^\| (G\d+) \|`)
	checked = regexp.MustCompile(`(?m)^\| ((?:G\d+ )+)\|.*Test[A-Z]`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	noWord  = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// A promise that no test is named for is a hope. A row for "G1 to G13" names none: what is said of all is easily true of most.
func TestEveryPromiseIsChecked(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/guarantees.md"))
	if err != nil {
		t.Fatal(err)
	}
	page, table, found := strings.Cut(string(text), "### How they are checked")
	if !found {
		t.Fatal("the page does not say how promises are checked")
	}
	tested := map[string]bool{}
	for _, row := range checked.FindAllStringSubmatch(table, -1) {
		for name := range strings.FieldsSeq(row[1]) {
			tested[name] = true
		}
	}
	promises := promise.FindAllStringSubmatch(page, -1)
	if len(promises) < 15 {
		t.Fatalf("only %d promises found: the pattern no longer fits", len(promises))
	}
	for _, p := range promises {
		if !tested[p[1]] {
			t.Errorf("no test is named for %s", p[1])
		}
	}
}

// A link into a page leads to a heading of it.
func TestAnchorsExist(t *testing.T) {
	n := 0
	for path, text := range files(t, ".md") {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if m[2] == "" || !strings.HasSuffix(m[1], ".md") {
				continue
			}
			n++
			page, err := os.ReadFile(filepath.Join(filepath.Dir(path), m[1]))
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			if !anchors(string(page))[strings.TrimPrefix(m[2], "#")] {
				t.Errorf("%s: %s has no heading %s", path, m[1], m[2])
			}
		}
	}
	if n == 0 {
		t.Error("no link into a page found: the pattern no longer fits")
	}
}

// anchors are the names by which the headings of a page are linked to.
func anchors(page string) map[string]bool {
	all := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(page, -1) {
		name := noWord.ReplaceAllString(strings.ToLower(m[1]), "")
		all[strings.ReplaceAll(strings.TrimSpace(name), " ", "-")] = true
	}
	return all
}
