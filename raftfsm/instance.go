package raftfsm

import (
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// Instance is a running hashicorp/raft whose futures end with it. Raft itself never answers one that its main loop had not taken when it ended: whoever
// waits for it waits for ever.
type Instance struct {
	*raft.Raft
	once sync.Once
	down raft.Future   // of the first Shutdown: a second one's waits for nothing
	over chan struct{} // closed when the main loop takes nothing more
}

// NewInstance takes over a Raft that was just started.
func NewInstance(r *raft.Raft) *Instance { return &Instance{Raft: r, over: make(chan struct{})} }

// Stop ends Raft and returns when it has ended.
func (i *Instance) Stop() error {
	i.Abandon()
	return i.down.Error()
}

// Abandon ends Raft and its futures, and waits for nothing: a store may be stuck.
func (i *Instance) Abandon() {
	i.once.Do(func() {
		i.down = i.Raft.Shutdown()
		close(i.over)
	})
}

// ApplyLog is raft.Raft's, with a future that ends.
func (i *Instance) ApplyLog(log raft.Log, timeout time.Duration) raft.ApplyFuture {
	f := i.Raft.ApplyLog(log, timeout)
	return &mortalApply{ApplyFuture: f, mortal: mortal{f, i.over}}
}

// Barrier is raft.Raft's, with a future that ends.
func (i *Instance) Barrier(timeout time.Duration) raft.Future {
	return &mortal{i.Raft.Barrier(timeout), i.over}
}

// VerifyLeader is raft.Raft's, with a future that ends.
func (i *Instance) VerifyLeader() raft.Future { return &mortal{i.Raft.VerifyLeader(), i.over} }

// LeadershipTransfer is raft.Raft's, with a future that ends.
func (i *Instance) LeadershipTransfer() raft.Future {
	return &mortal{i.Raft.LeadershipTransfer(), i.over}
}

// LeadershipTransferToServer is raft.Raft's, with a future that ends.
func (i *Instance) LeadershipTransferToServer(id raft.ServerID, addr raft.ServerAddress) raft.Future {
	return &mortal{i.Raft.LeadershipTransferToServer(id, addr), i.over}
}

// AddVoter is raft.Raft's, with a future that ends.
func (i *Instance) AddVoter(id raft.ServerID, addr raft.ServerAddress, prev uint64, timeout time.Duration) raft.Future {
	return &mortal{i.Raft.AddVoter(id, addr, prev, timeout), i.over}
}

// AddNonvoter is raft.Raft's, with a future that ends.
func (i *Instance) AddNonvoter(id raft.ServerID, addr raft.ServerAddress, prev uint64, timeout time.Duration) raft.Future {
	return &mortal{i.Raft.AddNonvoter(id, addr, prev, timeout), i.over}
}

// RemoveServer is raft.Raft's, with a future that ends.
func (i *Instance) RemoveServer(id raft.ServerID, prev uint64, timeout time.Duration) raft.Future {
	return &mortal{i.Raft.RemoveServer(id, prev, timeout), i.over}
}

// mortal is a future that ends with its Raft, with raft.ErrRaftShutdown.
type mortal struct {
	raft.Future
	over <-chan struct{}
}

func (f *mortal) Error() error {
	answer := make(chan error, 1)
	go func() { answer <- f.Future.Error() }()
	select {
	case err := <-answer:
		return err
	case <-f.over:
		return raft.ErrRaftShutdown
	}
}

// mortalApply has one reader.
type mortalApply struct {
	raft.ApplyFuture
	mortal   mortal
	answered bool
}

func (f *mortalApply) Error() error {
	err := f.mortal.Error()
	f.answered = err == nil
	return err
}

// Response is nil where Error returned one: Raft may be writing it.
func (f *mortalApply) Response() any {
	if !f.answered {
		return nil
	}
	return f.ApplyFuture.Response()
}
