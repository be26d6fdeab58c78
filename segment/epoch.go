package segment

import "slices"

// epoch holds the rows of one life of a stream's counter.
type epoch struct {
	ordinal    uint32
	line, high uint32 // of the last row that came: line number from 1, 0 before the first; see arrivals
	chunks     []*chunk
}

// append adds the row and returns how many bytes the epoch grew by, or false when its number is there already.
func (e *epoch) append(row *Row) (grown int64, ok bool) {
	if n := len(e.chunks); n > 0 {
		tail := e.chunks[n-1]
		if row.Seq > tail.last() {
			if !tail.full() {
				return int64(tail.push(row)) * rowBytes, true
			}
			return e.addChunk(n, chunkRows, row), true
		}
		return e.insert(row)
	}
	return e.addChunk(0, firstRows, row), true
}

// insert adds a row below the highest one.
func (e *epoch) insert(row *Row) (grown int64, ok bool) {
	i := e.chunkOf(row.Seq)
	if i < 0 { // below every row: the front of the first chunk, or a new one in front of a full one
		if e.chunks[0].full() {
			return e.addChunk(0, firstRows, row), true
		}
		return int64(e.chunks[0].insert(0, row)) * rowBytes, true
	}
	c := e.chunks[i]
	at, found := c.find(row.Seq)
	if found {
		return 0, false
	}
	if !c.full() {
		return int64(c.insert(at, row)) * rowBytes, true
	}
	if at == len(c.rows) { // in the hole behind a full chunk: a backfill in order must not split at every row
		return e.addChunk(i+1, firstRows, row), true
	}
	upper := c.split(at)
	e.chunks = slices.Insert(e.chunks, i+1, upper)
	grown = chunkBytes + int64(cap(upper.rows))*rowBytes
	if at > len(c.rows) {
		c, at = upper, at-len(c.rows)
	}
	return grown + int64(c.insert(at, row))*rowBytes, true
}

// addChunk starts a new chunk at place at of the list with the row.
func (e *epoch) addChunk(at, room int, row *Row) int64 {
	c := newChunk(room)
	c.push(row)
	e.chunks = slices.Insert(e.chunks, at, c)
	return chunkBytes + int64(room)*rowBytes
}

// chunkOf returns the last chunk that starts at or below seq, -1 when there is none.
func (e *epoch) chunkOf(seq uint64) int {
	lo, hi := 0, len(e.chunks)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if e.chunks[mid].first() <= seq {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo - 1
}

// seek returns the place of the first row at or above seq; chunk == len(e.chunks) when there is none.
func (e *epoch) seek(seq uint64) (chunk, row int) {
	i := max(e.chunkOf(seq), 0)
	if i == len(e.chunks) {
		return i, 0
	}
	at, _ := e.chunks[i].find(seq)
	if at == len(e.chunks[i].rows) {
		return i + 1, 0
	}
	return i, at
}

// last returns the row with the highest number. An epoch in a head has at least one row.
func (e *epoch) last() *Row {
	tail := e.chunks[len(e.chunks)-1]
	return &tail.rows[len(tail.rows)-1]
}
