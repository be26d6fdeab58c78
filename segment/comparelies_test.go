package segment

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/vfs"
)

// lyingMerge merges the inputs into one output with the right rows, which may say something false of them.
func lyingMerge(tb testing.TB, inputs []*Reader, lie func(w *Writer)) *Reader {
	tb.Helper()
	file := &bytes.Buffer{}
	m := merger{fs: vfs.NewMem(), opt: mergeAbout}
	if err := m.prepare(inputs); err != nil {
		tb.Fatal(err)
	}
	o, err := m.output(0, false)
	if err != nil {
		tb.Fatal(err)
	}
	o.w = NewWriter(file, m.opt.Options)
	if err := m.run(); err != nil {
		tb.Fatal(err)
	}
	o.w.closeBlock()
	lie(o.w)
	if _, err := o.w.Finish(); err != nil {
		tb.Fatal(err)
	}
	return openBytes(tb, file.Bytes(), ReaderOptions{})
}

// Outputs with the right rows that say something false of them.
func TestCompareFindsLies(t *testing.T) {
	input := fileOf(t, mergeInput(0), series([]numbers{{1, 0, 4096, 1}, {2, 0, 300, 1}, {3, 0, 20, 1}, {3, 30, 50, 1}}, oneField))
	for _, tt := range []struct {
		name, says string
		lie        func(w *Writer)
	}{
		{"the truth", "", func(w *Writer) {}},
		{"one frame more", "footer", func(w *Writer) { w.footer.frames++ }},
		{"one block more", "footer", func(w *Writer) { w.footer.blocks++ }},
		{"one epoch more", "footer", func(w *Writer) { w.index.epochs++ }},
		{"an earlier first time", "window", func(w *Writer) { w.footer.minNS-- }},
		{"a later last time", "footer", func(w *Writer) { w.footer.maxNS++ }},
		{"an earlier last time", "footer", func(w *Writer) { w.footer.maxNS-- }},
		{"other indexes", "header", func(w *Writer) {
			w.footer.header.options.LastIndex++
			w.footer.headerBytes = w.footer.header.append(nil)
		}},
		{"another history", "header", func(w *Writer) { w.footer.header.options.History++; w.footer.headerBytes = w.footer.header.append(nil) }},
		{"times of a block", "times in the index", func(w *Writer) { w.index.refs[2].minNS-- }},
		{"times of a block, too narrow", "times in the index", func(w *Writer) { w.index.refs[2].maxNS-- }},
		{"times of a block that was copied", "times in the index", func(w *Writer) { w.index.refs[0].maxNS-- }},
		{"coverage", "coverage", func(w *Writer) { w.index.runs[2].Last--; w.index.runs[3].First-- }},
		{"an epoch is left out", "frame", func(w *Writer) {
			w.index.entries, w.index.refs, w.index.runs = w.index.entries[:2], w.index.refs[:2], w.index.runs[:2]
		}},
	} {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			inputs := readersOf(t, [][]byte{input})
			output := lyingMerge(t, inputs, func(w *Writer) {
				if len(w.index.refs) != 3 || len(w.index.runs) != 4 {
					t.Fatalf("%d blocks, %d runs: the lies are about others", len(w.index.refs), len(w.index.runs))
				}
				tt.lie(w)
			})
			err := Compare([]*Reader{output}, inputs, 1<<50, nil)
			var wrong *MismatchError
			if tt.says == "" && err == nil || errors.As(err, &wrong) && tt.says != "" && strings.Contains(wrong.Column, tt.says) {
				return
			}
			t.Errorf("%v, want a mismatch of %q", err, tt.says)
		})
	}
}

