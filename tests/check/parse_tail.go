package check

import (
	"encoding/json"
	"fmt"
	"hash/maphash"

	"github.com/gaplessdb/gapless/frame"
)

// ParseTailLine adds a line of GET /v1/tail to a tail. end is the code of the line that ends a stream, "" for every other line.
func ParseTailLine(line []byte, seed uint64, t *Tail) (end string, err error) {
	var control struct {
		At  string `json:"at"`
		End *struct {
			Code     string `json:"code"`
			Position string `json:"position"`
		} `json:"end"`
	}
	var r frameRow
	err = json.Unmarshal(line, &control)
	switch {
	case err != nil:
	case control.At != "":
		return "", t.reached(control.At)
	case control.End != nil:
		return control.End.Code, t.reached(control.End.Position)
	default:
		err = json.Unmarshal(line, &r)
	}
	var row Row
	if err == nil {
		row, err = r.row(seed)
	}
	if err != nil {
		return "", fmt.Errorf("check: line of a tail: %w", err)
	}
	at, err := frame.ParsePosition(r.Pos)
	if err != nil {
		return "", fmt.Errorf("check: line of a tail: %w", err)
	}
	row.Sum = maphash.Bytes(sumSeed, line)
	t.Lines++
	t.advance(at, true)
	t.Frames.AddRow(&row)
	return "", nil
}

// reached notes the position of a line that is no frame.
func (t *Tail) reached(text string) error {
	at, err := frame.ParsePosition(text)
	if err != nil {
		return fmt.Errorf("check: line of a tail: %w", err)
	}
	t.advance(at, false)
	return nil
}
