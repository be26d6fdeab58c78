package main

import (
	"io"
	"strings"
	"unicode/utf8"
)

// table prints columns as wide as their widest cell, two blanks apart. Columns whose title ends in '#' are numbers and
// stand to the right. A long one is written in pieces: the titles stand above the first, and columns never get narrower.
type table struct {
	titles []string
	rows   [][]string
	widths []int // of what was written so far
}

func newTable(titles ...string) *table { return &table{titles: titles} }

// add appends a row. Cells are cleaned: they come from devices.
func (t *table) add(cells ...string) {
	for i, c := range cells {
		cells[i] = clean(c)
	}
	t.rows = append(t.rows, cells)
}

// tablePiece is how many rows addTo keeps.
const tablePiece = 1000

// addTo is add for a table of any length: it writes what has come together so far now and then. The last piece is for write.
func (t *table) addTo(w io.Writer, cells ...string) error {
	t.add(cells...)
	if len(t.rows) < tablePiece {
		return nil
	}
	return t.write(w)
}

// write writes the rows that were added since the last time.
func (t *table) write(w io.Writer) error {
	lines := t.rows
	if t.widths == nil {
		t.widths = make([]int, len(t.titles))
		titles := make([]string, len(t.titles))
		for i, title := range t.titles {
			titles[i] = strings.TrimSuffix(title, "#")
		}
		lines = append([][]string{titles}, lines...)
	}
	for _, cells := range lines {
		for i, c := range cells {
			t.widths[i] = max(t.widths[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for _, cells := range lines {
		t.line(&b, cells)
	}
	t.rows = t.rows[:0]
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *table) line(b *strings.Builder, cells []string) {
	var line strings.Builder
	for i, c := range cells {
		if i > 0 {
			line.WriteString("  ")
		}
		pad := strings.Repeat(" ", t.widths[i]-utf8.RuneCountInString(c))
		if strings.HasSuffix(t.titles[i], "#") {
			line.WriteString(pad + c)
		} else {
			line.WriteString(c + pad)
		}
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}
