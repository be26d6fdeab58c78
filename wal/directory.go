package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/gaplessdb/gapless/vfs"
)

// Everything here is called by who holds Log.changing.

// description returns the meta of the log as it is: all files but the active and the prepared one are sealed.
func (l *Log) description() *meta {
	l.mu.RLock()
	defer l.mu.RUnlock()
	m := &meta{first: l.first}
	for i, f := range l.files {
		m.files = append(m.files, f.describe(i < len(l.files)-1))
	}
	if l.next != nil {
		m.files = append(m.files, metaFile{generation: l.next.generation})
	}
	return m
}

// sealed is the description of a log that nobody will append to: the files that hold entries, and nothing else.
func (l *Log) sealed() *meta {
	l.mu.RLock()
	defer l.mu.RUnlock()
	m := &meta{first: l.first}
	for _, f := range l.files {
		if !f.empty() {
			m.files = append(m.files, f.describe(true))
		}
	}
	return m
}

// commit makes m the truth. If it fails, or anything else did meanwhile, nobody knows which one is.
func (l *Log) commit(m *meta) error {
	err := l.timed(busyChanging, func() error { return writeMeta(l.fs, l.dir, m) })
	if err != nil {
		return l.poison(err)
	}
	return l.usable()
}

// allocate returns a file of a new generation, recycled if there is a spare, whose name is durable. It counts only when a meta
// that names it was committed.
func (l *Log) allocate() (f *logFile, err error) {
	err = l.timed(busyChanging, func() error {
		f, err = l.makeFile()
		return err
	})
	if err != nil {
		return nil, l.poison(err)
	}
	return f, nil
}

func (l *Log) makeFile() (*logFile, error) {
	var salt [8]byte
	if _, err := io.ReadFull(l.opt.Rand, salt[:]); err != nil {
		return nil, fmt.Errorf("wal: salt of a new file: %w", err)
	}
	l.number++
	g := generation{number: l.number, salt: binary.LittleEndian.Uint64(salt[:])}
	name := path.Join(l.dir, fileName(g.number))
	spare, recycle := l.takeSpare()
	counter := l.metrics.created
	if recycle {
		counter = l.metrics.recycled
		old := path.Join(l.dir, fileName(spare))
		if err := l.fs.Rename(old, name); err != nil {
			return nil, fmt.Errorf("wal: recycle %s: %w", old, err)
		}
	}
	h, err := l.openNew(name, recycle)
	if err != nil {
		return nil, fmt.Errorf("wal: new log file: %w", err)
	}
	if err := l.fs.SyncDir(l.dir); err != nil {
		return nil, errors.Join(fmt.Errorf("wal: sync %s after making %s: %w", l.dir, name, err), h.Close())
	}
	counter.Inc()
	return newLogFile(g, l.dir, h), nil
}

func (l *Log) openNew(name string, exists bool) (vfs.File, error) {
	if exists {
		return l.fs.OpenReadWrite(name)
	}
	return l.fs.Create(name)
}

func (l *Log) takeSpare() (number uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.spares) == 0 {
		return 0, false
	}
	number, l.spares = l.spares[0], l.spares[1:]
	return number, true
}

// release gives up one reference to f. The last one closes it and makes it a spare.
func (l *Log) release(f *logFile) {
	if f.refs.Add(-1) > 0 {
		return
	}
	_ = f.handle.Close() // everything that matters was synced, and nobody reads it any more
	l.mu.Lock()
	l.spares = append(l.spares, f.number)
	l.mu.Unlock()
	l.kick()
}

// trim removes spares beyond the limit. Their names need not be durable: a file that meta does not name is a spare anyway.
func (l *Log) trim() error {
	for {
		l.mu.Lock()
		if len(l.spares) <= max(0, l.opt.SpareFiles) {
			l.mu.Unlock()
			return nil
		}
		number := l.spares[0]
		l.spares = l.spares[1:]
		l.mu.Unlock()
		if err := l.fs.Remove(path.Join(l.dir, fileName(number))); err != nil {
			return l.poison(fmt.Errorf("wal: remove spare: %w", err))
		}
	}
}
