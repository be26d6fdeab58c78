package wal

import (
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

// StoreLog stores one entry. See StoreLogs.
func (l *Log) StoreLog(entry *raft.Log) error { return l.StoreLogs([]*raft.Log{entry}) }

// StoreLogs appends entries, whose indexes continue the log without a gap, with one write and one sync. After a nil error all of
// them are durable. Entries that may not be stored (a gap, one too large) are refused and change nothing; any failure
// of the disk poisons the log, and then nobody knows which entries are there.
func (l *Log) StoreLogs(entries []*raft.Log) error {
	if len(entries) == 0 {
		return l.usable()
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	size, err := l.admit(entries)
	if err != nil {
		return err
	}
	f, err := l.room(size)
	if err != nil {
		return err
	}
	w := encode(f, entries, size)
	if err := l.write(f, w); err != nil {
		return err
	}
	if err := l.publish(f, w); err != nil {
		return err
	}
	l.opt.OnStored(w.last)
	return l.tidyInline()
}

// admit checks what is to be stored and returns the bytes of its records.
func (l *Log) admit(entries []*raft.Log) (size int64, err error) {
	l.mu.Lock()
	expect, err := l.last+1, l.failed
	l.cutShort = false
	l.mu.Unlock()
	if err != nil {
		return 0, err
	}
	if expect == 1 { // empty: it may start anywhere
		expect = max(entries[0].Index, 1)
	}
	for _, e := range entries {
		if e.Index != expect {
			return 0, fmt.Errorf("wal: entry %d does not continue the log: want index %d", e.Index, expect)
		}
		n := recordSize(e)
		if n-recordHeaderSize > l.opt.MaxRecordBytes {
			return 0, fmt.Errorf("wal: entry %d has %d bytes, at most %d are allowed", e.Index, n-recordHeaderSize, l.opt.MaxRecordBytes)
		}
		size += n
		expect++
	}
	return size, nil
}

// room returns the active file, after moving on to the next one if size more bytes of records do not fit.
func (l *Log) room(size int64) (*logFile, error) {
	f := l.active()
	if f.empty() || f.end+size+recordHeaderSize <= l.opt.FileBytes {
		return f, nil
	}
	if err := l.roll(); err != nil {
		return nil, err
	}
	return l.active(), nil
}

func (l *Log) active() *logFile {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.files[len(l.files)-1]
}

// roll makes the next file the active one. Meta names it already, so nothing happens on disk, unless the housekeeper is late.
func (l *Log) roll() error {
	l.mu.RLock()
	ready := l.next != nil
	l.mu.RUnlock()
	if !ready {
		l.changing.Lock()
		defer l.changing.Unlock()
		if err := l.prepare(); err != nil {
			return err
		}
	}
	l.mu.Lock()
	l.files, l.next = append(l.files, l.next), nil
	l.mu.Unlock()
	l.kick()
	return nil
}

// write is one call of StoreLogs on its way to disk and into memory.
type write struct {
	buf     []byte  // what is written: perhaps the file header, records, end marker, zeros
	off     int64   // where in the file
	first   uint64  // index of the first record
	last    uint64  // and of the last one
	offsets []int64 // of the records in the file
	end     int64   // where the last record ends in the file
}

// encode lays out entries, whose records take size bytes, as the next write to f.
func encode(f *logFile, entries []*raft.Log, size int64) *write {
	w := &write{off: f.end, first: entries[0].Index, last: entries[len(entries)-1].Index, offsets: make([]int64, len(entries))}
	if w.off == 0 {
		size += fileHeaderSize
	}
	w.end = w.off + size
	total := roundUp(w.end+recordHeaderSize) - w.off
	buf := make([]byte, 0, total)
	if w.off == 0 {
		buf = fileHeader{generation: f.generation, first: w.first}.append(buf)
	}
	for i, e := range entries {
		w.offsets[i] = w.off + int64(len(buf))
		buf = appendEntry(buf, f.seed, e, i)
	}
	buf = appendEnd(buf, f.seed, w.last+1, len(entries))
	w.buf = buf[:total] // the rest is zero
	return w
}

// write brings w to disk: one write, one sync.
func (l *Log) write(f *logFile, w *write) error {
	var synced time.Duration
	err := l.timed(busyAppending, func() (err error) {
		synced, err = durable(f.handle, w.buf, w.off)
		return err
	})
	if err != nil {
		return l.poison(fmt.Errorf("wal: store entries %d..%d in %s, %d bytes at %d: %w", w.first, w.last, f.path, len(w.buf), w.off, err))
	}
	l.metrics.stored(len(w.offsets), w.end-w.off, synced)
	return nil
}

// publish lets readers see w, which is durable, unless something failed while it was written: then nothing is acknowledged any more.
func (l *Log) publish(f *logFile, w *write) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed != nil {
		return l.failed
	}
	if f.empty() {
		f.first = w.first
	}
	f.offsets = append(f.offsets, w.offsets...)
	f.end = w.end
	if l.first == 0 {
		l.first = w.first
	}
	l.last = w.last
	l.tail.add(chunk{file: f, first: w.first, off: w.off, buf: w.buf[:w.end-w.off]})
	return nil
}
