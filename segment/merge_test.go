package segment

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Whatever is merged, however the inputs overlap: each row is in the output of its window, once and bit for bit, and outputs are whole.
func TestMergeAgreesWithSortedRows(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		files := drawInputs(rt, t)
		opt := mergeAbout
		opt.WindowNS = rapid.SampledFrom([]int64{0, 1, 7, 30e6, 10e9, 1 << 62}).Draw(rt, "window")
		outputs, made := mergeFiles(t, opt, files...)
		want := wantOutputs(t, files, opt.WindowNS)
		if len(made) != len(want) {
			rt.Fatalf("%d outputs, want %d", len(made), len(want))
		}
		for i, o := range outputs {
			checkOutput(t, rt, &o, made[i], &opt, files)
			var got []string
			for _, row := range rowsOf(t, made[i]) {
				got = append(got, row.text)
			}
			slices.Sort(got)
			slices.Sort(want[i])
			if !slices.Equal(got, want[i]) {
				rt.Fatalf("output %d, window %d: %d rows, want %d: %s", i, o.Window, len(got), len(want[i]), firstDifference(got, want[i]))
			}
		}
	})
}

func firstDifference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			return "\ngot  " + at(got, i) + "\nwant " + at(want, i)
		}
	}
	return "none"
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "nothing"
}

// checkOutput holds what a merge says of an output against the file.
func checkOutput(tb testing.TB, t *rapid.T, o *Output, file []byte, opt *MergeOptions, files [][]byte) {
	info, err := Verify(bytes.NewReader(file), int64(len(file)), o.Info.Name, nil)
	if err != nil || info != o.Info {
		t.Fatalf("Verify: %+v, %v, want %+v", info, err, o.Info)
	}
	first, last := openBytes(tb, files[0], ReaderOptions{}).Options().FirstIndex, uint64(0)
	for _, f := range files {
		last = max(last, openBytes(tb, f, ReaderOptions{}).Options().LastIndex)
	}
	if info.FirstIndex != first || info.LastIndex != last {
		t.Fatalf("indexes %d to %d, want %d to %d", info.FirstIndex, info.LastIndex, first, last)
	}
	low, high := Window(info.FirstNS, opt.WindowNS), Window(info.LastNS, opt.WindowNS)
	if low != o.Window || (low != high) != o.Rest {
		t.Fatalf("%+v has windows %d to %d", o, low, high)
	}
}
