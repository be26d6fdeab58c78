package raftfsm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/gaplessdb/gapless/wal"
)

// guardedLife is the log of a node as Raft and the node use it, through a guard, on a disk that fails. It knows what was
// acknowledged, and holds the guard to fail-stop.
type guardedLife struct {
	limit  time.Duration
	inline bool // the WAL has no housekeeper: every run does the same operations

	log    *wal.Log
	guard  raft.LogStore
	stable raft.StableStore
	below  atomic.Int64 // calls that came through the guard
	stored atomic.Int64 // times the guard told of a stored write
	fatal  atomic.Int64

	mu     sync.Mutex  // protects what follows: a stalled housekeeper checks, too
	before []*raft.Log // what the log holds if the running call does not happen
	after  []*raft.Log // and if it does
	broken error       // a promise that was broken while the process ran
}

// through counts what the guard lets through.
type through struct {
	raft.LogStore
	raft.StableStore
	calls *atomic.Int64
}

func (s through) StoreLogs(logs []*raft.Log) error {
	s.calls.Add(1)
	return s.LogStore.StoreLogs(logs)
}

func (s through) DeleteRange(lo, hi uint64) error {
	s.calls.Add(1)
	return s.LogStore.DeleteRange(lo, hi)
}

func (s through) Set(key, value []byte) error {
	s.calls.Add(1)
	return s.StableStore.Set(key, value)
}

func (s through) SetUint64(key []byte, value uint64) error {
	s.calls.Add(1)
	return s.StableStore.SetUint64(key, value)
}

func (l *guardedLife) walOptions() wal.Options {
	return wal.Options{FileBytes: 4096, SpareFiles: 2, PrefillBytes: -1, TailCacheBytes: 4 << 10, Inline: l.inline, Rand: new(counting)}
}

// counting makes salts that no two files of a run share.
type counting struct{ n atomic.Uint64 }

func (c *counting) Read(p []byte) (int, error) {
	return copy(p, binary.LittleEndian.AppendUint64(nil, c.n.Add(1)*0x9e3779b97f4a7c15)), nil
}

// entryOf is an entry of one of the kinds that Raft writes; Raft's own have no data.
func entryOf(index, term uint64) *raft.Log {
	e := &raft.Log{Index: index, Term: term, Type: raft.LogCommand, AppendedAt: time.Unix(int64(index), 0).UTC()}
	switch index % 7 {
	case 0:
		return &raft.Log{Index: index, Term: term, Type: raft.LogNoop}
	case 3:
		return &raft.Log{Index: index, Term: term, Type: raft.LogBarrier}
	case 5:
		e.Type, e.Data = raft.LogConfiguration, fmt.Appendf(nil, "servers as of %d.%d", term, index)
	default:
		e.Data = bytes.Repeat([]byte{byte(index), byte(term)}, int(200+index*97%500))
	}
	return e
}

func entriesOf(first, last, term uint64) (es []*raft.Log) {
	for i := first; i <= last; i++ {
		es = append(es, entryOf(i, term))
	}
	return es
}

