package segment

import (
	"bytes"
	"errors"
	"testing"

	"github.com/gaplessdb/gapless/vfs"
)

// span is 10 numbers of an epoch from a first one on.
type span struct {
	device  int
	ordinal uint32
	first   uint64
}

// pagedFile is a file whose index has a page for each list, in this order. Each page begins where the top index says.
func pagedFile(t *testing.T, pages [][]span) []byte {
	t.Helper()
	var file bytes.Buffer
	w := NewWriter(&file, mergeInput(0))
	type id struct {
		device  int
		ordinal uint32
	}
	epochs := map[id]bool{}
	for _, page := range pages {
		for _, s := range page {
			w.begin(w.keep(device(s.device)), s.ordinal)
			for n := range uint64(10) {
				if err := w.Add(&Record{Row: Row{Seq: s.first + n, Class: 1, Seal: 1}}); err != nil {
					t.Fatal(err)
				}
			}
			for i := range w.index.entries {
				w.index.entries[i].ordinal = 0 // none goes on: each span has an entry of its own
			}
			w.closeBlock()
			epochs[id{s.device, s.ordinal}] = true
		}
		for i, s := range page {
			w.index.entries[i].ordinal = s.ordinal
		}
		w.index.flush(true)
	}
	w.index.epochs = uint32(len(epochs))
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// readings are all ways to read a device index whose second page begins with an epoch of device 1.
var readings = map[string]func(r *Reader) error{
	"Each":   func(r *Reader) error { _, err := dump(r); return err },
	"Epochs": func(r *Reader) error { _, err := r.Epochs(device(1)); return err },
	"Epoch":  func(r *Reader) error { _, _, err := r.Epoch(device(1), 1); return err },
	"Seals":  func(r *Reader) error { _, _, err := r.Seals(); return err },
	"WalkSeals": func(r *Reader) error {
		_, err := walked([]*Reader{r}, 1, 9)
		return err
	},
	"Find": func(r *Reader) error {
		w, err := WalkTimes([]*Reader{r}, nil)
		if err == nil {
			_, err = w.Find(device(9), 1)
		}
		return err
	},
	"CommitMap": func(r *Reader) error { _, err := r.CommitMap(device(1).Tenant, nil); return err },
	"Merge": func(r *Reader) error {
		_, err := Merge(vfs.NewMem(), ".", mergeAbout, []*Reader{r})
		return err
	},
	"Verify": func(r *Reader) error { _, err := Verify(r.r, r.size, Name{}, nil); return err },
}

// Entries ascend in a page and from each page to the next, whoever reads them: else a walk would give an epoch twice, and numbers out of order.
func TestPagesAscend(t *testing.T) {
	for what, tt := range map[string]struct {
		pages [][]span
		fine  bool
	}{
		"in order":                    {[][]span{{{0, 1, 5}, {0, 2, 5}}, {{1, 1, 5}, {1, 2, 5}}, {{2, 1, 5}}}, true},
		"an epoch in two pages":       {[][]span{{{0, 1, 5}, {1, 1, 5}}, {{1, 1, 15}}}, true},
		"an epoch in two entries":     {[][]span{{{0, 1, 5}}, {{1, 1, 5}, {1, 1, 15}}}, true},
		"streams between pages":       {[][]span{{{0, 1, 5}, {4, 1, 25}}, {{1, 1, 5}, {4, 1, 5}}, {{2, 1, 5}}}, false},
		"epochs between pages":        {[][]span{{{0, 1, 5}, {1, 3, 5}}, {{1, 2, 5}}}, false},
		"an epoch again":              {[][]span{{{0, 1, 5}, {1, 1, 15}}, {{1, 1, 5}}}, false},
		"numbers that overlap by one": {[][]span{{{0, 1, 5}, {1, 1, 5}}, {{1, 1, 14}}}, false},
		"streams in a page":           {[][]span{{{0, 1, 5}}, {{1, 1, 5}, {3, 1, 5}, {2, 1, 5}}}, false},
		"epochs in a page":            {[][]span{{{0, 1, 5}}, {{1, 1, 5}, {1, 3, 5}, {1, 2, 5}}}, false},
		"numbers in a page":           {[][]span{{{0, 1, 5}}, {{1, 1, 15}, {1, 1, 5}}}, false},
	} {
		file := pagedFile(t, tt.pages)
		for name, read := range readings {
			r := openBytes(t, file, ReaderOptions{Path: "x.gseg", Cache: NewCache(1 << 20)})
			if len(r.top) != len(tt.pages) {
				t.Fatalf("%s: %d pages", what, len(r.top))
			}
			for range 2 { // what was refused is not in the cache
				err := read(r)
				var damage *CorruptError
				if tt.fine && err == nil || !tt.fine && errors.As(err, &damage) && damage.What == "index page" && damage.Want != "" {
					continue
				}
				t.Errorf("%s: %s: %v", what, name, err)
			}
		}
	}
}
