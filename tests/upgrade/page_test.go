package upgrade

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/raftfsm"
)

// oneByOne is what the table of docs/operations.md says of a way that needs no stop of the cluster.
const oneByOne = "one node at a time"

func page(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// promised is what the page says of a release: the way to today's code, and the way back.
func promised(t *testing.T, tag string) (to, back string) {
	t.Helper()
	for line := range strings.Lines(page(t)) {
		cells := strings.Split(strings.Trim(line, "|\n "), " | ")
		if len(cells) == 3 && cells[0] == strings.TrimPrefix(tag, "v") {
			return cells[1], cells[2]
		}
	}
	t.Fatalf("docs/operations.md does not say how to come from %s to this release", tag)
	return "", ""
}

// TestPageNamesTheVersion: the page tells operators which cluster version this binary knows.
func TestPageNamesTheVersion(t *testing.T) {
	if want := fmt.Sprintf("This release knows %d", raftfsm.SupportedVersion); !strings.Contains(page(t), want) {
		t.Errorf("docs/operations.md does not say %q", want)
	}
}
