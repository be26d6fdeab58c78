package oracles

import (
	"strconv"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/recordings"
)

// recording is a file as it is: the header and the cells.
type recording struct {
	t      *testing.T
	column map[string]int
	names  []string
	rows   [][]string
}

func (w *world) recording(t *testing.T, name string) *recording {
	t.Helper()
	names, rows := recordings.Read(t, name)
	r := &recording{t: t, column: map[string]int{}, names: names, rows: rows}
	for i, name := range r.names {
		r.column[name] = i
	}
	return r
}

// of returns the rows whose column has a value, in the order of the file.
func (r *recording) of(column, value string) [][]string {
	var rows [][]string
	for _, row := range r.rows {
		if row[r.column[column]] == value {
			rows = append(rows, row)
		}
	}
	return rows
}

// values lists the different values of a column in the order in which they first appear.
func (r *recording) values(column string) []string {
	var list []string
	seen := map[string]bool{}
	for _, row := range r.rows {
		if v := row[r.column[column]]; !seen[v] {
			seen[v] = true
			list = append(list, v)
		}
	}
	return list
}

// number reads a cell as a whole number.
func (r *recording) number(row []string, column string) uint64 {
	r.t.Helper()
	n, err := strconv.ParseUint(row[r.column[column]], 10, 64)
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

// seconds reads the times of rows of the form 2006-01-02 15:04:05.
func (r *recording) seconds(rows [][]string, column string) []int64 {
	r.t.Helper()
	var list []int64
	for _, row := range rows {
		at, err := time.Parse(time.DateTime, row[r.column[column]])
		if err != nil {
			r.t.Fatal(err)
		}
		list = append(list, at.Unix())
	}
	return list
}
