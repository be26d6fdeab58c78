package segment

import "github.com/gaplessdb/gapless/frame"

// A block counts as full from three quarters on, of rows or of values: to fill the last quarter saves less than two bytes in a hundred and
// takes ten times as long as to copy the block.
const (
	fullRows  = maxRows / 4 * 3
	fullBytes = blockBytes / 4 * 3
)

// copyBlock copies the block that comes next as it is. It reports false where that cannot be or does not pay.
func (m *merger) copyBlock(c *epochCursor, rival uint64, alone bool) (bool, error) {
	ref := &c.refs[0]
	window, rest := m.windows.of(ref.minNS)
	if c.block != nil || ref.run != 0 || ref.rows < sharedRows || // what begins with fewer rows of an epoch may go on with another
		!alone && ref.lastSeq >= rival || // another input has a row in between
		Window(ref.maxNS, m.opt.WindowNS) != window ||
		c.src.r.footer.header.encoder != EncoderFast { // the header says of all blocks which set made them
		return false, nil
	}
	o, err := m.output(window, rest)
	if err != nil {
		return false, err
	}
	o.begin(m.in.key, m.in.ordinal)
	last := alone && len(c.refs) == 1 && !o.w.open // with what is before and behind it in the epoch, nothing can be put together
	if !last && ref.rows < fullRows {
		if err := c.src.read(ref); err != nil || c.src.dir.valueBytes() < fullBytes {
			return false, err
		}
	}
	b, ok, err := c.src.verbatim(ref, m.in.key, m.in.ordinal)
	if err != nil || !ok {
		return false, err
	}
	o.runs = clipRuns(o.runs[:0], c.runs, ref.firstSeq, ref.lastSeq)
	if err := o.w.copyBlock(b, *ref, o.runs); err != nil {
		return false, err
	}
	o.made.Copied += uint64(ref.rows)
	o.made.CopiedBlocks++
	c.skip()
	return true, nil
}

// valueBytes is what the block's values take at least, as a block counts them.
func (d *directory) valueBytes() (n int) {
	for i := range d.columns {
		c := &d.columns[i]
		switch {
		case c.part == partRaw || c.part == partField && (c.kind == frame.KindString || c.kind == frame.KindBytes):
			n += c.length - c.validLen // or many times that, if they compress well
		case c.part == partField:
			n += 8 * c.values
		}
	}
	return n
}
