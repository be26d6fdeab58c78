package segment

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/vfs"
	"pgregory.net/rapid"
)

// mergeInput is the options of the i-th of the segments that are merged.
func mergeInput(i int) Options {
	o := testOptions
	o.FirstIndex, o.LastIndex = uint64(100*i+1), uint64(100*i+100)
	return o
}

var mergeAbout = MergeOptions{Options: Options{Cluster: testOptions.Cluster, Partition: testOptions.Partition, History: testOptions.History}}

// drawInputs draws segments, in any order, that overlap in every way and have no frame in common.
func drawInputs(t *rapid.T, tb testing.TB) (files [][]byte) {
	rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	fixtures := make([]*fixture, rapid.IntRange(1, 4).Draw(t, "inputs"))
	for i := range fixtures {
		fixtures[i] = newFixture(tb)
		fixtures[i].index = mergeInput(i).FirstIndex
	}
	type id struct {
		key     frame.StreamKey
		ordinal uint32
		seq     uint64
	}
	used := map[id]bool{}
	for range rapid.IntRange(1, 8).Draw(t, "bursts") {
		share := rapid.IntRange(0, len(fixtures)).Draw(t, "where") // in one of them, or in all
		parts := make([][]sample, len(fixtures))
		for _, s := range testBurst(t, rnd) {
			if n := (id{s.key, s.ordinal, s.row.Seq}); !used[n] {
				used[n] = true
				i := share
				if share == len(fixtures) {
					i = rnd.IntN(len(fixtures))
				}
				parts[i] = append(parts[i], s)
			}
		}
		for i, p := range parts {
			if len(p) > 0 {
				fixtures[i].add(p...)
			}
		}
	}
	for i, f := range fixtures {
		if f.head.Frames() > 0 {
			files = append(files, f.writeAs(mergeInput(i)))
		}
	}
	rnd.Shuffle(len(files), func(i, k int) { files[i], files[k] = files[k], files[i] })
	return files
}

// storedRow is one row as text, and the time that decides about its window.
type storedRow struct {
	text string
	ns   int64
}

// rowsOf reads every row of a file, the slow way.
func rowsOf(tb testing.TB, file []byte) (list []storedRow) {
	tb.Helper()
	r := openBytes(tb, file, ReaderOptions{})
	err := r.Each(func(key frame.StreamKey, e *Epoch) error {
		_, err := r.Scan(e, All(), Columns{All: true}, func(rec *Record) bool {
			text := fmt.Sprintf("%q %d %+v %q", key, e.Ordinal, rec.Row, rec.Raw)
			if rec.Raw == nil {
				text += " without"
			}
			for i := range rec.Fields {
				v := &rec.Fields[i].Value
				text += fmt.Sprintf(" %q=%d:%x:%x", rec.Fields[i].Name, v.Kind, v.Num, v.Str)
			}
			list = append(list, storedRow{text, rec.FiledNS()})
			return true
		})
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return list
}

// slowWindow is Window in numbers without end.
func slowWindow(ns, width int64) int64 {
	if width == 0 {
		return 0
	}
	q, _ := new(big.Int).DivMod(big.NewInt(ns), big.NewInt(width), new(big.Int)) // Euclid's: of a width above 0 it rounds down
	return q.Int64()
}

// wantOutputs says what a merge must make: the rows of each window, and of the rest last.
func wantOutputs(tb testing.TB, files [][]byte, width int64) (want [][]string) {
	windows := map[int64][]string{}
	for _, f := range files {
		for _, row := range rowsOf(tb, f) {
			w := slowWindow(row.ns, width)
			windows[w] = append(windows[w], row.text)
		}
	}
	own := slices.Sorted(maps.Keys(windows))
	var rest []string
	if len(own) > MaxOutputs {
		slices.SortStableFunc(own, func(a, b int64) int { return cmp.Compare(len(windows[b]), len(windows[a])) })
		for _, w := range own[MaxOutputs-1:] {
			rest = append(rest, windows[w]...)
		}
		own = slices.Sorted(slices.Values(own[:MaxOutputs-1]))
	}
	for _, w := range own {
		want = append(want, windows[w])
	}
	if rest != nil {
		want = append(want, rest)
	}
	return want
}

// mergeFiles merges files in memory and returns the outputs' bytes.
func mergeFiles(tb testing.TB, opt MergeOptions, files ...[]byte) ([]Output, [][]byte) {
	tb.Helper()
	fs := vfs.NewMem()
	outputs, err := Merge(fs, ".", opt, readersOf(tb, files))
	if err != nil {
		tb.Fatal(err)
	}
	made := make([][]byte, len(outputs))
	for i, o := range outputs {
		if made[i], err = vfs.ReadFile(fs, o.Info.Name.FileName(), 1<<30); err != nil {
			tb.Fatal(err)
		}
	}
	if names, err := fs.List("."); err != nil || len(names) != len(outputs) {
		tb.Fatalf("%v for %d outputs, %v", names, len(outputs), err)
	}
	return outputs, made
}

func readersOf(tb testing.TB, files [][]byte) []*Reader {
	readers := make([]*Reader, len(files))
	for i, f := range files {
		readers[i] = openBytes(tb, f, ReaderOptions{Name: nameOf(f)})
	}
	return readers
}

// rowsDiffer says how the rows of a merge's outputs are not those that it must make, or nothing.
func rowsDiffer(tb testing.TB, made, files [][]byte, width int64) string {
	tb.Helper()
	want := wantOutputs(tb, files, width)
	if len(made) != len(want) {
		return fmt.Sprintf("%d outputs, want %d", len(made), len(want))
	}
	for i := range made {
		var got []string
		for _, row := range rowsOf(tb, made[i]) {
			got = append(got, row.text)
		}
		slices.Sort(got)
		slices.Sort(want[i])
		if !slices.Equal(got, want[i]) {
			return fmt.Sprintf("output %d: %d rows, want %d: %s", i, len(got), len(want[i]), firstDifference(got, want[i]))
		}
	}
	return ""
}
