package raftfsm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// State is everything the log has done so far, at one index. Apply writes it under the lock; readers see it through View.
type State struct {
	replacing sync.Mutex // held while a floor is published or restored; before mu

	mu sync.RWMutex // protects all below; written by the FSM's goroutine, and by the flusher where it says so

	content
	sealed   []*Sealed         // heads on their way into segments, oldest first; the flusher takes the first one away
	manifest *segment.Manifest // as of floor
	floor    uint64            // index of the newest floor this node flushed or installed
	sizes    [2]int64          // bytes of the newest floor file and of the one before

	abandoned bool // nothing of this content is to be published: see Abandon
	makeExtra Extra

	halted  error         // why nothing more is applied
	changed chan struct{} // closed and replaced after every batch of commands, after every flush and restore

	pressure atomic.Int32 // how far the flusher is behind: see Pressure
}

// content is the part of the state that a floor restores as a whole.
type content struct {
	ledger   *ledger.Ledger
	head     *segment.Head
	members  *Members
	policy   *policySection
	keys     *Idempotency
	floors   *Floors
	core     core
	recorder recorder
	extra    []Section
	clock    Clock
	tick     Tick
	index    uint64 // last applied command

	ordinal uint32   // seal ordinal of the rows that are applied now: the chronicle's
	voters  []string // servers with a vote, ascending: those of core.Configuration
}

// View is one consistent look at the state. It is valid only inside the function it was given to, except for what says otherwise.
type View struct {
	Index    uint64
	Clock    Clock
	Tick     Tick
	Ledger   *ledger.Ledger
	Head     *segment.Head
	Sealed   []*segment.Head   // oldest first; never written again, so they may be read after the View, too
	Manifest *segment.Manifest // the segments of everything that is in no head; immutable
	Floor    uint64            // index of the manifest
	Members  *Members
	Floors   *Floors
	Policy   Policy
	Voters   []string // servers with a vote, ascending; immutable

	RecorderDropped uint64 // frames of system recorders beyond their limit, since the beginning of the history

	extra []Section
}

// Section is one of the sections that came through Extra, nil where there is none of that name.
func (v *View) Section(name string) Section {
	for _, sec := range v.extra {
		if sec.Name() == name {
			return sec
		}
	}
	return nil
}

// NewState returns the state before the first command. extra may be nil.
func NewState(extra Extra) *State {
	return &State{content: newContent(extra), makeExtra: extra, changed: make(chan struct{})}
}

func newContent(extra Extra) content {
	c := content{
		ledger:  ledger.New(DefaultPolicy().Ledger),
		head:    segment.NewHead(),
		members: &Members{},
		keys:    newIdempotency(),
		floors:  &Floors{},
		ordinal: 1,
	}
	c.policy = newPolicySection(c.ledger)
	if extra != nil {
		c.extra = extra(c.ledger)
	}
	return c
}

// Sections lists the sections in the order of a floor file. The first one is the state's own.
func (c *content) Sections() []Section {
	return append([]Section{&coreSection{c}, c.members, c.policy, c.floors, c.keys, c.ledger}, c.extra...)
}

// section finds the owner of a command kind.
func (c *content) section(kind uint16) (Section, bool) {
	for _, sec := range c.Sections() {
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
	v := View{
		Index: s.index, Clock: s.clock, Tick: s.tick, Ledger: s.ledger, Head: s.head, Manifest: s.manifest, Floor: s.floor,
		Members: s.members, Floors: s.floors, Policy: s.policy.policy, Voters: s.voters, RecorderDropped: s.recorder.dropped,
		extra: s.extra,
	}
	for _, sealed := range s.sealed {
		v.Sealed = append(v.Sealed, sealed.Head)
	}
	fn(v)
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

// ErrClosed ends whoever waits for a state that is closed.
var ErrClosed = errors.New("raftfsm: the state is closed")

// Close makes apply and everybody who waits return. A node calls it before it stops Raft, whose apply may be waiting for a flush.
func (s *State) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.halted == nil {
		s.halted = ErrClosed
	}
	s.signal()
}

// signal wakes everybody who waits for a change. The caller holds the lock.
func (s *State) signal() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Changed returns a channel that is closed at the next change of the state.
func (s *State) Changed() <-chan struct{} {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.changed
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
