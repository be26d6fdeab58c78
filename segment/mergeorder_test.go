package segment

import (
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

// In whichever order the inputs are given, a merge makes the same of them, and Compare passes it.
func TestMergeOfInputsInAnyOrder(t *testing.T) {
	files := [][]byte{
		fileOf(t, mergeInput(0), series([]numbers{{1, 0, 8000, 1}, {2, 0, 600, 2}, {5, 0, 9, 1}}, oneField)),
		fileOf(t, mergeInput(1), series([]numbers{{1, 8000, 8100, 1}, {2, 1, 600, 2}, {4, 0, 9, 1}}, oneField)),
		fileOf(t, mergeInput(2), series([]numbers{{2, 600, 700, 1}, {3, 0, 300, 1}, {4, 9, 20, 1}}, oneField)),
	}
	opt := mergeAbout
	opt.WindowNS = 4000e9
	_, want := mergeFiles(t, opt, files...)
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		inputs := [][]byte{files[order[0]], files[order[1]], files[order[2]]}
		_, made := mergeFiles(t, opt, inputs...)
		if len(made) != len(want) {
			t.Fatalf("inputs %v: %d outputs, want %d", order, len(made), len(want))
		}
		for i := range made {
			o := openBytes(t, made[i], ReaderOptions{}).Options()
			if first, last := mergeInput(0).FirstIndex, mergeInput(2).LastIndex; o.FirstIndex != first || o.LastIndex != last {
				t.Errorf("inputs %v: output %d has indexes %d to %d, want %d to %d", order, i, o.FirstIndex, o.LastIndex, first, last)
			}
			if !slices.Equal(rowsOf(t, made[i]), rowsOf(t, want[i])) {
				t.Errorf("inputs %v: output %d has other rows", order, i)
			}
		}
		slices.Reverse(made)
		for _, in := range [][][]byte{files, inputs} {
			if err := Compare(readersOf(t, made), readersOf(t, in), opt.WindowNS, nil); err != nil {
				t.Errorf("inputs %v: %v", order, err)
			}
		}
	}
}

// Merges of different inputs may run in one directory at the same time, also when the inputs' indexes have equal bounds.
func TestMergesSideBySide(t *testing.T) {
	a := [][]byte{fileOf(t, testOptions, series([]numbers{{1, 0, 600, 1}}, oneField))}
	b := [][]byte{fileOf(t, testOptions, series([]numbers{{2, 0, 600, 1}}, oneField))}
	fs := vfs.NewMem()
	var other []Output
	opt := mergeAbout
	opt.Limit = func(n int) (err error) {
		if n > 0 && other == nil { // the file of the first merge is begun
			other, err = Merge(fs, ".", mergeAbout, readersOf(t, b))
		}
		return err
	}
	outputs, err := Merge(fs, ".", opt, readersOf(t, a))
	if err != nil || len(outputs) != 1 || len(other) != 1 {
		t.Fatalf("%+v beside %+v, %v", outputs, other, err)
	}
	for i, o := range []Output{outputs[0], other[0]} {
		file, err := vfs.ReadFile(fs, o.Info.Name.FileName(), 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		if err := Compare(readersOf(t, [][]byte{file}), readersOf(t, [][][]byte{a, b}[i]), 0, nil); err != nil {
			t.Error(err)
		}
	}
	if names, err := fs.List("."); err != nil || len(names) != 2 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}
