package segment

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

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
			temp := &bytes.Buffer{}
			m := merger{fs: vfs.NewMem(), opt: MergeOptions{Options: mergeAbout.Options}}
			inputs := readersOf(t, [][]byte{input})
			if err := m.prepare(inputs); err != nil {
				t.Fatal(err)
			}
			w := NewWriter(temp, m.opt.Options)
			o, err := m.output(0, false)
			if err != nil {
				t.Fatal(err)
			}
			o.w = w
			if err := m.run(); err != nil {
				t.Fatal(err)
			}
			w.closeBlock()
			if len(w.index.refs) != 3 || len(w.index.runs) != 4 {
				t.Fatalf("%d blocks, %d runs: the lies are about others", len(w.index.refs), len(w.index.runs))
			}
			tt.lie(w)
			if _, err := w.Finish(); err != nil {
				t.Fatal(err)
			}
			err = Compare([]*Reader{openBytes(t, temp.Bytes(), ReaderOptions{})}, inputs, 1<<50, nil)
			var wrong *MismatchError
			if tt.says == "" && err == nil || errors.As(err, &wrong) && tt.says != "" && strings.Contains(wrong.Column, tt.says) {
				return
			}
			t.Errorf("%v, want a mismatch of %q", err, tt.says)
		})
	}
}

// Statistics answer queries without the rows: false ones are found although every row is right.
func TestCompareFindsFalseStatistics(t *testing.T) {
	input := fileOf(t, mergeInput(0), series([]numbers{{1, 0, 30, 1}}, oneField))
	_, made := mergeFiles(t, mergeAbout, input)
	l := layoutOf(t, made[0])
	d, err := parseDirectory(made[0][l.blocks[0].directory.from:], l.blocks[0].directory.from)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for i := range d.columns {
		c := &d.columns[i]
		if len(c.stats) == 0 {
			continue
		}
		b := bytes.Clone(made[0])
		at := bytes.Index(b[l.blocks[0].sums[i]:], c.stats)
		b[l.blocks[0].sums[i]+int64(at+len(c.stats)-1)] ^= 1
		l.mend(b)
		var wrong *MismatchError
		if err := Compare([]*Reader{openBytes(t, b, ReaderOptions{})}, readersOf(t, [][]byte{input}), 0, nil); !errors.As(err, &wrong) {
			t.Errorf("%s: %v", c, err)
		}
		found++
	}
	if found < 5 {
		t.Errorf("%d columns with statistics", found)
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
