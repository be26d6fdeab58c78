package segment

// A stretch is rows of one epoch that lie one behind the other in a block that was read. A merge moves rows by stretches, column by column:
// that takes a fraction of what a row at a time does.

// addStretch adds the rows from..to of a block to the epoch. The block may change afterwards.
func (w *Writer) addStretch(b *sourceBlock, from, to int) error {
	if w.err != nil {
		return w.err
	}
	if !w.begun {
		return w.fail(errNotBegun)
	}
	if first := b.rows.seq[from]; w.any && first <= w.lastSeq {
		return w.fail(w.disorder(first))
	}
	w.placeStretch(b, from, to)
	w.lastSeq, w.any = b.rows.seq[to-1], true
	return w.err
}

// room is how many of the rows from..to the block at hand can take; an empty one takes at least one.
func (w *Writer) room(b *sourceBlock, from, to int) int {
	h := w.block
	n := min(to-from, maxRows-h.rows)
	if h.rows == 0 {
		return max(1, min(n, b.sizes.fit(from, from+n, blockBytes)))
	}
	if !w.open {
		n = min(n, sharedRows)
	} else if len(h.runs) > 1 {
		n = min(n, sharedRows-h.last().rows)
	}
	if n > 0 && len(h.fields.active)+h.fields.fresh(b, from, from+n) > blockColumns {
		return 0
	}
	return min(n, b.sizes.fit(from, from+n, blockBytes-h.bytes))
}

// take puts rows into the block at hand, which has room for them.
func (w *Writer) take(b *sourceBlock, from, to int) {
	if !w.open {
		w.block.begin(w.key, w.ordinal)
		w.open = true
	}
	w.block.addStretch(b, from, to)
}

// addStretch is add for several rows.
func (b *blockBuilder) addStretch(src *sourceBlock, from, to int) {
	rows := &src.rows
	b.seq = append(b.seq, rows.seq[from:to]...)
	b.time = append(b.time, rows.time[from:to]...)
	b.receive = append(b.receive, rows.receive[from:to]...)
	b.index = append(b.index, rows.index[from:to]...)
	b.class = widen(b.class, rows.class, from, to)
	b.flags = widen(b.flags, rows.flags, from, to)
	b.seal = widen(b.seal, rows.seal, from, to)
	b.ordinal = widen(b.ordinal, rows.ordinal, from, to)
	b.fields.addStretch(b.rows, src, from, to)
	r := &b.runs[len(b.runs)-1]
	for row := from; row < to; row++ {
		ns := rows.filed(row)
		if r.rows == 0 && row == from {
			r.minNS, r.maxNS = ns, ns
		}
		r.minNS, r.maxNS = min(r.minNS, ns), max(r.maxNS, ns)
	}
	r.rows += to - from
	b.rows += to - from
	b.bytes += src.sizes.of(from, to)
}

// widen appends the values of rows in a list that may be collapsed.
func widen[T uint8 | uint16 | uint32](dst []uint64, list []T, from, to int) []uint64 {
	if len(list) == 1 {
		for range to - from {
			dst = append(dst, uint64(list[0]))
		}
		return dst
	}
	for _, v := range list[from:to] {
		dst = append(dst, uint64(v))
	}
	return dst
}
