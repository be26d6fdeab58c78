package raftfsm

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// ErrFenced says that an earlier write of this node's log or vote failed or stalled: nothing is written any more and the
// process must end.
var ErrFenced = errors.New("raftfsm: storage is fenced")

// Guard wraps a node's log and stable store. hashicorp/raft goes on after a failed write (raft.go, dispatchLogs: a leader steps
// down and may lead again on the same disk); a node that promised durability must not. The first write that fails, or takes
// as long as the limit, latches: from then on no write succeeds, whatever the disk does, and fatal is called once.
type Guard struct {
	limit   time.Duration
	fatal   func(error)
	metrics *Metrics
	latch   atomic.Pointer[error]
}

// NewGuard returns a guard that calls fatal when a write fails or takes as long as limit.
func NewGuard(limit time.Duration, m *Metrics, fatal func(error)) *Guard {
	return &Guard{limit: limit, fatal: fatal, metrics: m}
}

// do runs one write under the guard. A stalled write keeps running; its late success is not believed.
func (g *Guard) do(what string, write func() error) error {
	if err := g.latch.Load(); err != nil {
		return *err
	}
	late := func() error {
		return g.trip(fmt.Errorf("%w: %s took longer than fence_after %s", ErrFenced, what, g.limit))
	}
	timer := time.AfterFunc(g.limit, func() { _ = late() })
	start := time.Now()
	err := write()
	took := time.Since(start)
	timer.Stop()
	g.metrics.StoreSeconds.Observe(took.Seconds())
	switch {
	case err != nil:
		return g.trip(fmt.Errorf("%w: %s: %w", ErrFenced, what, err))
	case took >= g.limit: // the timer may be late, too
		return late()
	}
	if err := g.latch.Load(); err != nil {
		return *err
	}
	return nil
}

func (g *Guard) trip(err error) error {
	if g.latch.CompareAndSwap(nil, &err) {
		g.metrics.Fenced.Set(1)
		g.fatal(err)
	}
	return *g.latch.Load()
}

// Log guards the writes of a log store and tells stored after each one that succeeded.
func (g *Guard) Log(store raft.LogStore, stored func()) raft.LogStore {
	return &guardedLog{LogStore: store, guard: g, stored: stored}
}

type guardedLog struct {
	raft.LogStore
	guard  *Guard
	stored func()
}

// IsMonotonic implements raft.MonotonicLogStore: the WAL takes no gaps.
func (l *guardedLog) IsMonotonic() bool { return true }

func (l *guardedLog) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

func (l *guardedLog) StoreLogs(logs []*raft.Log) error {
	err := l.guard.do("log append", func() error { return l.LogStore.StoreLogs(logs) })
	if err == nil {
		l.stored()
	}
	return err
}

func (l *guardedLog) DeleteRange(first, last uint64) error {
	return l.guard.do("log truncation", func() error { return l.LogStore.DeleteRange(first, last) })
}

// Stable guards the writes of a stable store.
func (g *Guard) Stable(store raft.StableStore) raft.StableStore {
	return &guardedStable{StableStore: store, guard: g}
}

type guardedStable struct {
	raft.StableStore
	guard *Guard
}

func (s *guardedStable) Set(key, val []byte) error {
	return s.guard.do("vote write", func() error { return s.StableStore.Set(key, val) })
}

func (s *guardedStable) SetUint64(key []byte, val uint64) error {
	return s.guard.do("term write", func() error { return s.StableStore.SetUint64(key, val) })
}
