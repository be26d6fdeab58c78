package segment

import (
	"bytes"
	"math"
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
		for i, o := range outputs {
			checkOutput(t, rt, &o, made[i], &opt, files)
		}
		if d := rowsDiffer(t, made, files, opt.WindowNS); d != "" {
			rt.Fatal(d)
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
	first, last := uint64(math.MaxUint64), uint64(0)
	for _, f := range files {
		o := openBytes(tb, f, ReaderOptions{}).Options()
		first, last = min(first, o.FirstIndex), max(last, o.LastIndex)
	}
	if info.FirstIndex != first || info.LastIndex != last {
		t.Fatalf("indexes %d to %d, want %d to %d", info.FirstIndex, info.LastIndex, first, last)
	}
	low, high := Window(info.FirstNS, opt.WindowNS), Window(info.LastNS, opt.WindowNS)
	if low != o.Window || (low != high) != o.Rest {
		t.Fatalf("%+v has windows %d to %d", o, low, high)
	}
}
