package raftfsm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// FSM applies committed commands to a State. It implements raft.BatchingFSM; Raft calls it from one goroutine.
type FSM struct {
	state    *State
	log      *slog.Logger
	metrics  *Metrics
	restored func(*segment.Manifest)
	onHalt   func(error)
	reader   frame.Reader // of the batch being applied, reused
}

// CommandResult is what apply answers to any command but a batch. Err is a refusal, the same on every node.
type CommandResult struct {
	Position frame.Position
	JSON     []byte
	Err      error
}

// NewFSM wires a state to Raft. restored is told which segments count before a floor's state becomes visible; onHalt is called when
// a command cannot be applied, or a floor is of a cluster that this binary does not know, and the node must end.
func NewFSM(s *State, log *slog.Logger, m *Metrics, restored func(*segment.Manifest), onHalt func(error)) *FSM {
	return &FSM{state: s, log: log, metrics: m, restored: restored, onHalt: onHalt}
}

// Apply implements raft.FSM for a single log entry.
func (f *FSM) Apply(l *raft.Log) any { return f.ApplyBatch([]*raft.Log{l})[0] }

// ApplyBatch implements raft.BatchingFSM: []PartResult for a batch, CommandResult for any other command, nil for a configuration. It may
// wait for the flusher, and then lets readers in.
func (f *FSM) ApplyBatch(logs []*raft.Log) []any {
	start := time.Now() // for the metric only
	s := f.state
	s.mu.Lock()
	results := make([]any, len(logs))
	halted := s.halted
	for i, l := range logs {
		switch {
		case s.halted != nil:
			results[i] = CommandResult{Err: s.halted}
		case l.Type == raft.LogConfiguration:
			s.core.ConfigurationIndex, s.core.Configuration = l.Index, bytes.Clone(l.Data)
			s.members.configure(l.Data)
			s.floors.configure(s.members.data.Servers)
			s.configured()
			s.chronicle() // voters have changed
		case l.Type == raft.LogCommand:
			results[i] = f.applyLog(l)
		}
	}
	newlyHalted := halted == nil && s.halted != nil && !errors.Is(s.halted, ErrClosed)
	f.metrics.state(s)
	s.press()
	s.signal()
	index, err := s.index, s.halted
	s.mu.Unlock()
	f.metrics.ApplySeconds.Observe(time.Since(start).Seconds())
	if newlyHalted {
		f.log.Error("apply halted", "index", index+1, "err", err)
		f.onHalt(err)
	}
	return results
}

// applyLog applies one command, and seals the head behind it where a flush point lies.
func (f *FSM) applyLog(l *raft.Log) any {
	s := f.state
	result := f.applyOne(l)
	if s.halted != nil {
		return CommandResult{Err: s.halted}
	}
	s.core.Applied += int64(len(l.Data))
	if s.core.flushNow || s.core.Applied >= s.due() {
		s.core.flushNow = false
		s.seal(l)
	}
	return result
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
	case KindFlush:
		if cmd.Version != commandVersion {
			return nil, fmt.Errorf("%w: flush version %d, this binary knows %d: upgrade it", ErrHalt, cmd.Version, commandVersion)
		}
		s.core.flushNow = true
		return CommandResult{Position: pos}, nil
	}
	return f.applySection(l, cmd)
}

// applySection applies the command of a section. One that needs a higher cluster version is refused on every node that knows it.
func (f *FSM) applySection(l *raft.Log, cmd Command) (any, error) {
	s := f.state
	sec, ok := s.section(cmd.Kind)
	if !ok || !s.knows(cmd.Kind, cmd.Version) {
		return nil, fmt.Errorf("%w: unknown command %d version %d: upgrade this binary", ErrHalt, cmd.Kind, cmd.Version)
	}
	pos := frame.Position{History: s.members.History(), Index: l.Index}
	if err := s.early(sec, cmd.Kind, cmd.Version); err != nil {
		return CommandResult{Position: pos, Err: err}, nil
	}
	if err := s.guardCommand(sec, cmd.Body); err != nil {
		return CommandResult{Position: pos, Err: err}, nil
	}
	told := s.chronicle() != nil
	s.ledger.Renew(s.members.Version() >= guardVersion)
	out, err := sec.Apply(l.Index, l.Term, s.clock.NowMS, cmd.Kind, cmd.Version, cmd.Body)
	if errors.Is(err, ErrHalt) {
		return nil, err
	}
	if errors.Is(err, ledger.ErrVersion) {
		return nil, fmt.Errorf("%w: %w: upgrade this binary", ErrHalt, err)
	}
	if err := s.members.beyond(); err != nil {
		return nil, err
	}
	if err == nil {
		if !told {
			s.beginLog()
		}
		if err := f.keep(l.Index, sec, cmd.Kind, cmd.Body); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrHalt, err)
		}
	}
	pos.History = s.members.History()
	return CommandResult{Position: pos, JSON: out, Err: refusedBy(err)}, nil
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

// MarshalTick encodes a tick command's body.
func MarshalTick(t Tick) ([]byte, error) { return json.Marshal(t) }
