package replay

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// csvRows reads CSV as RFC 4180 has it: quotes may hold the delimiter and line ends, and are doubled inside.
type csvRows struct {
	r     *csv.Reader
	from  *rowLimit
	shape *shape
	row   row
}

// newCSV reads the header line, unless the mapping names the columns.
func newCSV(r io.Reader, m *Mapping) (*csvRows, error) {
	delimiter, err := m.delimiter()
	if err != nil {
		return nil, err
	}
	c := &csvRows{from: &rowLimit{r: r}}
	c.r = csv.NewReader(c.from)
	c.r.Comma, c.r.ReuseRecord = delimiter, true
	names := slices.Clone(m.Columns)
	if len(names) == 0 {
		header, err := c.r.Read()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the file is empty: there is no header line")
		}
		if err != nil {
			return nil, fmt.Errorf("header line: %w", err)
		}
		names = slices.Clone(header)
	}
	c.r.FieldsPerRecord = len(names)
	if len(m.Columns) == 0 {
		err = checkHeader(names, m.Delimiter != "")
	}
	if err == nil {
		c.shape, err = newShape(names)
	}
	if err != nil {
		return nil, fmt.Errorf("header line: %w", err)
	}
	c.row.shape = c.shape
	return c, nil
}

func (m *Mapping) delimiter() (rune, error) {
	switch m.Delimiter {
	case "":
		return ',', nil
	case "tab", `\t`:
		return '\t', nil
	}
	r, size := utf8.DecodeRuneInString(m.Delimiter)
	if size != len(m.Delimiter) || strings.ContainsRune("\"\r\n\x00\uFEFF\uFFFD", r) {
		return 0, fmt.Errorf("delimiter %q: give one character, or tab", m.Delimiter)
	}
	return r, nil
}

func (c *csvRows) next() (*row, error) {
	c.from.read = 0
	cells, err := c.r.Read()
	var syntax *csv.ParseError
	switch {
	case errors.As(err, &syntax):
		if errors.Is(err, csv.ErrFieldCount) {
			return nil, badRow(int64(syntax.StartLine), "bad_row", "the row has %d columns, the header %d", len(cells), len(c.shape.names))
		}
		taken := ""
		if syntax.Line > syntax.StartLine {
			taken = fmt.Sprintf("; a quote is not closed, so lines %d to %d are one row", syntax.StartLine, syntax.Line)
		}
		return nil, badRow(int64(syntax.StartLine), "bad_row", "column %d of line %d: %v%s", syntax.Column, syntax.Line, syntax.Err, taken)
	case err != nil:
		return nil, err
	}
	line, _ := c.r.FieldPos(0)
	c.row.line = int64(line)
	c.row.cells = c.row.cells[:0]
	for _, text := range cells {
		kind := cellLoose
		if text == "" {
			kind = cellMissing
		}
		c.row.cells = append(c.row.cells, cell{text, kind})
	}
	return &c.row, nil
}

// rowLimit ends a row that has no end, such as one with a quote that is never closed: the CSV reader would take in the rest of the file.
type rowLimit struct {
	r    io.Reader
	read int // since the row began
}

func (l *rowLimit) Read(p []byte) (int, error) {
	if l.read > maxRowBytes {
		return 0, fmt.Errorf("a row is longer than %d bytes: is a quote not closed?", maxRowBytes)
	}
	n, err := l.r.Read(p)
	l.read += n
	return n, err
}
