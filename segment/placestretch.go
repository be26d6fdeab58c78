//go:build !bug_merge_boundary

package segment

// placeStretch puts rows into the block at hand and, where that has no room for all of them, into the next ones: none is left out.
func (w *Writer) placeStretch(b *sourceBlock, from, to int) {
	for from < to && w.err == nil {
		n := w.room(b, from, to)
		if n == 0 {
			w.closeBlock()
			continue
		}
		w.take(b, from, from+n)
		from += n
	}
}
