package replay

import "fmt"

// Limits of one row.
const (
	maxRowBytes   = 4 << 20 // of its text, unpacked
	maxRowColumns = 4096
)

// cellKind says what is known of a cell's text.
type cellKind uint8

const (
	cellMissing cellKind = iota // an empty cell of CSV, null, or no such member
	cellLoose                   // CSV: anything
	cellText                    // a JSON string, or an array kept as its JSON
	cellNumber                  // a JSON number
	cellBool                    // true or false
)

// cell is the value of one column in one row.
type cell struct {
	text string
	kind cellKind
}

// shape is the columns of rows: all rows of a CSV file have one, rows of NDJSON share one while their keys stay the same.
type shape struct {
	names []string
	index map[string]int
}

// newShape refuses a name that comes twice. A column without a name is called by its place, column_1 for the first.
func newShape(names []string) (*shape, error) {
	if len(names) > maxRowColumns {
		return nil, fmt.Errorf("%d columns, at most %d are allowed", len(names), maxRowColumns)
	}
	s := &shape{names: names, index: make(map[string]int, len(names))}
	for i, name := range names {
		if name == "" {
			name = fmt.Sprintf("column_%d", i+1)
			names[i] = name
		}
		if first, twice := s.index[name]; twice {
			return nil, fmt.Errorf("columns %d and %d have the same name %q", first+1, i+1, name)
		}
		s.index[name] = i
	}
	return s, nil
}

// at is the place of a column, -1 when there is none.
func (s *shape) at(name string) int {
	if i, ok := s.index[name]; ok {
		return i
	}
	return -1
}

// row is one row of a file. Its texts may be kept.
type row struct {
	line  int64 // where it begins, from 1
	shape *shape
	cells []cell // one for each column of the shape
}

// cell is that of a place; a missing one for -1.
func (r *row) cell(at int) cell {
	if at < 0 {
		return cell{}
	}
	return r.cells[at]
}

// rows reads a file row by row. The row is valid until the next call; io.EOF is the end. After a *BadRow the next row can be read, after any other
// error nothing can.
type rows interface {
	next() (*row, error)
}

// BadRow says why a row cannot become a frame.
type BadRow struct {
	Line int64  `json:"line"`
	Code string `json:"code"` // bad_row, bad_number, ..., or a code of the batch format or of the cluster
	Why  string `json:"why"`
}

// Error names the line.
func (e *BadRow) Error() string { return fmt.Sprintf("line %d: %s (%s)", e.Line, e.Why, e.Code) }

func badRow(line int64, code, format string, args ...any) error {
	return &BadRow{Line: line, Code: code, Why: clip(fmt.Sprintf(format, args...))}
}

// clip keeps messages that quote a file short.
func clip(s string) string {
	if len(s) <= 300 {
		return s
	}
	return s[:300] + "..."
}
