package wal

import "sort"

// Bytes is the size of the entries in the log with what surrounds them, without room that is prepared for more.
func (l *Log) Bytes() (sum int64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, f := range l.files {
		sum += f.live(l.first)
	}
	return sum
}

// KeepFrom is the lowest index from which the entries to the end take at most bytes; at least the last entry is kept. It is 0 for an
// empty log.
func (l *Log) KeepFrom(bytes int64) uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	from := l.last
	for i := len(l.files) - 1; i >= 0; i-- {
		f := l.files[i]
		if f.empty() {
			continue
		}
		size := f.live(l.first)
		if size > bytes {
			return min(from, f.keep(bytes))
		}
		bytes -= size
		from = max(f.first, l.first)
	}
	return from
}

// live is how many bytes the records of f take that count when the log begins at first.
func (f *logFile) live(first uint64) int64 {
	switch {
	case f.empty() || f.last() < first:
		return 0
	case first <= f.first:
		return f.end
	}
	off, _ := f.extent(first)
	return f.end - off
}

// keep is the lowest index of f from which its records take at most bytes, one past its last when none does.
func (f *logFile) keep(bytes int64) uint64 {
	i := sort.Search(len(f.offsets), func(i int) bool { return f.end-f.offsets[i] <= bytes })
	return f.first + uint64(i)
}
