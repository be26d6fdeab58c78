package raftfsm

import (
	"errors"
	"runtime"

	"github.com/hashicorp/raft"
	boltdb "github.com/hashicorp/raft-boltdb/v2"
)

// hashicorp/raft panics when its stores fail at some places (raft.go: setCurrentTerm, processLogs), and goes on at others. Neither is for a store that
// is embedded: the first takes a process down that is not ours, the second acts on a state that nobody knows. HaltLog and HaltStable end the goroutine
// instead that met the failure, after fatal was told: it acknowledges nothing more, and what it had deferred runs. Raft is of no use then but for
// Shutdown; Instance answers what it leaves open.

// HaltLog passes everything on but errors, which end the calling goroutine. raft.ErrLogNotFound is an answer.
func HaltLog(store raft.LogStore, fatal func(error)) raft.LogStore {
	return &haltingLog{store, halter(fatal)}
}

// HaltStable does the same for a stable store, where boltdb.ErrKeyNotFound is an answer.
func HaltStable(store raft.StableStore, fatal func(error)) raft.StableStore {
	return &haltingStable{store, halter(fatal)}
}

type halter func(error)

func (h halter) check(err error) {
	if err != nil {
		h(err)
		runtime.Goexit()
	}
}

type haltingLog struct {
	raft.LogStore
	halter
}

// IsMonotonic implements raft.MonotonicLogStore: the WAL takes no gaps.
func (l *haltingLog) IsMonotonic() bool { return true }

func (l *haltingLog) FirstIndex() (uint64, error) {
	index, err := l.LogStore.FirstIndex()
	l.check(err)
	return index, nil
}

func (l *haltingLog) LastIndex() (uint64, error) {
	index, err := l.LogStore.LastIndex()
	l.check(err)
	return index, nil
}

func (l *haltingLog) GetLog(index uint64, log *raft.Log) error {
	err := l.LogStore.GetLog(index, log)
	if errors.Is(err, raft.ErrLogNotFound) {
		return err
	}
	l.check(err)
	return nil
}

func (l *haltingLog) StoreLog(log *raft.Log) error {
	l.check(l.LogStore.StoreLog(log))
	return nil
}

func (l *haltingLog) StoreLogs(logs []*raft.Log) error {
	l.check(l.LogStore.StoreLogs(logs))
	return nil
}

func (l *haltingLog) DeleteRange(first, last uint64) error {
	l.check(l.LogStore.DeleteRange(first, last))
	return nil
}

type haltingStable struct {
	raft.StableStore
	halter
}

func (s *haltingStable) Set(key, val []byte) error {
	s.check(s.StableStore.Set(key, val))
	return nil
}

func (s *haltingStable) SetUint64(key []byte, val uint64) error {
	s.check(s.StableStore.SetUint64(key, val))
	return nil
}

func (s *haltingStable) Get(key []byte) ([]byte, error) {
	val, err := s.StableStore.Get(key)
	if errors.Is(err, boltdb.ErrKeyNotFound) {
		return nil, err
	}
	s.check(err)
	return val, nil
}

func (s *haltingStable) GetUint64(key []byte) (uint64, error) {
	val, err := s.StableStore.GetUint64(key)
	if errors.Is(err, boltdb.ErrKeyNotFound) {
		return 0, err
	}
	s.check(err)
	return val, nil
}
