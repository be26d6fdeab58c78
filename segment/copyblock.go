package segment

import "github.com/gaplessdb/gapless/ledger"

// copyBlock writes a block of another file, which has rows of the epoch at hand and of no other, as it is. ref is what the other file's
// index says of it, runs are its numbers.
func (w *Writer) copyBlock(block []byte, ref blockRef, runs []ledger.Run) error {
	if w.err != nil {
		return w.err
	}
	if !w.begun {
		return w.fail(errNotBegun)
	}
	if w.any && ref.firstSeq <= w.lastSeq {
		return w.fail(w.disorder(ref.firstSeq))
	}
	w.closeBlock()
	ref.offset = w.out.at
	w.out.write(block)
	w.index.block = append(w.index.block[:0], runs...)
	w.index.put(&run{key: w.key, ordinal: w.ordinal, rows: int(ref.rows)}, ref)
	w.index.flush(false)
	f := &w.footer
	f.minNS, f.maxNS = min(f.minNS, ref.minNS), max(f.maxNS, ref.maxNS)
	f.frames += uint64(ref.rows)
	f.blocks++
	w.lastSeq, w.any = ref.lastSeq, true
	w.keepError()
	return w.err
}
