package raftfsm

import (
	"context"
	"fmt"
	"sync"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// State is everything the log has done so far, at one index. Apply writes it under the lock; readers see it through View.
type State struct {
	mu sync.RWMutex // protects all below; written by the FSM's goroutine only

	ledger   *ledger.Ledger
	head     *segment.Head
	members  *Members
	policy   *policySection
	keys     *Idempotency
	recorder recorder
	clock    Clock
	tick     Tick

	index   uint64        // last applied command
	halted  error         // why nothing more is applied
	changed chan struct{} // closed and replaced after every batch of commands
}

// View is one consistent look at the state. It is valid only inside the function it was given to.
type View struct {
	Index   uint64
	Clock   Clock
	Tick    Tick
	Ledger  *ledger.Ledger
	Head    *segment.Head
	Members *Members
	Policy  Policy

	RecorderDropped uint64 // frames of system recorders beyond their limit, since the beginning of the history
}

// NewState returns the state before the first command.
func NewState() *State {
	s := &State{
		ledger:  ledger.New(DefaultPolicy().Ledger),
		head:    segment.NewHead(),
		members: &Members{},
		keys:    newIdempotency(),
		changed: make(chan struct{}),
	}
	s.policy = newPolicySection(s.ledger)
	return s
}

// Sections lists the sections in the order of a checkpoint.
func (s *State) Sections() []Section {
	return []Section{s.ledger, s.members, s.policy, s.keys}
}

// section finds the owner of a command kind.
func (s *State) section(kind uint16) (Section, bool) {
	for _, sec := range s.Sections() {
		if first, last := sec.Commands(); kind >= first && kind <= last && first != 0 {
			return sec, true
		}
	}
	return nil, false
}

// View calls fn under the read lock. fn must do bounded work and keep nothing but immutable values.
func (s *State) View(fn func(View)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	fn(View{
		Index: s.index, Clock: s.clock, Tick: s.tick, Ledger: s.ledger, Head: s.head, Members: s.members, Policy: s.policy.policy,
		RecorderDropped: s.recorder.dropped,
	})
}

// Index is the Raft index of the last applied command.
func (s *State) Index() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.index
}

// Halted says why this state applies nothing more, nil while it does.
func (s *State) Halted() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.halted
}

// Wait returns once the command at index is applied.
func (s *State) Wait(ctx context.Context, index uint64) error {
	for {
		s.mu.RLock()
		at, halted, changed := s.index, s.halted, s.changed
		s.mu.RUnlock()
		if at >= index {
			return nil
		}
		if halted != nil {
			return halted
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("raftfsm: waiting for index %d, applied %d: %w", index, at, ctx.Err())
		}
	}
}
