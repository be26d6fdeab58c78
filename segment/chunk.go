package segment

import "unsafe"

const (
	chunkRows  = 256 // rows of a full chunk: an insert moves at most so many
	firstRows  = 4   // rows that the first chunk of an epoch has room for: most streams of a large fleet are short
	growFactor = 4   // a chunk with no room left gets so many times its room, up to chunkRows

	rowBytes   = int64(unsafe.Sizeof(Row{}))
	chunkBytes = int64(unsafe.Sizeof(chunk{})) + int64(unsafe.Sizeof((*chunk)(nil)))
)

// chunk is a short ordered piece of an epoch. It is never empty once it is in an epoch.
type chunk struct {
	rows         []Row
	minNS, maxNS int64 // bounds of the rows' FiledNS
}

func newChunk(room int) *chunk { return &chunk{rows: make([]Row, 0, room)} }

func (c *chunk) first() uint64 { return c.rows[0].Seq }
func (c *chunk) last() uint64  { return c.rows[len(c.rows)-1].Seq }
func (c *chunk) full() bool    { return len(c.rows) == chunkRows }

// find returns the place of seq in the chunk, or the place where it belongs and false.
func (c *chunk) find(seq uint64) (int, bool) {
	lo, hi := 0, len(c.rows)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if c.rows[mid].Seq < seq {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo, lo < len(c.rows) && c.rows[lo].Seq == seq
}

// push adds the row behind the others. The chunk is not full. It returns by how many rows its room grew.
func (c *chunk) push(row *Row) (grown int) {
	if len(c.rows) == cap(c.rows) {
		grown = c.grow()
	}
	c.bound(row.FiledNS())
	c.rows = append(c.rows, *row)
	return grown
}

// insert is push for place at, which find gave.
func (c *chunk) insert(at int, row *Row) (grown int) {
	last := len(c.rows)
	grown = c.push(row)
	if at < last {
		copy(c.rows[at+1:], c.rows[at:])
		c.rows[at] = *row
	}
	return grown
}

func (c *chunk) grow() (grown int) {
	room := cap(c.rows)
	rows := make([]Row, len(c.rows), min(room*growFactor, chunkRows))
	copy(rows, c.rows)
	c.rows = rows
	return cap(rows) - room
}

// bound widens the chunk's times to hold ns. It runs before the row is added.
func (c *chunk) bound(ns int64) {
	if len(c.rows) == 0 {
		c.minNS, c.maxNS = ns, ns
		return
	}
	c.minNS, c.maxNS = min(c.minNS, ns), max(c.maxNS, ns)
}

// split cuts a full chunk in two for a row that belongs at place at, 0 < at < len, and returns the upper part. It cuts in the middle, but
// near an end right at the row: a backfill comes in order, and then what it fills stays full instead of half full.
func (c *chunk) split(at int) *chunk {
	cut := len(c.rows) / 2
	if margin := len(c.rows) / 8; at < margin || at >= len(c.rows)-margin {
		cut = at
	}
	room := firstRows
	for room <= len(c.rows)-cut {
		room *= growFactor
	}
	upper := newChunk(min(room, chunkRows))
	upper.rows = append(upper.rows, c.rows[cut:]...)
	clear(c.rows[cut:]) // let go of the moved bodies
	c.rows = c.rows[:cut]
	c.measure()
	upper.measure()
	return upper
}

// measure computes the time bounds anew.
func (c *chunk) measure() {
	c.minNS = c.rows[0].FiledNS()
	c.maxNS = c.minNS
	for i := range c.rows {
		ns := c.rows[i].FiledNS()
		c.minNS, c.maxNS = min(c.minNS, ns), max(c.maxNS, ns)
	}
}
