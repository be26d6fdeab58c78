//go:build linux

package fault

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestPagesCountTheScenarios: pages say how many scenarios there are, and how many of them are part of make test.
func TestPagesCountTheScenarios(t *testing.T) {
	all, always := scenarios(Setup{}), 0
	for _, s := range all {
		if s.always {
			always++
		}
	}
	for page, want := range map[string]string{
		"../README.md":    fmt.Sprintf("%d of %d scenarios; `make torture` has all", always, len(all)),
		"../../README.md": fmt.Sprintf("%d scenarios of real processes", always),
	} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.Join(strings.Fields(string(text)), " "), want) {
			t.Errorf("%s does not say %q", page, want)
		}
	}
}

// TestTagsAreTold: the report of a run with a planted bug says so, and its command plants it again.
func TestTagsAreTold(t *testing.T) {
	for flags, want := range map[string]string{"": "", "-buildvcs=false": "", "-buildvcs=false -tags=bug_os_sync": "GOFLAGS=-tags=bug_os_sync "} {
		t.Setenv("GOFLAGS", flags)
		if got := tags("GOFLAGS=%s "); got != want {
			t.Errorf("%q: %q, want %q", flags, got, want)
		}
	}
}
