package wal

import (
	"errors"
	"fmt"
	"slices"
)

// errSuffix says that a range reaches the end of the log: the writer's affair.
var errSuffix = errors.New("wal: the range reaches the end of the log")

// DeleteRange deletes the entries from lo to hi, inclusive. Which kind of deletion that is depends on what the log holds:
//
//	everything (hi is at or above the last index, lo at or below the first)   wiped, whatever the floor; it may then start at any index
//	a suffix   (hi is at or above the last index)                             truncated, whatever the floor
//	a prefix   (lo is at or below the first index)                            deleted up to floor-1 at most
//	nothing                                                                   no error
//	a hole                                                                    an error; nothing is changed
//
// It is durable on return. After a crash meanwhile all of it has happened, or nothing. A failure poisons the log.
//
// One exception: exactly everything, right after a truncation and before the next StoreLogs, is a prefix that ends before the last
// entry. Raft compacts in a goroutine of its own up to an index below the last one it saw, and that may have become the last one by
// a truncation; taken for a wipe it would cost entries above the floor. Raft itself never wipes between a truncation and the
// append that follows it.
func (l *Log) DeleteRange(lo, hi uint64) error {
	err := l.deletePrefix(lo, hi)
	if errors.Is(err, errSuffix) {
		err = l.deleteSuffix(lo, hi)
	}
	if err != nil {
		return err
	}
	return l.tidyInline()
}

// deletePrefix does not wait for the writer: raft compacts its log while it appends. It returns errSuffix if the range is not a
// prefix of the log but reaches its end.
func (l *Log) deletePrefix(lo, hi uint64) error {
	l.changing.Lock()
	defer l.changing.Unlock()
	l.mu.RLock()
	first, last, cutShort, err := l.first, l.last, l.cutShort, l.failed
	l.mu.RUnlock()
	if cutShort && hi == last && lo <= first {
		hi--
	}
	switch {
	case err != nil:
		return err
	case last == 0 || lo > hi || hi < first || lo > last:
		return nil
	case hi >= last:
		return errSuffix
	case lo > first:
		return fmt.Errorf("wal: delete %d..%d would leave a hole in %d..%d", lo, hi, first, last)
	}
	if hi = belowFloor(hi, l.floor.Load()); hi < first {
		return nil
	}
	return l.advance(hi + 1)
}

// advance makes first the first index. The last entry stays.
func (l *Log) advance(first uint64) error {
	m := l.description()
	m.first = first
	m.files = slices.DeleteFunc(m.files, func(f metaFile) bool { return f.sealed && f.last < first })
	if err := l.commit(m); err != nil {
		return err
	}
	l.mu.Lock()
	n := 0
	for n < len(l.files)-1 && l.files[n].last() < first {
		n++
	}
	dropped := l.files[:n]
	l.first, l.files = first, slices.Clone(l.files[n:])
	l.mu.Unlock()
	for _, f := range dropped {
		l.release(f)
	}
	l.log.Debug("wal: deleted a prefix", "dir", l.dir, "first", first, "dropped_files", n)
	return nil
}

// deleteSuffix is for ranges that reach the end of the log.
func (l *Log) deleteSuffix(lo, hi uint64) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.changing.Lock()
	defer l.changing.Unlock()
	l.mu.RLock()
	first, last, err := l.first, l.last, l.failed
	l.mu.RUnlock()
	switch {
	case err != nil:
		return err
	case last == 0 || lo > last:
		return nil
	case hi < last:
		return fmt.Errorf("wal: delete %d..%d: the log has grown to %d meanwhile", lo, hi, last)
	}
	lo = max(lo, first)
	if err := l.truncate(lo); err != nil {
		return err
	}
	l.metrics.truncations.Inc()
	l.log.Info("wal: truncated", "dir", l.dir, "first", first, "last", last, "deleted_from", lo)
	return nil
}

// truncate removes the entries from index on. What is appended later goes to a file that was never written to in its generation:
// nothing that stands in the old ones can come back.
func (l *Log) truncate(index uint64) error {
	t := l.split(index)
	if t.fresh == nil {
		f, err := l.allocate()
		if err != nil {
			return err
		}
		t.fresh = f
	}
	if err := l.commit(t.meta(l.first)); err != nil { // only writers change l.first of a log that is not empty: we hold both locks
		return err
	}
	l.mu.Lock()
	if t.cut {
		f := t.kept[len(t.kept)-1]
		f.end, _ = f.extent(index)
		f.offsets = f.offsets[:index-f.first]
	}
	l.files, l.next, l.last = append(t.kept, t.fresh), t.next, index-1
	l.cutShort = len(t.kept) > 0
	if len(t.kept) == 0 {
		l.first, l.last = 0, 0
	}
	l.tail.truncate(l.last + 1)
	l.mu.Unlock()
	for _, f := range t.dropped {
		l.release(f)
	}
	l.kick()
	return nil
}

// truncation is what becomes of each file when the entries from index on are removed.
type truncation struct {
	index   uint64
	kept    []*logFile // hold entries below index
	cut     bool       // the last of them holds others, too
	dropped []*logFile
	fresh   *logFile // to be written to; nil if one has to be made
	next    *logFile // prepared to follow it
}

func (l *Log) split(index uint64) *truncation {
	l.mu.RLock()
	defer l.mu.RUnlock()
	t := &truncation{index: index, fresh: l.next}
	for _, f := range l.files {
		switch {
		case f.empty(): // only the active one can be
			t.fresh, t.next = f, l.next
		case index > l.first && index > f.first:
			t.kept, t.cut = append(t.kept, f), index <= f.last()
		default:
			t.dropped = append(t.dropped, f)
		}
	}
	return t
}

// meta describes the truncated log.
func (t *truncation) meta(first uint64) *meta {
	m := &meta{}
	for _, f := range t.kept {
		m.first = first
		m.files = append(m.files, f.describe(true))
	}
	if t.cut {
		m.files[len(m.files)-1] = t.kept[len(t.kept)-1].cut(t.index)
	}
	m.files = append(m.files, metaFile{generation: t.fresh.generation})
	if t.next != nil {
		m.files = append(m.files, metaFile{generation: t.next.generation})
	}
	return m
}
