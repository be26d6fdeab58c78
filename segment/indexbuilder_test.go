package segment

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment/column"
)

// An index that no page can hold fails the flush: the process, and with it the log, goes on.
func TestIndexThatFitsNoPage(t *testing.T) {
	for name, finish := range map[string]func(w *Writer) error{
		"at the end": func(w *Writer) error { _, err := w.Finish(); return err },
		"while epochs follow": func(w *Writer) error {
			w.index.entries[0].size = 2 * pageBytes // a page of its own, made when the next one is full
			var err error
			for i := 0; err == nil && i < 3; i++ {
				if err = w.Begin(frame.StreamKey{Tenant: fmt.Sprint("t", i), Device: "d", Stream: "0"}, 1); err == nil { // each in a block of its own
					err = w.Add(&Record{Row: Row{Seq: 1}})
				}
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := NewWriter(&bytes.Buffer{}, testOptions)
			if err := w.Begin(frame.StreamKey{Tenant: "default", Device: "mill-07", Stream: "0"}, 3); err != nil {
				t.Fatal(err)
			}
			if err := w.Add(&Record{Row: Row{Seq: 1}}); err != nil {
				t.Fatal(err)
			}
			w.closeBlock()
			w.index.refs = append(w.index.refs, make([]blockRef, column.MaxValues)...) // what add should have prevented
			err := finish(w)
			if err == nil || !strings.Contains(err.Error(), "mill-07") || !strings.Contains(err.Error(), "epoch 3") {
				t.Errorf("%v, want an error that names the epoch", err)
			}
			if _, again := w.Finish(); again == nil {
				t.Error("a segment without its index can be finished")
			}
		})
	}
}
