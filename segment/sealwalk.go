package segment

import (
	"cmp"
	"fmt"
	"math"
	"sort"

	"github.com/gaplessdb/gapless/frame"
)

// SealWalk goes through the rows of several segments whose seal ordinals lie in a range, in the order of one segment: by key, epoch and seq. A row
// that several inputs have, as the inputs and the output of a merge do, comes once, and must be the same in all of them. It is for one goroutine.
//
// It has a block of an input in memory from the first row of it that it comes to until it is behind the last one: so memory follows how many inputs
// overlap, and not how many there are. Blocks without a row in the range are not read, but for their seal ordinals.
type SealWalk struct {
	sources []*sealSource
	epochs  *epochMerge
	rooms   *sealRooms

	ahead   []*sealCursor // the epoch at hand, as far as it lies ahead
	cursors []*sealCursor // room for them
	rows    SealedRows
}

// SealedRows are consecutive rows of one epoch and one seal ordinal in a block, between which no other input has one. They are valid until the walk
// goes on.
type SealedRows struct {
	Block    *SealedBlock
	From, To int // To is excluded
	Seal     uint32
}

// WalkSeals begins a walk through the rows with seal ordinals first..last. before, which may be nil, is called before so many bytes are read; its
// error ends the walk.
func WalkSeals(in []*Reader, first, last uint32, before func(n int) error) (*SealWalk, error) {
	w := newSealWalk(in, first, last, before)
	var err error
	w.epochs, err = newEpochMerge(in, nil) // for its epochs alone
	return w, err
}

// WalkTimes begins a walk through all rows that reads no more of a block than numbers, times, classes and flags: they alone are compared.
func WalkTimes(in []*Reader, before func(n int) error) (*SealWalk, error) {
	w, err := WalkSeals(in, 1, math.MaxUint32, before)
	for _, s := range w.sources {
		s.times = true
	}
	return w, err
}

// Only leaves out the rows of the range whose seal ordinal is not wanted. It is called before the first Next.
func (w *SealWalk) Only(wanted func(ordinal uint32) bool) {
	for _, s := range w.sources {
		s.only = wanted
	}
}

// Seek passes over the epochs below one; the next Next goes on behind them. What it passes over is not read, but for a few pages of the index.
func (w *SealWalk) Seek(key frame.StreamKey, epoch uint32) error {
	return w.epochs.seek(appendKey(nil, key), epoch)
}

// Find goes to an epoch ahead. It is false where no input has it; Rows is then that of another one.
func (w *SealWalk) Find(key frame.StreamKey, epoch uint32) (bool, error) {
	wanted := appendKey(nil, key)
	if err := w.epochs.seek(wanted, epoch); err != nil {
		return false, err
	}
	low := w.epochs.low()
	if low == nil || low.compare(wanted, epoch) != 0 {
		return false, nil
	}
	_, _, ok, err := w.Next()
	return ok, err
}

// WalkSealsOf is WalkSeals for one epoch, which is at hand at once.
func WalkSealsOf(in []*Reader, key frame.StreamKey, epoch, first, last uint32, before func(n int) error) (*SealWalk, error) {
	w := newSealWalk(in, first, last, before)
	for i, r := range in {
		e, ok, err := r.Epoch(key, epoch)
		if err != nil {
			return nil, err
		}
		if ok {
			w.ahead = append(w.ahead, &sealCursor{src: w.sources[i], key: appendKey(nil, key), ordinal: epoch, refs: e.refs})
		}
	}
	return w, nil
}

func newSealWalk(in []*Reader, first, last uint32, before func(n int) error) *SealWalk {
	if before == nil {
		before = func(int) error { return nil }
	}
	w := &SealWalk{rooms: newSealRooms()}
	for _, r := range in {
		w.sources = append(w.sources, newSealSource(r, w.rooms, first, last, before))
	}
	return w
}

// Next goes to the next epoch of any input, which may have no row in the range. It is false behind the last one.
func (w *SealWalk) Next() (key frame.StreamKey, epoch uint32, ok bool, err error) {
	m := w.epochs
	w.ahead = w.ahead[:0]
	for i, s := range w.sources { // what was passed over is not read any more
		s.next = m.begins(i)
		s.leave(nil)
	}
	if ok, err = m.next(); !ok {
		return key, 0, false, err
	}
	for len(w.cursors) < len(m.ahead) {
		w.cursors = append(w.cursors, &sealCursor{})
	}
	w.ahead = append(w.ahead[:0], w.cursors[:len(m.ahead)]...)
	for i, c := range m.ahead {
		src := w.sources[c.src.number]
		src.next = m.begins(c.src.number)
		*w.ahead[i] = sealCursor{src: src, key: m.key, ordinal: m.ordinal, refs: c.refs}
	}
	return parseKey(m.key), m.ordinal, true, nil
}

