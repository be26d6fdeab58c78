package replay

import (
	"errors"
	"strings"
	"testing"
)

// FuzzFiles reads anything: rows come in the order of their lines, each becomes a frame or is counted, and nothing panics.
func FuzzFiles(f *testing.F) {
	f.Add("device,n,at,p\nd,1,5,00\nd,,x,0\n\"d\nd\",2,7,ff\n", false)
	f.Add(`{"device":"d","n":1,"at":5,"p":"00","m":{"x":[1,{"y":2}],"z":null}}`+"\n\n{}\n[\n", true)
	f.Add("\xEF\xBB\xBF\"\"\"\"", false)
	f.Add("\x1f\x8b\x08\x00", false)
	f.Add("\x28\xb5\x2f\xfd\x04\x58\x00", true)
	f.Fuzz(func(t *testing.T, text string, numbered bool) {
		o := &Options{Mapping: Defaults(), Batch: 2, SkipBad: true}
		o.Mapping.Device, o.Mapping.Hex, o.Mapping.Raw = "{device}", []string{"p"}, "p"
		if numbered {
			o.Mapping.Seq, o.Mapping.NoSeq, o.Mapping.Time, o.Mapping.TimeFormat = "n", "unnumbered", "at", "ms"
		}
		file, err := openFile(Stdin, strings.NewReader(text), &o.Mapping)
		if err != nil {
			return
		}
		defer file.close()
		r, err := newReader(file, o)
		if err != nil {
			if !strings.Contains(err.Error(), "has no column") { // the mapping itself is right
				t.Fatal(err)
			}
			return
		}
		frames, last := 0, int64(0)
		r.seen = func(it *item) {
			if it.line <= last {
				t.Fatalf("line %d comes after line %d", it.line, last)
			}
			last = it.line
		}
		r.emit = func(b *batch) error {
			if frames += b.frames; b.frames == 0 || b.frames > 2 || len(b.lines) != b.frames {
				t.Fatalf("a batch of %d frames and %d lines", b.frames, len(b.lines))
			}
			return nil
		}
		err = r.all(t.Context())
		if c := r.counts; c.Rows != c.Filtered+c.Skipped+c.Bad+c.Frames || err == nil && c.Frames != int64(frames) {
			t.Fatalf("%+v, %d frames in batches, %v", c, frames, err)
		}
		if errors.Is(err, ErrNoSeq) {
			t.Fatal(err)
		}
	})
}

// FuzzState reads any state file.
func FuzzState(f *testing.F) {
	f.Add([]byte(`{"version":1,"sha256":"x","batches":[1,2],"counts":{"sent":1}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseState(b)
		if err != nil {
			return
		}
		for _, n := range s.Batches {
			if n < 0 || s.Version != stateVersion {
				t.Fatalf("%+v is taken", s)
			}
		}
	})
}
