package wal

import (
	"slices"
	"sync"
)

// readAheadStreams is how many readers may go through the log at once and still read in large pieces: followers that catch up
// and the replay of a start.
const readAheadStreams = 4

// readAhead remembers the latest pieces read from files. A read that goes on where one of them ends reads the next piece whole, any
// other reads just its record: raft looks up single old entries as well.
type readAhead struct {
	mu     sync.Mutex
	pieces []chunk // the most recently used last
}

// get returns the bytes from off to end of f, of which records fill everything up to limit. The caller holds a reference to f.
func (a *readAhead) get(f *logFile, off, end, limit int64) ([]byte, error) {
	b, follows := a.lookup(f, off, end)
	if b != nil {
		return b, nil
	}
	n := end - off
	if follows {
		n = min(max(n, windowSize), limit-off)
	}
	b = make([]byte, n)
	if err := readFull(f.handle, b, off); err != nil {
		return nil, err
	}
	a.remember(chunk{file: f, off: off, buf: b}, off)
	return b[:end-off], nil
}

// lookup returns the bytes if they are in memory, and else whether they follow on something that is.
func (a *readAhead) lookup(f *logFile, off, end int64) (b []byte, follows bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := len(a.pieces) - 1; i >= 0; i-- {
		p := &a.pieces[i]
		if b, ok := p.slice(f, off, end); ok {
			return b, true
		}
		follows = follows || p.file == f && off > p.off && off <= p.off+int64(len(p.buf))
	}
	return nil, follows || off == fileHeaderSize
}

// remember puts c in the place of the piece that it goes on from, or of the one used longest ago.
func (a *readAhead) remember(c chunk, off int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.pieces, func(p chunk) bool {
		return p.file == c.file && off > p.off && off <= p.off+int64(len(p.buf))
	})
	if i < 0 && len(a.pieces) == readAheadStreams {
		i = 0
	}
	if i >= 0 {
		a.pieces = slices.Delete(a.pieces, i, i+1)
	}
	a.pieces = append(a.pieces, c)
}

// forget gives the memory of everything that was read back.
func (a *readAhead) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pieces = nil
}
