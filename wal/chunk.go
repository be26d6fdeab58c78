package wal

import "sort"

// chunk is a stretch of a log file in memory. buf is never written again, so slices of it may be handed out.
type chunk struct {
	file  *logFile
	first uint64 // index of the first record that begins in it, where that is known
	off   int64  // of buf in the file
	buf   []byte
}

// slice returns the bytes from off to end of f, if the chunk holds them.
func (c *chunk) slice(f *logFile, off, end int64) ([]byte, bool) {
	if c.file != f || off < c.off || end > c.off+int64(len(c.buf)) {
		return nil, false
	}
	return c.buf[off-c.off : end-c.off], true
}

// tailCache holds the newest writes, limit bytes at most. It is protected by Log.mu.
type tailCache struct {
	limit  int64
	bytes  int64
	chunks []chunk // ordered by first
}

// add appends the newest write and evicts the oldest ones to make room for it.
func (t *tailCache) add(c chunk) {
	t.chunks = append(t.chunks, c)
	t.bytes += int64(cap(c.buf))
	n := 0
	for ; n < len(t.chunks) && t.bytes > t.limit; n++ {
		t.bytes -= int64(cap(t.chunks[n].buf))
		t.chunks[n] = chunk{} // the array lives on
	}
	t.chunks = t.chunks[n:]
}

// get returns the record of index, which is at off to end in f.
func (t *tailCache) get(index uint64, f *logFile, off, end int64) ([]byte, bool) {
	i := sort.Search(len(t.chunks), func(i int) bool { return t.chunks[i].first > index })
	if i == 0 {
		return nil, false
	}
	return t.chunks[i-1].slice(f, off, end)
}

// truncate forgets what begins at index or above.
func (t *tailCache) truncate(index uint64) {
	n := len(t.chunks)
	for ; n > 0 && t.chunks[n-1].first >= index; n-- {
		t.bytes -= int64(cap(t.chunks[n-1].buf))
		t.chunks[n-1] = chunk{}
	}
	t.chunks = t.chunks[:n]
}
