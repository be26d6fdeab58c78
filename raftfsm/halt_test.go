package raftfsm

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// sickStore is a log and a vote store that fails as it is told.
type sickStore struct {
	*raft.InmemStore
	err atomic.Pointer[error]
}

func (s *sickStore) failure() error {
	if err := s.err.Load(); err != nil {
		return *err
	}
	return nil
}

func (s *sickStore) GetLog(index uint64, log *raft.Log) error {
	return errors.Join(s.failure(), s.InmemStore.GetLog(index, log))
}

func (s *sickStore) StoreLogs(logs []*raft.Log) error {
	if err := s.failure(); err != nil {
		return err
	}
	return s.InmemStore.StoreLogs(logs)
}

func (s *sickStore) SetUint64(key []byte, val uint64) error {
	if err := s.failure(); err != nil {
		return err
	}
	return s.InmemStore.SetUint64(key, val)
}

// runs reports whether fn returned, and whether what it deferred ran.
func runs(fn func()) (returned, deferred bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { deferred = true }()
		fn()
		returned = true
	}()
	<-done
	return returned, deferred
}

func TestHaltEndsWhoMeetsTheFailure(t *testing.T) {
	sick := errors.New("sick")
	store := &sickStore{InmemStore: raft.NewInmemStore()}
	var told []error
	log := HaltLog(store, func(err error) { told = append(told, err) })
	if err := log.StoreLogs([]*raft.Log{{Index: 1, Term: 1}}); err != nil {
		t.Fatal(err)
	}
	if err := log.GetLog(7, &raft.Log{}); !errors.Is(err, raft.ErrLogNotFound) {
		t.Fatalf("an entry that is not there: %v, want ErrLogNotFound as an answer", err)
	}
	store.err.Store(&sick)
	for name, fn := range map[string]func(){
		"a read":  func() { _ = log.GetLog(1, &raft.Log{}) },
		"a write": func() { _ = log.StoreLogs([]*raft.Log{{Index: 2, Term: 1}}) },
	} {
		told = nil
		if returned, deferred := runs(fn); returned || !deferred {
			t.Errorf("%s of a sick log returned %v, ran what was deferred %v; want an end of the goroutine", name, returned, deferred)
		}
		if len(told) != 1 || !errors.Is(told[0], sick) {
			t.Errorf("%s of a sick log told %v", name, told)
		}
	}
}

// Raft must not panic when its vote store fails: it would take down whoever embeds the node. And who waits for an answer of it must get one.
func TestRaftWithASickStoreEndsQuietly(t *testing.T) {
	sick, votes := errors.New("sick"), &sickStore{InmemStore: raft.NewInmemStore()}
	told := make(chan error, 10)
	r, stop := startRaft(t, raft.NewInmemStore(), HaltStable(votes, func(err error) { told <- err }))
	instance := NewInstance(r)
	defer stop(instance)
	votes.err.Store(&sick) // the next election meets it
	if err := <-told; !errors.Is(err, sick) {
		t.Fatal(err)
	}
	answer := make(chan error, 1)
	go func() { answer <- instance.VerifyLeader().Error() }()
	instance.Abandon()
	if err := <-answer; !errors.Is(err, raft.ErrRaftShutdown) {
		t.Errorf("a future of an abandoned raft: %v", err)
	}
}

// startRaft runs a cluster of one that elects itself.
func startRaft(t *testing.T, log raft.LogStore, votes raft.StableStore) (*raft.Raft, func(*Instance)) {
	t.Helper()
	conf := raft.DefaultConfig()
	conf.LocalID, conf.LogLevel = "n1", "ERROR"
	conf.HeartbeatTimeout, conf.ElectionTimeout, conf.LeaderLeaseTimeout = 200*time.Millisecond, 200*time.Millisecond, 200*time.Millisecond
	addr, trans := raft.NewInmemTransport("n1")
	snaps := raft.NewDiscardSnapshotStore()
	first := raft.Configuration{Servers: []raft.Server{{ID: "n1", Address: addr}}}
	if err := raft.BootstrapCluster(conf, log, raft.NewInmemStore(), snaps, trans, first); err != nil {
		t.Fatal(err)
	}
	r, err := raft.NewRaft(conf, &raft.MockFSM{}, log, votes, snaps, trans)
	if err != nil {
		t.Fatal(err)
	}
	return r, func(i *Instance) {
		if err := i.Stop(); err != nil {
			t.Error(err)
		}
	}
}
