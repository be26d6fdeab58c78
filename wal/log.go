package wal

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/hashicorp/raft"
)

// Log is the write-ahead log in one directory. All methods may be called from any goroutine; writers wait for each other.
//
// Locks are taken in the order writing, changing, mu, and mu is never held during I/O.
type Log struct {
	fs      vfs.FS
	dir     string
	opt     Options
	log     *slog.Logger
	metrics *metrics
	lock    io.Closer

	writing  turn // who holds it may append, and owns the contents of the active file
	changing turn // who holds it may change the meta file and create, rename or remove files

	number uint64 // of the newest file; protected by changing

	mu       sync.RWMutex // protects what follows, and the state inside the files
	first    uint64       // 0 while the log is empty
	last     uint64       // 0 while the log is empty
	files    []*logFile   // in order; the last one is active, and it alone may be empty
	next     *logFile     // prepared to follow the active one; nil when it has yet to be
	spares   []uint64     // numbers of files to recycle
	tail     tailCache
	cutShort bool  // truncated, and StoreLogs was not called since
	failed   error // why every call fails: ErrPoisoned with its cause, or ErrClosed

	ahead readAhead
	floor atomic.Uint64
	busy  [2]atomic.Int64 // since when, in UnixNano, an append and a change have been at the disk; 0 when they are not

	wake chan struct{} // tells the housekeeper that there is work; holds one token
	quit chan struct{} // closed by Close
	done chan struct{} // closed when the housekeeper has returned
}

var (
	_ raft.LogStore          = (*Log)(nil)
	_ raft.MonotonicLogStore = (*Log)(nil)
)

// IsMonotonic tells raft that entries are contiguous, so that it wipes the log after it has installed a snapshot.
func (l *Log) IsMonotonic() bool { return true }

// FirstIndex returns the index of the first entry, 0 if there is none.
func (l *Log) FirstIndex() (uint64, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.first, l.failed
}

// LastIndex returns the index of the last entry, 0 if there is none.
func (l *Log) LastIndex() (uint64, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.last, l.failed
}

// SetFloor sets how far a prefix may be deleted: to f-1. 0, as after Open, means that nothing may be.
func (l *Log) SetFloor(f uint64) { l.floor.Store(f) }

// Stalled returns how long the oldest write or sync in progress has been at the disk, 0 if there is none. The owner fences
// a node whose disk hangs: heartbeats would keep it leader.
func (l *Log) Stalled() time.Duration {
	var d time.Duration
	for i := range l.busy {
		if since := l.busy[i].Load(); since != 0 {
			d = max(d, time.Since(time.Unix(0, since)))
		}
	}
	return d
}

// Indexes of Log.busy.
const (
	busyAppending = iota
	busyChanging
)

// timed runs fn, which is at the disk, in sight of Stalled.
func (l *Log) timed(who int, fn func() error) error {
	l.busy[who].Store(time.Now().UnixNano())
	defer l.busy[who].Store(0)
	return fn()
}

// usable returns why the log can no longer be used.
func (l *Log) usable() error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.failed
}

// poison makes every later call fail, and returns what they will return. Only the first cause counts.
func (l *Log) poison(cause error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed == nil {
		l.failed = fmt.Errorf("%w: %w", ErrPoisoned, cause)
		l.log.Error("wal: poisoned, the process must end", "dir", l.dir, "error", cause)
	}
	return l.failed
}

// Close waits for the writer and the housekeeper, seals the last file, so that the next Open takes no damage for a torn tail,
// and releases the directory. Running reads may finish. The log is closed whatever Close returns.
func (l *Log) Close() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if errors.Is(l.usable(), ErrClosed) {
		return ErrClosed
	}
	close(l.quit)
	<-l.done
	l.changing.Lock()
	defer l.changing.Unlock()
	err := l.usable()
	if err == nil {
		err = l.commit(l.sealed())
	}
	for _, f := range l.shut() {
		l.release(f)
	}
	l.metrics.unregister()
	return errors.Join(err, l.lock.Close())
}

// shut empties the log and makes every later call fail. It returns the files that it let go.
func (l *Log) shut() []*logFile {
	l.mu.Lock()
	defer l.mu.Unlock()
	files := l.files
	if l.next != nil {
		files = append(files, l.next)
	}
	l.failed, l.files, l.next, l.tail = ErrClosed, nil, nil, tailCache{}
	return files
}