// run is the workload of a trial: one process, from its start to its orderly end or its fatal fault.
func (l *guardedLife) run(fsys vfs.FS) (err error) {
	l.reset()
	if l.log, err = wal.Open(fsys, "wal", l.walOptions()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.log.Close()) }()
	store := through{l.log, raft.NewInmemStore(), &l.below}
	g := NewGuard(l.limit, NewMetrics(prometheus.NewRegistry()), l.onFatal)
	l.guard, l.stable = g.Log(store, func() { l.stored.Add(1) }), g.Stable(store)
	for _, step := range []func() error{
		func() error { return l.append(1, 3, 1) },
		func() error { return l.append(4, 16, 1) }, // several files
		func() error { return l.cut(14, 17, 2) },   // a new leader replaces the end
		func() error { return l.cut(16, 21, 3) },
		func() error { return l.compact(9, 4<<10) },
		func() error { return l.append(22, 31, 3) },
		func() error { return l.compact(30, 6<<10) },
		func() error { return l.append(32, 40, 3) }, // into recycled files
		func() error { return l.snapshot(36) },
		func() error { return l.install(60) },
		func() error { return l.append(61, 66, 4) },
		func() error { return l.cut(63, 68, 5) },
		func() error { return l.compact(65, 0) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// append stores entries first to last, some one by one and some together.
func (l *guardedLife) append(first, last, term uint64) error {
	for first <= last {
		n := min(first%4, last-first)
		es := entriesOf(first, first+n, term)
		after := append(slices.Clip(l.before), es...)
		told := l.stored.Load()
		if err := l.call(after, func() error { return l.guard.StoreLogs(es) }); err != nil {
			if l.stored.Load() != told {
				l.breach("a write that failed was told as stored")
			}
			return err
		}
		first += n + 1
	}
	return nil
}

// cut replaces the entries from first on by others of a new term, which end at last.
func (l *guardedLife) cut(first, last, term uint64) error {
	end := l.before[len(l.before)-1].Index
	if err := l.call(l.upTo(first-1), func() error { return l.guard.DeleteRange(first, end) }); err != nil {
		return err
	}
	return l.append(first, last, term)
}

func (l *guardedLife) upTo(last uint64) []*raft.Log {
	return l.before[:last+1-l.before[0].Index]
}

// compact deletes below floor what is beyond keep bytes, past the guard, as the node does.
func (l *guardedLife) compact(floor uint64, keep int64) error {
	l.log.SetFloor(floor)
	first := l.before[0].Index
	from := min(floor, l.log.KeepFrom(keep))
	if from <= first {
		return nil
	}
	l.promise(l.before, l.before[from-first:])
	if err := l.log.DeleteRange(first, from-1); err != nil {
		if err := l.guard.StoreLogs(entriesOf(900, 900, 9)); !errors.Is(err, ErrFenced) || l.fatal.Load() != 1 {
			l.breach("after a failed compaction an append returned %v, fatal %d times", err, l.fatal.Load())
		}
		return err
	}
	l.promise(l.after, l.after)
	return nil
}

// snapshot deletes up to a new floor, as Raft does itself; the entry at the floor stays.
func (l *guardedLife) snapshot(floor uint64) error {
	l.log.SetFloor(floor)
	first := l.before[0].Index
	return l.call(l.before[floor-first:], func() error { return l.guard.DeleteRange(first, floor) })
}

// install wipes the log because a floor was installed that lies beyond it.
func (l *guardedLife) install(floor uint64) error {
	l.log.SetFloor(floor)
	first, last := l.before[0].Index, l.before[len(l.before)-1].Index
	return l.call(nil, func() error { return l.guard.DeleteRange(first, last) })
}

// call makes one guarded call, and looks at how the guard judged it.
func (l *guardedLife) call(after []*raft.Log, do func() error) error {
	l.promise(l.before, after)
	start := time.Now()
	err := do()
	took, fatal := time.Since(start), l.fatal.Load()
	switch {
	case err == nil && (took >= l.limit || fatal != 0):
		l.breach("a write that took %s of %s succeeded, fatal %d times", took, l.limit, fatal)
	case err != nil && (fatal != 1 || !errors.Is(err, ErrFenced)):
		l.breach("the guard returned %v, fatal %d times", err, fatal)
	case err == nil:
		l.promise(after, after)
	}
	return err
}

// onFatal is where the process would end. The guard lets nothing through any more, whether the disk is well again or still silent.
func (l *guardedLife) onFatal(error) {
	l.fatal.Add(1)
	below, stored := l.below.Load(), l.stored.Load()
	for name, err := range map[string]error{
		"StoreLog":    l.guard.StoreLog(entryOf(900, 9)),
		"StoreLogs":   l.guard.StoreLogs(entriesOf(900, 901, 9)),
		"DeleteRange": l.guard.DeleteRange(1, 900),
		"a vote":      l.stable.Set([]byte("LastVoteCand"), []byte("x")),
		"a term":      l.stable.SetUint64([]byte("CurrentTerm"), 9),
	} {
		if !errors.Is(err, ErrFenced) {
			l.breach("after the first fault %s returned %v", name, err)
		}
	}
	if l.below.Load() != below || l.stored.Load() != stored || l.fatal.Load() != 1 {
		l.breach("after the first fault calls went through")
	}
}

func (l *guardedLife) reset() {
	l.below.Store(0)
	l.stored.Store(0)
	l.fatal.Store(0)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.before, l.after, l.broken = nil, nil, nil
}

func (l *guardedLife) promise(before, after []*raft.Log) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.before, l.after = before, after
}

func (l *guardedLife) breach(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == nil {
		l.broken = fmt.Errorf(format, args...)
	}
}
