package wal

import (
	"errors"
	"fmt"
	"path"
	"sort"
	"sync/atomic"

	"github.com/gaplessdb/gapless/vfs"
)

// logFile is one generation of a log file. first, offsets and end are protected by Log.mu; the writer alone changes them, and only
// when the bytes are durable.
type logFile struct {
	generation
	seed   uint32
	path   string
	handle vfs.File

	first   uint64  // index of the first record, 0 while there is none
	offsets []int64 // of the records first, first+1, ...
	end     int64   // where the last record ends and the next write begins; 0 while there is no header

	refs atomic.Int64 // one of the log, one of each running read; at 0 the handle is closed and the file may be recycled
}

func newLogFile(g generation, dir string, h vfs.File) *logFile {
	f := &logFile{generation: g, seed: g.seed(), path: path.Join(dir, fileName(g.number)), handle: h}
	f.refs.Store(1)
	return f
}

// last is the index of the last record; meaningless while there is none.
func (f *logFile) last() uint64 { return f.first + uint64(len(f.offsets)) - 1 }

func (f *logFile) empty() bool { return len(f.offsets) == 0 }

// extent returns where the record of index begins and ends.
func (f *logFile) extent(index uint64) (off, end int64) {
	i := index - f.first
	if i+1 < uint64(len(f.offsets)) {
		return f.offsets[i], f.offsets[i+1]
	}
	return f.offsets[i], f.end
}

// describe returns what f holds now: all it will ever hold if it is sealed, and what it holds at least if it is not.
func (f *logFile) describe(sealed bool) metaFile {
	if f.empty() {
		return metaFile{generation: f.generation}
	}
	return metaFile{generation: f.generation, sealed: sealed, first: f.first, last: f.last(), end: f.end}
}

// cut returns a description of f that ends before index, which it holds and is not its first.
func (f *logFile) cut(index uint64) metaFile {
	off, _ := f.extent(index)
	return metaFile{generation: f.generation, sealed: true, first: f.first, last: index - 1, end: off}
}

// rewriteLast writes the last write again, which began at index base, and syncs it. Recovery needs that before it believes what
// it read: a process that died before its sync, or of a failed one, leaves bytes in the page cache that are not on the disk, and
// that the kernel may think clean.
func (f *logFile) rewriteLast(base uint64) error {
	off := int64(0) // the header was part of the first write
	if base > f.first {
		off, _ = f.extent(base)
	}
	b := make([]byte, f.end-off)
	if err := readFull(f.handle, b, off); err != nil {
		return fmt.Errorf("wal: read last write of %s: %w", f.path, err)
	}
	_, err := f.handle.WriteAt(b, off)
	if err == nil {
		err = f.handle.Sync()
	}
	if err != nil {
		return fmt.Errorf("wal: rewrite last write of %s, %d bytes at %d: %w", f.path, len(b), off, err)
	}
	return nil
}

// find returns the file that holds index, which the files hold.
func find(files []*logFile, index uint64) *logFile {
	i := sort.Search(len(files), func(i int) bool { return files[i].empty() || files[i].first > index })
	return files[i-1]
}

func closeAll(files []*logFile) error {
	var errs []error
	for _, f := range files {
		errs = append(errs, f.handle.Close())
	}
	return errors.Join(errs...)
}
