package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestTableInPieces writes more rows than a table keeps: all are there once, below one line of titles.
func TestTableInPieces(t *testing.T) {
	var out strings.Builder
	table := newTable("N#", "TEXT")
	for n := range tablePiece + 2 {
		if err := table.addTo(&out, fmt.Sprint(n), "x"); err != nil {
			t.Fatal(err)
		}
	}
	if out.Len() == 0 || len(table.rows) != 2 {
		t.Errorf("%d bytes written and %d rows kept before the end", out.Len(), len(table.rows))
	}
	if err := table.write(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != tablePiece+3 || lines[0] != "  N  TEXT" || lines[1] != "  0  x" || lines[1000] != "999  x" || lines[1002] != "1001  x" {
		t.Errorf("%d lines: %q %q ... %q %q %q", len(lines), lines[0], lines[1], lines[1000], lines[1001], lines[1002])
	}
}
