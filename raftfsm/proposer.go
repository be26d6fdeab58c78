package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

var (
	// ErrNotLeader says that nothing was proposed: ask the leader.
	ErrNotLeader = errors.New("raftfsm: this node is not the leader")
	// ErrOverloaded says that nothing was proposed because the queue is full, or because two heads wait for their flush.
	ErrOverloaded = errors.New("raftfsm: too many bytes are waiting for their commit or their flush")
	// ErrUnknown says that the proposal may or may not be committed, now or later.
	ErrUnknown = errors.New("raftfsm: outcome unknown")
)

// Proposer takes requests while this node leads. A Lead exists from the term's first barrier to the loss of leadership; parts
// are packed by its one goroutine, so that numbers of streams are assigned in log order.
type Proposer struct {
	raft     atomic.Pointer[Instance]
	state    *State
	metrics  *Metrics
	maxQueue int64

	queued atomic.Int64  // bytes of parts that wait for their answer
	stored chan struct{} // signalled, at most once pending, after each write of the log

	mu   sync.Mutex // protects lead
	lead *lead
}

// NewProposer returns a proposer that refuses parts beyond maxQueue bytes. Bind must be called before it is used.
func NewProposer(s *State, m *Metrics, maxQueue int64) *Proposer {
	return &Proposer{state: s, metrics: m, maxQueue: maxQueue, stored: make(chan struct{}, 1)}
}

// Bind gives the proposer its Raft, which could not exist before the log store that calls Stored, or a new one after End.
func (p *Proposer) Bind(r *Instance) { p.raft.Store(r) }

// Stored says that a write of the log returned: the guard of the log calls it.
func (p *Proposer) Stored() {
	select {
	case p.stored <- struct{}{}:
	default:
	}
}

// Begin opens the proposer for a term whose barrier was applied. An open lead of the same term stays. Begin and End have one caller at a time.
func (p *Proposer) Begin(term uint64) {
	if p.Term() == term {
		return
	}
	p.End()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lead = newLead(p, term)
}

// End closes the proposer and returns when it proposes nothing more. Parts not yet proposed are answered with ErrNotLeader.
func (p *Proposer) End() {
	p.mu.Lock()
	l := p.lead
	p.lead = nil
	p.mu.Unlock()
	if l != nil {
		l.end() // it may wait for Raft to take an entry: meanwhile nobody else has to
	}
}

// Term is the term this node may propose in, 0 while it may not.
func (p *Proposer) Term() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lead == nil {
		return 0
	}
	return p.lead.term
}

// Propose commits one part and returns what apply did with it.
func (p *Proposer) Propose(ctx context.Context, part *Part) (PartResult, error) {
	if p.state.Pressure() > pressed {
		p.metrics.Overloaded.Inc()
		return PartResult{}, ErrOverloaded
	}
	size := int64(len(part.Batch))
	if queued := p.queued.Add(size); queued > p.maxQueue && queued != size { // one that is alone may be larger
		p.queued.Add(-size)
		p.metrics.Overloaded.Inc()
		return PartResult{}, ErrOverloaded
	}
	p.metrics.QueueBytes.Add(float64(size))
	defer func() {
		p.queued.Add(-size)
		p.metrics.QueueBytes.Sub(float64(size))
	}()
	p.mu.Lock()
	l := p.lead
	p.mu.Unlock()
	if l == nil {
		return PartResult{}, ErrNotLeader
	}
	return l.propose(ctx, part)
}

// Command commits one command that is not a batch.
func (p *Proposer) Command(kind uint16, version uint8, body []byte) (CommandResult, error) {
	future := p.raft.Load().ApplyLog(raft.Log{Data: AppendCommand(nil, kind, version, 0, body)}, 0)
	if err := future.Error(); err != nil {
		return CommandResult{}, proposeError(err)
	}
	result, ok := future.Response().(CommandResult)
	if !ok {
		return CommandResult{}, fmt.Errorf("%w: command %d was answered with %T", ErrUnknown, kind, future.Response())
	}
	if errors.Is(result.Err, ErrHalt) {
		return CommandResult{}, fmt.Errorf("%w: %w", ErrUnknown, result.Err)
	}
	return result, nil
}

// proposeError tells what Raft refused from what it may still commit.
func proposeError(err error) error {
	switch {
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress), errors.Is(err, raft.ErrEnqueueTimeout):
		return fmt.Errorf("%w: %w", ErrNotLeader, err)
	default: // ErrLeadershipLost, ErrRaftShutdown, a failed write: the entry may be in a log
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
}
