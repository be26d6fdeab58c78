package segment

import (
	"bytes"
	"errors"
	"fmt"
	"sort"

	"github.com/gaplessdb/gapless/ledger"
)

// ErrTwice is found in the error of a Merge or a Compare two of whose segments hold the same frame.
var ErrTwice = errors.New("segment: a frame is in two segments")

// epochMerge goes through the rows of several segments in the order of one: by key, epoch and seq. It reads each block once.
type epochMerge struct {
	walks   []*epochWalk // nil: at its end
	sources []*blockSource

	// The epoch at hand, and what of it lies ahead.
	key     []byte
	ordinal uint32
	ahead   []*epochCursor
}

// epochCursor is the place in one segment's rows of an epoch.
type epochCursor struct {
	src     *blockSource
	key     []byte
	ordinal uint32
	runs    []ledger.Run // which numbers the segment has
	refs    []blockRef   // the block at hand and those behind it

	block    *sourceBlock // nil until the block at hand is begun
	row, end int          // what is left of it
}

func newEpochMerge(readers []*Reader, before func(n int) error) (*epochMerge, error) {
	m := &epochMerge{}
	for i, r := range readers {
		m.walks = append(m.walks, &epochWalk{r: r})
		m.sources = append(m.sources, newBlockSource(r, i, before))
		if err := m.advance(i); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *epochMerge) advance(i int) error {
	ok, err := m.walks[i].next()
	if !ok {
		m.walks[i] = nil
	}
	return err
}

// next goes to the next epoch, which has at least one row in at least one segment. It is false behind the last one.
func (m *epochMerge) next() (bool, error) {
	low := m.low()
	m.ahead = m.ahead[:0]
	if low == nil {
		return false, nil
	}
	m.key, m.ordinal = low.key, low.epoch.Ordinal
	for i, w := range m.walks {
		if w == nil || w.compare(m.key, m.ordinal) != 0 {
			continue
		}
		m.ahead = append(m.ahead, &epochCursor{src: m.sources[i], key: m.key, ordinal: m.ordinal, refs: w.epoch.refs, runs: w.epoch.runs})
		if err := m.advance(i); err != nil {
			return false, err
		}
	}
	return true, nil
}

// begins is the offset of the block in which the next epoch of a segment begins, 0 behind its last one.
func (m *epochMerge) begins(i int) int64 {
	if w := m.walks[i]; w != nil {
		return w.epoch.refs[0].offset
	}
	return 0
}

// low is the segment whose epoch is next, nil behind the last one.
func (m *epochMerge) low() (low *epochWalk) {
	for _, w := range m.walks {
		if w != nil && (low == nil || w.compare(low.key, low.epoch.Ordinal) < 0) {
			low = w
		}
	}
	return low
}

// seek passes over the epochs below one.
func (m *epochMerge) seek(key []byte, ordinal uint32) error {
	for i, w := range m.walks {
		if w == nil {
			continue
		}
		ok, err := w.seek(key, ordinal)
		if err != nil {
			return err
		}
		if !ok {
			m.walks[i] = nil
		}
	}
	return nil
}

// lowest is the segment whose row is next, nil behind the last one; and how far its rows go before another segment's: below the number
// rival, unless it is alone.
func (m *epochMerge) lowest() (low *epochCursor, rival uint64, alone bool, err error) {
	alone = true
	for i := 0; i < len(m.ahead); i++ {
		c := m.ahead[i]
		if len(c.refs) == 0 {
			m.ahead = append(m.ahead[:i], m.ahead[i+1:]...)
			i--
			continue
		}
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
	if low != nil && !alone && low.seq() == rival {
		err = fmt.Errorf("%w: seq %d of epoch %d of %q", ErrTwice, rival, m.ordinal, m.key)
	}
	return low, rival, alone, err
}

// seq is the number of the row at hand.
func (c *epochCursor) seq() uint64 {
	if c.block != nil {
		return c.block.rows.seq[c.row]
	}
	return c.refs[0].firstSeq
}

// begin decodes the block at hand. Whose rows it has, the block says as well as the index, and some readers ask the one and some the other.
func (c *epochCursor) begin() error {
	if c.block != nil {
		return nil
	}
	ref := &c.refs[0]
	b, err := c.src.load(ref)
	if err != nil {
		return err
	}
	run := &b.rows.runs[ref.run]
	if !bytes.Equal(run.key, c.key) || run.ordinal != c.ordinal {
		err := damaged("block", 0, fmt.Sprintf("epoch %d of %q in run %d as the index says", c.ordinal, c.key, ref.run),
			fmt.Sprintf("epoch %d of %q", run.ordinal, run.key))
		return c.src.damage(err, "", ref.offset)
	}
	c.block, c.row, c.end = b, run.first, run.first+run.rows
	return nil
}

// before is how far the rows at hand go in their block before a number, or to its end.
func (c *epochCursor) before(rival uint64, alone bool) (to int) {
	seqs := c.block.rows.seq
	if alone || seqs[c.end-1] < rival {
		return c.end
	}
	return c.row + sort.Search(c.end-c.row, func(i int) bool { return seqs[c.row+i] >= rival })
}

// take puts the rows before to behind the cursor, and the block with the last of them.
func (c *epochCursor) take(to int) {
	if c.row = to; c.row == c.end {
		c.refs, c.block = c.refs[1:], nil
	}
}

// skip puts the block at hand, which is not begun, behind the cursor.
func (c *epochCursor) skip() { c.refs = c.refs[1:] }
