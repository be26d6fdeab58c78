//go:build bug_flush_drops_frame

package segment

import "github.com/gaplessdb/gapless/frame"

// Breaks: every frame of a head is in its segment. The one that did not fit into a full block is not put into the next.
func (w *Writer) place(row *Row, fields []frame.Field, raw []byte, fresh, size int) {
	b := w.block
	if b.full(fresh, size) || w.open && len(b.runs) > 1 && b.last().rows == sharedRows {
		w.closeBlock()
		return
	}
	if !w.open {
		b.begin(w.key, w.ordinal)
		w.open = true
	}
	b.add(row, fields, raw, size)
}
