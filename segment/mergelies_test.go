package segment

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

// What the index of an input says of a block has to be true, whether the block is decoded or copied.
func TestMergeFindsLies(t *testing.T) {
	for _, rows := range []uint64{20, sharedRows} { // these are decoded, and those copied
		for name, lie := range map[string]func(x *indexBuilder){
			"a row more":      func(x *indexBuilder) { x.refs[0].rows++; x.runs[0].Last++; x.refs[0].lastSeq++ },
			"a row less":      func(x *indexBuilder) { x.refs[0].rows--; x.runs[0].Last--; x.refs[0].lastSeq-- },
			"others":          func(x *indexBuilder) { x.runs[0].First++; x.refs[0].firstSeq++; x.runs[0].Last++; x.refs[0].lastSeq++ },
			"another run":     func(x *indexBuilder) { x.refs[0].run++ },
			"another epoch":   func(x *indexBuilder) { x.entries[0].ordinal++ },
			"another stream":  func(x *indexBuilder) { x.entries[0].key = appendKey(nil, device(2)) },
			"a longer block":  func(x *indexBuilder) { x.refs[0].length++ },
			"a shorter block": func(x *indexBuilder) { x.refs[0].length-- },
		} {
			file := writtenFile(t, mergeInput(0), series([]numbers{{1, 10, 10 + rows, 1}}, oneField), func(w *Writer) {
				w.closeBlock()
				w.index.entries = slices.Clone(w.index.entries)
				lie(&w.index)
			})
			if err := refused(t, name, mergeAbout, file); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s, %d rows: %v", name, rows, err)
			}
		}
	}
}

// A block may go on behind an epoch with many rows, although this program ends it there: then it is not copied.
func TestMergeOfABlockWithALongRunAndMore(t *testing.T) {
	rows := series([]numbers{{1, 0, sharedRows, 1}}, oneField)
	file := writtenFile(t, mergeInput(0), rows, func(w *Writer) {
		w.key, w.any, w.open = w.keep(device(2)), false, false
		for _, r := range rows[:5] {
			if err := w.Add(&r.rec); err != nil {
				t.Fatal(err)
			}
		}
	})
	if got := rowsOfBlocks(t, file); !slices.Equal(got, []int{sharedRows + 5}) {
		t.Fatalf("blocks of %v rows", got)
	}
	outputs, made := mergeFiles(t, mergeAbout, file)
	if d := rowsDiffer(t, made, [][]byte{file}, 0); d != "" || outputs[0].Copied != 0 {
		t.Errorf("%d rows copied; %s", outputs[0].Copied, d)
	}
	for _, output := range [][]byte{made[0], file} {
		if err := Compare(readersOf(t, [][]byte{output}), readersOf(t, [][]byte{file}), 0, nil); err != nil {
			t.Error(err)
		}
	}
}

// What a writer copies ascends, like what it is given row by row.
func TestCopiedBlocksAscend(t *testing.T) {
	for name, next := range map[string]func(w *Writer, b []byte, ref blockRef) error{
		"the same block": func(w *Writer, b []byte, ref blockRef) error { return w.copyBlock(b, ref, nil) },
		"one that begins with its last row": func(w *Writer, b []byte, ref blockRef) error {
			ref.firstSeq = ref.lastSeq
			return w.copyBlock(b, ref, nil)
		},
		"a row of it":  func(w *Writer, b []byte, ref blockRef) error { return w.Add(&Record{Row: Row{Seq: ref.lastSeq}}) },
		"a row before": func(w *Writer, b []byte, ref blockRef) error { return w.Add(&Record{Row: Row{Seq: ref.firstSeq}}) },
	} {
		r := openBytes(t, fileOf(t, mergeInput(0), series([]numbers{{1, 7, 400, 1}}, oneField)), ReaderOptions{})
		m, err := newEpochMerge([]*Reader{r}, func(int) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.next(); err != nil {
			t.Fatal(err)
		}
		c := m.ahead[0]
		b, ok, err := c.src.verbatim(&c.refs[0], m.key, m.ordinal)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		w := NewWriter(&bytes.Buffer{}, testOptions)
		if err := w.copyBlock(b, c.refs[0], c.runs); !errors.Is(err, errNotBegun) {
			t.Errorf("before an epoch: %v", err)
		}
		w = NewWriter(&bytes.Buffer{}, testOptions)
		w.begin(m.key, m.ordinal)
		if err := w.copyBlock(b, c.refs[0], c.runs); err != nil {
			t.Fatal(err)
		}
		wrong := next(w, b, c.refs[0])
		if wrong == nil || !strings.Contains(wrong.Error(), "comes after 399") {
			t.Errorf("%s again: %v", name, wrong)
		}
		if err := w.copyBlock(b, c.refs[0], c.runs); err != wrong {
			t.Errorf("%s again, and then a block: %v", name, err)
		}
	}
}

// A merge that has lost a frame does not end well.
func TestMergeCountsFrames(t *testing.T) {
	inputs := readersOf(t, [][]byte{
		fileOf(t, mergeInput(0), series([]numbers{{1, 0, 5, 1}}, oneField)),
		fileOf(t, mergeInput(1), series([]numbers{{1, 5, 6, 1}}, oneField)),
	})
	m := merger{fs: vfs.NewMem(), dir: ".", opt: mergeAbout}
	if err := errors.Join(m.prepare(inputs[:1]), m.run()); err != nil {
		t.Fatal(err)
	}
	if err := m.finish(inputs); err == nil || !strings.Contains(err.Error(), "has 5 frames, its inputs have 6") {
		t.Error(err)
	}
}
