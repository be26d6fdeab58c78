package wal

import (
	"fmt"

	"github.com/hashicorp/raft"
)

// GetLog fills out with the entry at index, exactly as it was stored, but that AppendedAt is in UTC and empty slices are nil. A
// missing one is raft.ErrLogNotFound itself. Data and Extensions are shared with other readers and must not be changed. Damage is
// a *CorruptError; nothing damaged is ever returned.
func (l *Log) GetLog(index uint64, out *raft.Log) error {
	e, err := l.locate(index)
	if err != nil {
		return err
	}
	b := e.cached
	if b == nil {
		l.metrics.misses.Inc()
		b, err = l.ahead.get(e.file, e.off, e.end, e.limit)
		l.release(e.file)
		if err != nil {
			return fmt.Errorf("wal: read entry %d from %s: %w", index, e.file.path, err)
		}
	} else {
		l.metrics.hits.Inc()
	}
	h, damage := checkEntry(e.file.seed, b, index)
	if damage != nil {
		l.metrics.corruptReads.Inc()
		return damage.at(e.file.path, e.off)
	}
	decodeInto(out, &h, b)
	return nil
}

// entry is where the record of an entry is: in memory, or in a file that the reader holds a reference to.
type entry struct {
	file     *logFile
	off, end int64
	limit    int64 // end of the last record in the file
	cached   []byte
}

func (l *Log) locate(index uint64) (entry, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.failed != nil {
		return entry{}, l.failed
	}
	if l.last == 0 || index < l.first || index > l.last {
		return entry{}, raft.ErrLogNotFound
	}
	f := find(l.files, index)
	e := entry{file: f, limit: f.end}
	e.off, e.end = f.extent(index)
	if b, ok := l.tail.get(index, f, e.off, e.end); ok {
		e.cached = b
		return e, nil
	}
	f.refs.Add(1)
	return e, nil
}
