package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPageCountsTheBugs: what tests/README.md says of the bugs is what the registry has.
func TestPageCountsTheBugs(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "tests/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	patient, limit := 0, testLimit
	for _, b := range bugs {
		if b.level == "L2" {
			patient, limit = patient+1, max(limit, b.within())
		}
	}
	want := fmt.Sprintf("%d build tags, each breaks one promise, and must be noticed within %.0f s (the %d that only L2 sees: %.0f min",
		len(bugs), testLimit.Seconds(), patient, limit.Minutes())
	if !strings.Contains(string(page), want) {
		t.Errorf("tests/README.md does not say %q", want)
	}
}

// TestListKnowsWhatNeedsRoot: CI without root expects the bugs to be skipped that only real processes show, and no others.
func TestListKnowsWhatNeedsRoot(t *testing.T) {
	list, err := os.ReadFile(filepath.Join(root, "tests/skips/without-root.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, b := range bugs {
		if b.level == "L2" {
			want = append(want, "planted/"+b.tag)
		}
	}
	for line := range strings.Lines(string(list)) {
		if strings.HasPrefix(line, "planted/") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("without-root.txt has %q, want %q", got, want)
	}
}
