//go:build !bug_flush_drops_frame

package segment

import "github.com/gaplessdb/gapless/frame"

// place puts a frame into the block at hand, or where that has no room for it into the next one: none is left out. fresh and size say how many
// columns it needs anew and how large its values are.
func (w *Writer) place(row *Row, fields []frame.Field, raw []byte, fresh, size int) {
	b := w.block
	if b.full(fresh, size) || w.open && len(b.runs) > 1 && b.last().rows == sharedRows {
		w.closeBlock()
	}
	if !w.open {
		b.begin(w.key, w.ordinal)
		w.open = true
	}
	b.add(row, fields, raw, size)
}