// Coverage is that of the rows also where one part of an epoch was copied and the other one decoded.
func TestCompareLooksAtCoverageBesideACopiedBlock(t *testing.T) {
	inputs := readersOf(t, [][]byte{
		fileOf(t, mergeInput(0), series([]numbers{{1, 0, 1000, 1}, {1, 1010, 1010 + maxRows - 1000, 1}}, oneField)),
		fileOf(t, mergeInput(1), series([]numbers{{1, 5106, 5116, 1}, {1, 5200, 5210, 1}}, oneField)),
	})
	for _, tt := range []struct {
		name string
		ok   bool
		lie  func(runs []ledger.Run) // [0 999] [1010 4105] [5106 5115] [5200 5209]
	}{
		{"the truth", true, func(runs []ledger.Run) {}},
		{"in the copied block", false, func(runs []ledger.Run) { runs[0].Last--; runs[1].First-- }},
		{"behind it", false, func(runs []ledger.Run) { runs[2].Last--; runs[3].First-- }},
		{"between them", false, func(runs []ledger.Run) { runs[1].Last++; runs[2].First++ }},
	} {
		output := lyingMerge(t, inputs, func(w *Writer) {
			if len(w.index.refs) != 2 || len(w.index.runs) != 4 {
				t.Fatalf("%d blocks with runs %v: the lies are about others", len(w.index.refs), w.index.runs)
			}
			tt.lie(w.index.runs)
		})
		var wrong *MismatchError
		err := Compare([]*Reader{output}, inputs, 0, nil)
		if tt.ok && err != nil || !tt.ok && (!errors.As(err, &wrong) || wrong.Column != "coverage") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// Statistics answer queries without the rows: false ones are found although every row is right.
func TestCompareFindsFalseStatistics(t *testing.T) {
	inputs := [][]byte{
		fileOf(t, mergeInput(0), series([]numbers{{1, 0, 600, 2}}, oneField)),
		fileOf(t, mergeInput(1), series([]numbers{{1, 1, 600, 2}, {2, 0, 30, 1}}, oneField)),
	}
	_, made := mergeFiles(t, mergeAbout, inputs...)
	l := layoutOf(t, made[0])
	found := 0
	for _, block := range l.blocks {
		d, err := parseDirectory(made[0][block.directory.from:], block.directory.from)
		if err != nil {
			t.Fatal(err)
		}
		for i := range d.columns {
			c := &d.columns[i]
			if len(c.stats) == 0 {
				continue
			}
			b := bytes.Clone(made[0])
			at := bytes.Index(b[block.sums[i]:], c.stats)
			b[block.sums[i]+int64(at+len(c.stats)-1)] ^= 1
			l.mend(b)
			var wrong *MismatchError
			if err := Compare([]*Reader{openBytes(t, b, ReaderOptions{})}, readersOf(t, inputs), 0, nil); !errors.As(err, &wrong) {
				t.Errorf("%s: %v", c, err)
			}
			found++
		}
	}
	if len(l.blocks) != 2 || found < 10 {
		t.Errorf("%d columns with statistics in %d blocks", found, len(l.blocks))
	}
}

// Which outputs may stand beside each other.
func TestCompareLooksAtWindows(t *testing.T) {
	rows := series([]numbers{{1, 0, 100, 1}}, oneField)
	input := readersOf(t, [][]byte{fileOf(t, testOptions, rows)})
	file := func(rows []stored) []byte { return fileOf(t, testOptions, rows) }
	for _, tt := range []struct {
		name    string
		outputs [][]byte
		ok      bool
	}{
		{"each in its own", [][]byte{file(rows[:50]), file(rows[50:])}, true},
		{"in another order", [][]byte{file(rows[50:]), file(rows[:50])}, true},
		{"all in one", [][]byte{file(rows)}, false},
		{"a window in two", [][]byte{file(rows[:20]), file(rows[20:50]), file(rows[50:])}, false},
		{"a row in the other", [][]byte{file(rows[:49]), file(rows[49:])}, false},
		{"no outputs", nil, false},
	} {
		err := Compare(readersOf(t, tt.outputs), input, 50e9, nil)
		if (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if err := Compare(nil, nil, 0, nil); !errors.Is(err, ErrEmpty) {
		t.Errorf("nothing: %v", err)
	}
}

// A frame of a window with an output of its own is wrong in the rest, whether its block was decoded or is that of the input.
func TestCompareLooksAtTheRest(t *testing.T) {
	const width = 1000e9 // one number a second: windows 0 and 1 make the rest, 2 to 16 have outputs of their own
	var others []numbers
	for d := range uint64(MaxOutputs + 1) {
		others = append(others, numbers{int(d), 1000 * d, 1000*d + 300, 1})
	}
	guest := device(50)
	for _, tt := range []struct {
		name   string
		guests numbers // from 2000 on they do not belong into the rest
	}{
		{"a few rows", numbers{50, 2000, 2003, 1}},
		{"a block of the input", numbers{50, 2000, 2300, 1}},
		{"the last row of a block of the input", numbers{50, 1701, 2001, 1}},
	} {
		rows := series(append(slices.Clone(others), tt.guests), oneField)
		input := readersOf(t, [][]byte{fileOf(t, testOptions, rows)})
		outputs := func(astray bool) []*Reader {
			parts := make([][]stored, MaxOutputs)
			for _, r := range rows {
				part := max(0, Window(r.rec.TimeNS, width)-1)
				if astray && r.key == guest {
					part = 0
				}
				parts[part] = append(parts[part], r)
			}
			var files [][]byte
			for _, p := range parts {
				files = append(files, fileOf(t, testOptions, p))
			}
			return readersOf(t, files)
		}
		if err := Compare(outputs(false), input, width, nil); err != nil {
			t.Errorf("%s, where they belong: %v", tt.name, err)
		}
		var wrong *MismatchError
		err := Compare(outputs(true), input, width, nil)
		if !errors.As(err, &wrong) || wrong.Column != "window" || wrong.Key != guest || wrong.Seq != 2000 {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// Only one output has several windows.
func TestCompareLooksForOneRest(t *testing.T) {
	rows, parts := []stored(nil), make([][]byte, MaxOutputs)
	for i := range parts { // the first has windows 0 and 1, the second 2 and 3, each of the others one
		from, n := uint64(len(rows)), uint64(1)
		if i < 2 {
			n = 2
		}
		part := series([]numbers{{i, from, from + n, 1}}, oneField)
		rows = append(rows, part...)
		parts[i] = fileOf(t, testOptions, part)
	}
	var wrong *MismatchError
	err := Compare(readersOf(t, parts), readersOf(t, [][]byte{fileOf(t, testOptions, rows)}), 1e9, nil)
	if !errors.As(err, &wrong) || wrong.Column != "window" {
		t.Error(err)
	}
}

// FuzzCompare changes bytes of a merge's output and makes its checksums right again: nothing panics, and what passes gives the rows, coverage and
// statistics that the merge gave.
func FuzzCompare(f *testing.F) {
	inputs := [][]byte{
		fileOf(f, mergeInput(0), series([]numbers{{1, 0, 300, 1}, {2, 0, 20, 2}}, oneField)),
		fileOf(f, mergeInput(1), series([]numbers{{2, 1, 20, 2}, {3, 0, 3, 1}}, oneField)),
	}
	_, made := mergeFiles(f, mergeAbout, inputs...)
	l := layoutOf(f, made[0])
	want, err := dump(openBytes(f, made[0], ReaderOptions{}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), uint32(0), byte(0), byte(0), true)
	f.Add(l.edit(1), l.edit(4), byte(7), byte(9), true)
	f.Add(uint32(1428), uint32(1109), byte(0xa3), byte(1), true) // the length of a block in the entry of its second run
	f.Add(uint32(l.pages[0].from+20), uint32(l.footer.from+80), byte(1), byte(2), true)
	f.Fuzz(func(t *testing.T, at, at2 uint32, v, v2 byte, mend bool) {
		b := bytes.Clone(made[0])
		b[int(at%uint32(len(b)))] ^= v
		b[int(at2%uint32(len(b)))] ^= v2
		if mend {
			l.mend(b)
		}
		r, err := NewReader(bytes.NewReader(b), int64(len(b)), ReaderOptions{})
		if err != nil || Compare([]*Reader{r}, readersOf(t, inputs), 0, nil) != nil {
			return
		}
		if got, err := dump(r); err != nil || got != want {
			t.Fatalf("Compare passes what reads as\n%s, %v", got, err)
		}
		_, _ = Merge(vfs.NewMem(), ".", MergeOptions{Options: r.Options()}, []*Reader{r})
	})
}
