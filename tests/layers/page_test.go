package layers

import (
	"os"
	"slices"
	"strings"
	"testing"
)

const page = "../../docs/ARCHITECTURE.md"

// The page shows people the table that the code must follow, so it shows the same one.
func TestArchitecturePageHasTheTable(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) > 200 {
		t.Errorf("%s has %d lines: keep it under 200, details belong beside the code", page, len(lines))
	}
	for room, allowed := range rooms {
		if info, err := os.Stat("../../" + room); err != nil || !info.IsDir() {
			continue // has its line in the table, and does not exist yet
		}
		if room == "cmd" {
			room = "cmd/gapless"
		}
		i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "| `"+room+"` |") })
		if i < 0 {
			t.Errorf("%s has no row for %s", page, room)
			continue
		}
		cells := strings.Split(strings.Trim(lines[i], "| "), " | ")
		if got, want := cells[len(cells)-1], inWords(allowed); got != want {
			t.Errorf("%s: %s may import %q, the table says %q", page, room, got, want)
		}
	}
}

func inWords(allowed []string) string {
	switch {
	case slices.Contains(allowed, anything):
		return "anything"
	case slices.Contains(allowed, std):
		return "standard library only"
	case slices.Contains(allowed, "raftfsm"):
		return "every room"
	case len(allowed) == 0:
		return "nothing of ours"
	}
	return strings.Join(allowed, ", ")
}
