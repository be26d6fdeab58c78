//go:build bug_merge_boundary

package segment

// Breaks: every row of the inputs of a merge is in its outputs. The first one behind a full block is not put into the next.
func (w *Writer) placeStretch(b *sourceBlock, from, to int) {
	for from < to && w.err == nil {
		n := w.room(b, from, to)
		if n == 0 {
			w.closeBlock()
			from++
			continue
		}
		w.take(b, from, from+n)
		from += n
	}
}
