package segment

import (
	"bytes"
	"fmt"
)

// sameBlock reports whether both sides are at the beginning of equal blocks, each with rows of one epoch and the same entry in its index. Then
// they are behind them.
func (c *comparer) sameBlock(want, got *epochCursor) (bool, error) {
	ref := got.refs[0]
	a, b := want.refs[0], ref
	b.offset = a.offset
	if want.block != nil || got.block != nil || a != b || ref.run != 0 || ref.rows < sharedRows ||
		Window(ref.minNS, c.width) != Window(ref.maxNS, c.width) {
		return false, nil
	}
	if err := want.src.read(&a); err != nil {
		return false, err
	}
	block, ok, err := got.src.verbatim(&ref, c.out.key, c.out.ordinal)
	if err != nil || !ok || !bytes.Equal(want.src.buf, block) {
		return false, err
	}
	if err := c.inWindow(got.src.number, ref.minNS, ref.firstSeq); err != nil {
		return false, err
	}
	f := &c.found[got.src.number]
	f.note(&ref)
	f.frames += uint64(ref.rows)
	f.runs = joinRuns(f.runs, 0, clipRuns(nil, want.runs, ref.firstSeq, ref.lastSeq))
	want.skip()
	got.skip()
	return true, nil
}

// note widens the times of an output by those of a block.
func (f *outputFound) note(ref *blockRef) {
	f.minNS, f.maxNS = min(f.minNS, ref.minNS), max(f.maxNS, ref.maxNS)
}

// begin decodes the block at hand of an output, and compares what its directory and its entry in the index say with its rows.
func (c *comparer) begin(got *epochCursor) error {
	if got.block != nil {
		return nil
	}
	if err := got.begin(); err != nil {
		return err
	}
	ref, f := &got.refs[0], &c.found[got.src.number]
	if f.checked != got.block.serial {
		if err := c.statistics(got); err != nil {
			return err
		}
		f.checked = got.block.serial
	}
	rows := &got.block.rows
	lo, hi := rows.filed(got.row), rows.filed(got.row)
	for row := got.row; row < got.end; row++ {
		ns := rows.filed(row)
		lo, hi = min(lo, ns), max(hi, ns)
	}
	if lo != ref.minNS || hi != ref.maxNS {
		return c.differs(ref.firstSeq, "times in the index", []int64{lo, hi}, []int64{ref.minNS, ref.maxNS})
	}
	f.note(ref)
	return nil
}

// statistics compares what the directory of the block at hand says with its columns.
func (c *comparer) statistics(got *epochCursor) error {
	d, seq := got.src.dir, got.refs[0].firstSeq
	if err := d.checkBounds(&got.block.rows); err != nil {
		return c.differs(seq, "bounds in the directory", "those of the rows", err)
	}
	fields := got.block.fields
	for i := range d.columns {
		col := &d.columns[i]
		if col.part != partField {
			continue
		}
		said, err := col.statistics()
		if err != nil {
			return got.src.damage(err, "block directory", d.offset)
		}
		found := fields[0].statistics(&c.room)
		if found.Name = said.Name; !said.same(&found) {
			return c.differs(seq, "statistics of "+col.String(), fmt.Sprintf("%+v", found), fmt.Sprintf("%+v", said))
		}
		fields = fields[1:]
	}
	return nil
}

// inWindow makes sure that a row of an output belongs there.
func (c *comparer) inWindow(output int, ns int64, seq uint64) error {
	window := Window(ns, c.width)
	f := c.out.sources[output].r.footer
	if c.rest[output] && !c.own[window] || !c.rest[output] && window == Window(f.minNS, c.width) {
		return nil
	}
	return c.differs(seq, "window", window, fmt.Sprintf("that of an output with times from %d to %d", f.minNS, f.maxNS))
}

// rows compares the next n rows of both sides.
func (c *comparer) rows(want, got *epochCursor, n int) error {
	a, b := want.block, got.block
	seqs, others := a.rows.seq[want.row:want.row+n], b.rows.seq[got.row:got.row+n]
	for i, seq := range seqs {
		if other := others[i]; other < seq {
			return c.wrongRow(c.out, other, true)
		} else if other > seq {
			return c.wrongRow(c.in, seq, false)
		}
	}
	for i, seq := range others {
		if err := c.inWindow(got.src.number, b.rows.filed(got.row+i), seq); err != nil {
			return err
		}
	}
	if d, ok := a.rows.differs(&b.rows, want.row, got.row, n); ok {
		return c.differs(seqs[d.row], d.column, d.want, d.got)
	}
	if d, ok := a.differs(b, want.row, got.row, n); ok {
		return c.differs(seqs[d.row], d.column, d.want, d.got)
	}
	f := &c.found[got.src.number]
	f.frames += uint64(n)
	f.runs = appendRuns(f.runs, 0, others)
	want.take(want.row + n)
	got.take(got.row + n)
	return nil
}

// difference is where two stretches differ.
type difference struct {
	row       int // of the stretch
	column    string
	want, got any
}

// differs compares n rows of two blocks but for their numbers and values.
func (b *blockRows) differs(o *blockRows, at, other, n int) (d difference, ok bool) {
	ok = differ(&d, "device time", b.time, o.time, at, other, n) ||
		differ(&d, "receive time", b.receive, o.receive, at, other, n) ||
		differ(&d, "class", b.class, o.class, at, other, n) ||
		differ(&d, "flags", b.flags, o.flags, at, other, n) ||
		differ(&d, "seal", b.seal, o.seal, at, other, n) ||
		differ(&d, "Raft index", b.index, o.index, at, other, n) ||
		differ(&d, "ordinal", b.ordinal, o.ordinal, at, other, n)
	return d, ok
}

// differ finds the first row with different values in two lists, which may be collapsed.
func differ[T comparable](d *difference, column string, a, b []T, at, other, n int) bool {
	for row := range n {
		if x, y := of(a, at+row), of(b, other+row); x != y {
			*d = difference{row, column, x, y}
			return true
		}
	}
	return false
}
