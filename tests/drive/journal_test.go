package drive

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestJournalKeepsTheDriversLines: of the nodes only the newest lines are kept, of the driver all, each at its place.
func TestJournalKeepsTheDriversLines(t *testing.T) {
	j := &journal{start: time.Now(), hear: func(string, slog.Record) {}}
	node := slog.New(j.of("n1"))
	j.note("n1", "break: first")
	for i := range journalLines + 10 {
		if i == journalLines/2 {
			j.note("n2", "break: second")
		}
		node.Info(fmt.Sprintf("line-%05d.", i))
	}
	j.note("", "healed")
	lines := strings.Split(j.String(), "\n")
	if len(lines) != journalLines+3 {
		t.Fatalf("%d lines", len(lines))
	}
	for at, want := range map[int]string{
		0: "* break: first", 1: "line-00010.", journalLines/2 - 9: "* break: second", journalLines/2 - 8: fmt.Sprintf("line-%05d.", journalLines/2),
		journalLines + 1: fmt.Sprintf("line-%05d.", journalLines+9), journalLines + 2: "* healed",
	} {
		if !strings.Contains(lines[at], want) {
			t.Errorf("line %d is %q, want %q", at, lines[at], want)
		}
	}
}
