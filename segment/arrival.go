package segment

import (
	"cmp"
	"math"
	"sort"
	"unsafe"

	"github.com/gaplessdb/gapless/frame"
)

// Commit is a place in the log: the Raft index of an entry and the place of a row in it. Commits of one history order all of its rows.
type Commit struct {
	Index   uint64
	Ordinal uint32
}

// EndOf is behind every row of the entry at index, and before every row of the next.
func EndOf(index uint64) Commit { return Commit{index, math.MaxUint32} }

// Compare orders commits as they were made: -1, 0 or +1.
func (c Commit) Compare(o Commit) int {
	return cmp.Or(cmp.Compare(c.Index, o.Index), cmp.Compare(c.Ordinal, o.Ordinal))
}

// Before reports whether c was made before o.
func (c Commit) Before(o Commit) bool {
	return c.Index < o.Index || c.Index == o.Index && c.Ordinal < o.Ordinal
}

// Commit is where the row was committed.
func (r *Row) Commit() Commit { return Commit{r.Index, r.Ordinal} }

// arrivals is the order in which the rows of a head came: 8 bytes a row, append only. Rows are moved by inserts and splits, so an entry does not
// say where its row is but which number it has, and the row is found again by that:
//
//	entry = line, 32 bits │ low 32 bits of seq          line = stream, epoch, high 32 bits of seq
//
// Nearly every epoch has one line. One whose numbers leave the range of 32 bits gets another each time they do.
type arrivals struct {
	lines []line
	full  [][]uint64 // entries, arrivalSlab in each
	tail  []uint64   // the entries behind them
}

// line is what the entries of one epoch have in common.
type line struct {
	stream  *stream
	id      frame.StreamID
	ordinal uint32
	high    uint32
}

const (
	arrivalSlab  = 1 << 13 // entries of a full slab
	arrivalFirst = 32      // entries that the first slab has room for; it grows like a chunk
	arrivalGroup = 64      // rows that are looked up together

	lineBytes = int64(unsafe.Sizeof(line{}))
	slabBytes = int64(unsafe.Sizeof([]uint64{}))
)

// arrive notes that a row of that number was appended to the epoch, and returns how many bytes that took.
func (h *Head) arrive(id frame.StreamID, s *stream, e *epoch, seq uint64) (grown int64) {
	a := &h.came
	if e.line == 0 || e.high != uint32(seq>>32) {
		grown = a.begin(id, s, e, uint32(seq>>32))
	}
	if len(a.tail) == cap(a.tail) {
		grown += a.grow()
	}
	a.tail = append(a.tail, uint64(e.line-1)<<32|seq&math.MaxUint32)
	return grown
}

// begin starts a line.
func (a *arrivals) begin(id frame.StreamID, s *stream, e *epoch, high uint32) int64 {
	room := cap(a.lines)
	a.lines = append(a.lines, line{s, id, e.ordinal, high})
	e.line, e.high = uint32(len(a.lines)), high
	return int64(cap(a.lines)-room) * lineBytes
}

// grow makes room for one more entry.
func (a *arrivals) grow() int64 {
	room := cap(a.tail)
	switch {
	case room == arrivalSlab:
		slabs := cap(a.full)
		a.full = append(a.full, a.tail)
		a.tail = make([]uint64, 0, arrivalSlab)
		return arrivalSlab*8 + int64(cap(a.full)-slabs)*slabBytes
	case room == 0:
		a.tail = make([]uint64, 0, arrivalFirst)
	default:
		a.tail = append(make([]uint64, 0, room*growFactor), a.tail...)
	}
	return int64(cap(a.tail)-room) * 8
}

func (a *arrivals) at(n int) uint64 {
	if slab := n / arrivalSlab; slab < len(a.full) {
		return a.full[slab][n%arrivalSlab]
	}
	return a.tail[n-len(a.full)*arrivalSlab]
}

// row finds the n-th row that came, from 0.
func (a *arrivals) row(n int) (*line, *Row) {
	entry := a.at(n)
	l := &a.lines[entry>>32]
	return l, l.epoch().row(uint64(l.high)<<32 | entry&math.MaxUint32)
}

// epoch finds the line's epoch, which exists.
func (l *line) epoch() *epoch {
	list := l.stream.epochs
	if last := &list[len(list)-1]; last.ordinal == l.ordinal {
		return last
	}
	return &list[l.stream.search(l.ordinal)]
}

// row finds the row of a number that is there. Most rows asked for are new, and most numbers have no hole before them.
func (e *epoch) row(seq uint64) *Row {
	c := e.chunks[len(e.chunks)-1]
	if seq < c.first() {
		c = e.chunks[e.chunkOf(seq)]
	}
	if at := seq - c.first(); at < uint64(len(c.rows)) && c.rows[at].Seq == seq {
		return &c.rows[at]
	}
	at, _ := c.find(seq)
	return &c.rows[at]
}

// Arrived is how many rows of the head were committed at or before a place in the log: where Arrivals has to begin to give what came after
// it. It costs O(log rows) lookups. Like Arrivals it relies on rows being appended in the order in which they were committed, as apply does.
func (h *Head) Arrived(upTo Commit) int {
	return sort.Search(h.frames, func(n int) bool {
		_, row := h.came.row(n)
		return upTo.Before(row.Commit())
	})
}

// Arrivals calls fn for the rows from the n-th on (from 0) in the order in which they were committed, until it returns false. A *Row is valid
// until fn returns.
//
// Consecutive rows lie far from each other, so that each costs several misses of the cache, one after the other. They are looked up in groups, step
// by step: then the processor waits for many of them at a time.
func (h *Head) Arrivals(n int, fn func(id frame.StreamID, ordinal uint32, row *Row) bool) {
	var lines [arrivalGroup]*line
	var epochs [arrivalGroup]*epoch
	var rows [arrivalGroup]*Row
	for n < h.frames {
		k := min(h.frames-n, arrivalGroup)
		for i := range k {
			lines[i] = &h.came.lines[h.came.at(n+i)>>32]
		}
		for i, l := range lines[:k] {
			epochs[i] = l.epoch()
		}
		for i, e := range epochs[:k] {
			rows[i] = e.row(uint64(lines[i].high)<<32 | h.came.at(n+i)&math.MaxUint32)
		}
		for i, row := range rows[:k] {
			if !fn(lines[i].id, lines[i].ordinal, row) {
				return
			}
		}
		n += k
	}
}