// Rows returns the next rows of the epoch at hand, nil behind the last one.
func (w *SealWalk) Rows() (*SealedRows, error) {
	for {
		low, rival, alone := w.lowest()
		switch {
		case low == nil:
			return nil, nil
		case !low.begun:
			if err := low.begin(); err != nil {
				return nil, err
			}
		case !alone && low.seq() == rival:
			if err := w.rival(low); err != nil {
				return nil, err
			}
		default:
			to := low.before(rival, alone)
			w.rows = SealedRows{low.src.block, low.row, to, of(low.src.block.seal, low.row)}
			low.take(to)
			return &w.rows, nil
		}
	}
}

// lowest is the input whose row is next, nil behind the last one; and how far its rows go before another's may: below the number rival, unless it
// is alone. Of an input whose block is not begun it is only known that its rows are not below.
func (w *SealWalk) lowest() (low *sealCursor, rival uint64, alone bool) {
	alone = true
	left := w.ahead[:0]
	for _, c := range w.ahead {
		if len(c.refs) == 0 {
			continue
		}
		left = append(left, c)
		seq := c.seq()
		switch {
		case low == nil:
			low = c
		case seq < low.seq():
			low, rival, alone = c, low.seq(), false
		case alone || seq < rival:
			rival, alone = seq, false
		}
	}
	w.ahead = left
	return low, rival, alone
}

// rival deals with an input that has the number at hand, too: it begins its block, or compares its rows and goes behind them.
func (w *SealWalk) rival(low *sealCursor) error {
	for _, c := range w.ahead {
		switch {
		case c == low || c.seq() != low.seq():
			continue
		case !c.begun:
			return c.begin()
		}
		return low.same(c)
	}
	return nil // there is one: lowest has seen it
}

// sealCursor is the place in one input's rows of an epoch.
type sealCursor struct {
	src     *sealSource
	key     []byte
	ordinal uint32
	refs    []blockRef // the block at hand and those behind it

	begun        bool
	row, to, end int // of the block at hand, once it is begun: rows that are next, of one seal ordinal, and the end of the epoch's
}

// seq is the number at hand, or one below it.
func (c *sealCursor) seq() uint64 {
	if c.begun {
		return c.src.block.Seq[c.row]
	}
	return c.refs[0].firstSeq
}

// begin reads the block at hand. Where it has no row in the range the next one is at hand.
func (c *sealCursor) begin() error {
	run, wanted, err := c.src.load(&c.refs[0], c.key, c.ordinal)
	if err != nil {
		return err
	}
	if !wanted {
		c.refs = c.refs[1:]
		return nil
	}
	c.begun, c.end = true, run.first+run.rows
	c.take(run.first)
	return nil
}

// take puts the rows before to behind the cursor, with those that follow and are not asked for, and the block with the last of them.
func (c *sealCursor) take(to int) {
	seal := c.src.block.seal
	if len(seal) == 1 && to < c.end { // all of the block, or it would not be begun
		c.row, c.to = to, c.end
		return
	}
	for to < c.end && !c.src.wants(seal[to]) {
		to++
	}
	if to == c.end {
		c.refs, c.begun = c.refs[1:], false
		c.src.leave(c.refs)
		return
	}
	c.row, c.to = to, to+1
	for c.to < c.end && seal[c.to] == seal[to] {
		c.to++
	}
}

// before is how far the rows at hand go before a number.
func (c *sealCursor) before(rival uint64, alone bool) int {
	seqs := c.src.block.Seq
	if alone || seqs[c.to-1] < rival {
		return c.to
	}
	return c.row + sort.Search(c.to-c.row, func(i int) bool { return seqs[c.row+i] >= rival })
}

// same compares the rows that two inputs have both, from the number at hand on, and puts those of the other behind its cursor.
func (c *sealCursor) same(o *sealCursor) error {
	a, b := c.src.block, o.src.block
	n := 1
	for most := min(c.to-c.row, o.to-o.row); n < most && a.Seq[c.row+n] == b.Seq[o.row+n]; n++ {
	}
	if d, ok := a.sealDiffers(b, c.row, o.row, n); ok {
		return &ConflictError{
			Key: parseKey(c.key), Epoch: c.ordinal, Seq: a.Seq[c.row+d.row], First: c.src.name(), Second: o.src.name(),
			Column: d.column, Want: fmt.Sprint(d.want), Got: fmt.Sprint(d.got),
		}
	}
	o.take(o.row + n)
	return nil
}

// name is what messages call the segment.
func (s *sealSource) name() string { return cmp.Or(s.r.opt.Path, s.r.opt.Name.String()) }
