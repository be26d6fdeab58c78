package raftfsm

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// FSM applies committed commands to a State. It implements raft.BatchingFSM; Raft calls it from one goroutine.
type FSM struct {
	state   *State
	log     *slog.Logger
	metrics *Metrics
	onHalt  func(error)
	reader  frame.Reader // of the batch being applied, reused
}

// CommandResult is what apply answers to any command but a batch. Err is a refusal, the same on every node.
type CommandResult struct {
	Position frame.Position
	JSON     []byte
	Err      error
}

// NewFSM wires a state to Raft. onHalt is called once, when a command cannot be applied and the node must end.
func NewFSM(s *State, log *slog.Logger, m *Metrics, onHalt func(error)) *FSM {
	return &FSM{state: s, log: log, metrics: m, onHalt: onHalt}
}

// Apply implements raft.FSM for a single log entry.
func (f *FSM) Apply(l *raft.Log) any { return f.ApplyBatch([]*raft.Log{l})[0] }

// ApplyBatch implements raft.BatchingFSM: []PartResult for a batch, CommandResult for any other command.
func (f *FSM) ApplyBatch(logs []*raft.Log) []any {
	start := time.Now() // for the metric only
	s := f.state
	s.mu.Lock()
	results := make([]any, len(logs))
	halted := s.halted
	for i, l := range logs {
		if l.Type != raft.LogCommand {
			continue
		}
		if s.halted == nil {
			results[i] = f.applyOne(l)
		}
		if s.halted != nil {
			results[i] = CommandResult{Err: s.halted}
		}
	}
	newlyHalted := halted == nil && s.halted != nil
	index, dropped := s.index, s.recorder.dropped
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()
	f.metrics.applied(index, dropped, time.Since(start))
	if newlyHalted {
		f.log.Error("apply halted", "index", index+1, "err", s.halted)
		f.onHalt(s.halted)
	}
	return results
}

// applyOne applies one command and moves the index, or halts.
func (f *FSM) applyOne(l *raft.Log) any {
	s := f.state
	cmd, err := ParseCommand(l.Data)
	if err != nil {
		s.halted = fmt.Errorf("%w: index %d: %w", ErrHalt, l.Index, err)
		return nil
	}
	result, err := f.dispatch(l, cmd)
	if err != nil {
		s.halted = fmt.Errorf("index %d: %w", l.Index, err)
		return nil
	}
	s.index = l.Index
	return result
}

func (f *FSM) dispatch(l *raft.Log, cmd Command) (any, error) {
	s := f.state
	pos := frame.Position{History: s.members.History(), Index: l.Index}
	switch cmd.Kind {
	case KindBatch:
		if cmd.Version != commandVersion {
			return nil, fmt.Errorf("%w: batch command version %d, this binary knows %d: upgrade it", ErrHalt, cmd.Version, commandVersion)
		}
		return f.applyBatch(l, cmd)
	case KindTick:
		return CommandResult{Position: pos}, s.applyTick(cmd)
	}
	sec, ok := s.section(cmd.Kind)
	if !ok {
		return nil, fmt.Errorf("%w: unknown command %d version %d: upgrade this binary", ErrHalt, cmd.Kind, cmd.Version)
	}
	out, err := sec.Apply(l.Index, l.Term, s.clock.NowMS, cmd.Kind, cmd.Version, cmd.Body)
	if errors.Is(err, ErrHalt) {
		return nil, err
	}
	if errors.Is(err, ledger.ErrVersion) {
		return nil, fmt.Errorf("%w: %w: upgrade this binary", ErrHalt, err)
	}
	pos.History = s.members.History()
	return CommandResult{Position: pos, JSON: out, Err: err}, nil
}

// applyTick moves the clock, opens a new recorder window and makes gaps final whose grace is over.
func (s *State) applyTick(cmd Command) error {
	if cmd.Version != commandVersion {
		return fmt.Errorf("%w: tick version %d, this binary knows %d: upgrade it", ErrHalt, cmd.Version, commandVersion)
	}
	t, err := parseTick(cmd.Body)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrHalt, err)
	}
	s.clock = s.clock.Advance(t)
	s.tick = t
	s.recorder.begin()
	s.ledger.Tick(s.clock.NowMS, s.clock.Paused)
	return nil
}

// errNoSnapshot: until floors exist (docs/guarantees.md) the log is never truncated and a restart replays it.
var errNoSnapshot = errors.New("raftfsm: snapshots are not taken: the log is complete")

func (f *FSM) Snapshot() (raft.FSMSnapshot, error) { return nil, errNoSnapshot }

func (f *FSM) Restore(r io.ReadCloser) error {
	return errors.Join(fmt.Errorf("raftfsm: a snapshot was offered: %w", errNoSnapshot), r.Close())
}

// MarshalTick encodes a tick command's body.
func MarshalTick(t Tick) ([]byte, error) { return json.Marshal(t) }
