package raftfsm

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	"github.com/prometheus/client_golang/prometheus"
)

// faultyStore fails or stalls the writes it is told to.
type faultyStore struct {
	*raft.InmemStore
	fail  error
	stall time.Duration
}

func (s *faultyStore) StoreLogs(logs []*raft.Log) error {
	time.Sleep(s.stall)
	if s.fail != nil {
		return s.fail
	}
	return s.InmemStore.StoreLogs(logs)
}

func TestGuardLatchesFirstFault(t *testing.T) {
	var fatal []error
	g := NewGuard(2*time.Second, NewMetrics(prometheus.NewRegistry()), func(err error) { fatal = append(fatal, err) })
	store := &faultyStore{InmemStore: raft.NewInmemStore(), fail: errors.New("EIO")}
	stored := 0
	log := g.Log(store, func() { stored++ })
	stable := g.Stable(store)
	if err := log.StoreLog(&raft.Log{Index: 1}); !errors.Is(err, ErrFenced) || !errors.Is(err, store.fail) {
		t.Fatalf("first failed write: %v", err)
	}
	store.fail = nil // the disk pretends to be well again
	if err := log.StoreLog(&raft.Log{Index: 1}); !errors.Is(err, ErrFenced) {
		t.Errorf("write after a failed one: %v, want %v", err, ErrFenced)
	}
	if err := stable.SetUint64([]byte("CurrentTerm"), 7); !errors.Is(err, ErrFenced) {
		t.Errorf("vote after a failed write: %v, want %v", err, ErrFenced)
	}
	if err := log.DeleteRange(1, 1); !errors.Is(err, ErrFenced) {
		t.Errorf("truncation after a failed write: %v, want %v", err, ErrFenced)
	}
	if last, _ := store.LastIndex(); last != 0 || stored != 0 || len(fatal) != 1 {
		t.Errorf("last index %d, %d told as stored, fatal %d times; want 0, 0, once", last, stored, len(fatal))
	}
}

func TestGuardFencesStalledWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fatalAfter atomic.Int64
		start := time.Now()
		g := NewGuard(2*time.Second, NewMetrics(prometheus.NewRegistry()), func(error) { fatalAfter.Store(int64(time.Since(start))) })
		store := &faultyStore{InmemStore: raft.NewInmemStore(), stall: 30 * time.Second}
		stored := false
		err := g.Log(store, func() { stored = true }).StoreLog(&raft.Log{Index: 1})
		if !errors.Is(err, ErrFenced) || stored {
			t.Errorf("a write that took 30 s: %v, told as stored: %v", err, stored)
		}
		if after := time.Duration(fatalAfter.Load()); after != 2*time.Second {
			t.Errorf("fatal after %s, want fence_after 2s", after)
		}
	})
}
