package replay

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// ndjsonRows reads one JSON object a line. Members of objects inside become columns named by their path, a.b; an array is one column with its JSON
// as text; null is missing.
type ndjsonRows struct {
	lines *bufio.Scanner
	line  int64
	from  bytes.Reader
	dec   *jsontext.Decoder
	row   row
	names []string
}

func newNDJSON(r io.Reader) *ndjsonRows {
	n := &ndjsonRows{lines: bufio.NewScanner(r)}
	n.lines.Buffer(nil, maxRowBytes)
	n.dec = jsontext.NewDecoder(&n.from)
	n.row.shape = &shape{}
	return n
}

func (n *ndjsonRows) next() (*row, error) {
	for n.lines.Scan() {
		n.line++
		text := bytes.TrimSpace(n.lines.Bytes())
		if len(text) == 0 {
			continue
		}
		if err := n.parse(text); err != nil {
			return nil, badRow(n.line, "bad_row", "%v", err)
		}
		return &n.row, nil
	}
	if err := n.lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("line %d is longer than %d bytes", n.line+1, maxRowBytes)
	} else if err != nil {
		return nil, err
	}
	return nil, io.EOF
}

func (n *ndjsonRows) parse(text []byte) error {
	if text[0] != '{' {
		return fmt.Errorf("the line is no JSON object: %.20q", text)
	}
	n.from.Reset(text)
	n.dec.Reset(&n.from)
	n.names, n.row.cells, n.row.line = n.names[:0], n.row.cells[:0], n.line
	if err := n.object(""); errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the object does not end on its line: write one object a line (jq -c .)")
	} else if err != nil {
		return err
	}
	if _, err := n.dec.ReadToken(); err != io.EOF {
		return errors.New("something follows the object")
	}
	if slices.Equal(n.names, n.row.shape.names) {
		return nil
	}
	s, err := newShape(slices.Clone(n.names))
	if err != nil {
		return err
	}
	n.row.shape = s
	return nil
}

// object reads the object at hand into columns whose names begin with prefix.
func (n *ndjsonRows) object(prefix string) error {
	if _, err := n.dec.ReadToken(); err != nil { // {
		return err
	}
	for n.dec.PeekKind() != '}' {
		key, err := n.dec.ReadToken()
		if err != nil {
			return err
		}
		if err := n.member(prefix + key.String()); err != nil {
			return err
		}
	}
	_, err := n.dec.ReadToken()
	return err
}

func (n *ndjsonRows) member(name string) error {
	if len(n.names) >= maxRowColumns {
		return fmt.Errorf("more than %d columns", maxRowColumns)
	}
	var c cell
	switch n.dec.PeekKind() {
	case '{':
		if len(name) > maxRowBytes/maxRowColumns {
			return fmt.Errorf("the path %.60q... is too long", name)
		}
		return n.object(name + ".")
	case '[':
		v, err := n.dec.ReadValue()
		if err != nil {
			return err
		}
		c = cell{string(v), cellText}
	default:
		t, err := n.dec.ReadToken()
		if err != nil {
			return err
		}
		c = scalar(t)
	}
	n.names, n.row.cells = append(n.names, name), append(n.row.cells, c)
	return nil
}

func scalar(t jsontext.Token) cell {
	switch t.Kind() {
	case '"':
		return cell{t.String(), cellText}
	case '0':
		return cell{t.String(), cellNumber}
	case 't', 'f':
		return cell{t.String(), cellBool}
	}
	return cell{}
}
