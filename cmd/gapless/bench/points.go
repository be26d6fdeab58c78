package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// answer is what the four questions are answered with, in the words of the three stores. A document has the members of its own store.
type answer struct {
	Frames []struct { // gapless: frames and latest
		Fields map[string]any `json:"fields"`
	} `json:"frames"`
	Series []struct { // gapless: query
		Fields []struct {
			Avg []any `json:"avg"`
			Max []any `json:"max"`
		} `json:"fields"`
	} `json:"series"`
	Results []struct { // influx: a row is a time and values
		Series []struct {
			Values [][]any `json:"values"`
		} `json:"series"`
	} `json:"results"`
	Data struct { // victoria: query and query_range
		Result []struct {
			Value  []any   `json:"value"`
			Values [][]any `json:"values"`
		} `json:"result"`
	} `json:"data"`
	Values []any `json:"values"` // victoria: a line of an export
}

// values is how many values the document holds.
func (a *answer) values() (n int) {
	for _, f := range a.Frames {
		n += len(f.Fields)
	}
	for _, s := range a.Series {
		for _, f := range s.Fields {
			n += present(f.Avg) + present(f.Max)
		}
	}
	for _, r := range a.Results {
		for _, s := range r.Series {
			for _, row := range s.Values {
				n += max(0, present(row)-1)
			}
		}
	}
	for _, r := range a.Data.Result {
		if len(r.Value) > 0 {
			n++
		}
		n += len(r.Values)
	}
	return n + len(a.Values)
}

func present(list []any) (n int) {
	for _, v := range list {
		if v != nil {
			n++
		}
	}
	return n
}

// points counts the values of an answer, so that nobody compares the speed of empty ones. An answer is one document, or one a line.
func points(body []byte) (n int, err error) {
	for d := json.NewDecoder(bytes.NewReader(body)); ; {
		var a answer
		switch err := d.Decode(&a); {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return 0, fmt.Errorf("the answer is no JSON that is known here: %w", err)
		}
		n += a.values()
	}
}
