package segment

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
)

// wide makes n fields whose names begin alike.
func wide(prefix string, n int) func(seq uint64) ([]frame.Field, []byte) {
	return func(seq uint64) (fields []frame.Field, raw []byte) {
		for i := range n {
			fields = append(fields, frame.Field{Name: fmt.Sprintf("%s%04d", prefix, i), Value: frame.Int(int64(seq) * int64(i))})
		}
		return fields, nil
	}
}

// Inputs with different fields are merged into blocks with no more columns than a block may have.
func TestMergeLimitsColumns(t *testing.T) {
	const half = blockColumns / 2
	for _, tt := range []struct {
		name string
		a, b []stored
		want []int // rows of each block
	}{
		{"as many as fit", series([]numbers{{1, 0, 10, 1}}, wide("a", half)), series([]numbers{{1, 10, 20, 1}}, wide("b", half)), []int{20}},
		{"one too many", series([]numbers{{1, 0, 10, 1}}, wide("a", half)), series([]numbers{{1, 10, 20, 1}}, wide("b", half+1)), []int{10, 10}},
		{"by turns", series([]numbers{{1, 0, 6, 2}}, wide("a", half+1)), series([]numbers{{1, 1, 6, 2}}, wide("b", half)), []int{1, 1, 1, 1, 1, 1}},
		{"of different devices", series([]numbers{{1, 0, 9, 1}}, wide("a", blockColumns)), series([]numbers{{2, 0, 9, 1}}, wide("b", 1)), []int{9, 9}},
		// Columns that a block of an input has for other rows do not count.
		{"of other rows", append(series([]numbers{{1, 1, 6, 1}}, wide("a", half)), series([]numbers{{1, 10, 14, 1}}, wide("c", half))...),
			series([]numbers{{1, 0, 8, 7}}, wide("b", half)), []int{7, 4}},
	} {
		files := [][]byte{fileOf(t, mergeInput(0), tt.a), fileOf(t, mergeInput(1), tt.b)}
		outputs, made := mergeFiles(t, mergeAbout, files...)
		if got := rowsOfBlocks(t, made[0]); !slices.Equal(got, tt.want) {
			t.Errorf("%s: blocks of %v rows, want %v", tt.name, got, tt.want)
		}
		for _, b := range layoutOf(t, made[0]).blocks {
			if fields := len(b.chunks) - int(partOrdinal); fields > blockColumns {
				t.Errorf("%s: a block with %d columns of fields", tt.name, fields)
			}
		}
		if _, err := Verify(bytes.NewReader(made[0]), int64(len(made[0])), outputs[0].Info.Name, nil); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if d := rowsDiffer(t, made, files, 0); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
		if err := Compare(readersOf(t, made), readersOf(t, files), 0, nil); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// With very many columns their room is given back between two blocks: what an input's block had found of it is found anew, so that a field does
// not get two columns.
func TestMergeForgetsColumns(t *testing.T) {
	fields := wide("a", keptColumns+50) // of 8 bytes: 856 rows make a block
	files := [][]byte{
		fileOf(t, mergeInput(0), series([]numbers{{1, 0, 2000, 2}}, fields)),
		fileOf(t, mergeInput(1), series([]numbers{{1, 1, 101, 2}}, fields)), // so that a block ends in the middle of one of the first input
		fileOf(t, mergeInput(2), series([]numbers{{1, 1701, 1721, 2}}, fields)),
	}
	outputs, made := mergeFiles(t, mergeAbout, files...)
	if got := rowsOfBlocks(t, made[0]); !slices.Equal(got, []int{856, 204}) {
		t.Errorf("blocks of %v rows", got)
	}
	if _, err := Verify(bytes.NewReader(made[0]), int64(len(made[0])), outputs[0].Info.Name, nil); err != nil {
		t.Error(err)
	}
	if err := Compare(readersOf(t, made), readersOf(t, files), 0, nil); err != nil {
		t.Error(err)
	}
}
