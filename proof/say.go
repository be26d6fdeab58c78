package proof

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// errNotCommitted says that a command did not get into the log, or that nobody knows.
var errNotCommitted = errors.New("proof: not committed")

// propose commits a command.
func (s *Sealer) propose(ctx context.Context, kind uint16, command any) error {
	return commit(ctx, s.opt.Catalog.Propose, kind, command)
}

// commit commits a command by a method of the Catalog.
func commit(ctx context.Context, by func(context.Context, uint16, uint8, []byte) error, kind uint16, command any) error {
	body, err := json.Marshal(command)
	if err != nil {
		return fmt.Errorf("proof: command %d: %w", kind, err)
	}
	if err := by(ctx, kind, CommandVersion, body); err != nil {
		return fmt.Errorf("%w: command %d: %w", errNotCommitted, kind, err)
	}
	return nil
}

// sayAgain is how long this node does not repeat a command: its state may show only later what came of it.
const sayAgain = 5 * time.Second

// say commits a command of this node's own, unless it did so a moment ago. One that is refused because the state has moved on, or is not there yet, is
// no error: a later look shows what to do.
func (s *Sealer) say(ctx context.Context, kind uint16, what string, command any) error {
	if s.said(what) {
		return nil
	}
	return s.spoke(what, s.propose(ctx, kind, command))
}

// spoke remembers what was said, and what came of it.
func (s *Sealer) spoke(what string, err error) error {
	var refused *Refusal
	if err == nil || errors.As(err, &refused) {
		s.saying(what, sayAgain)
	}
	if tooLate(err) {
		s.log.Debug("a command of the proof came at the wrong time", "what", what, "err", err)
		return nil
	}
	return err
}

// tooLate reports whether a command was refused because the state has moved on.
func tooLate(err error) bool { return refusedFor(err, CodeNotCurrent) }

func refusedFor(err error, code string) bool {
	var refused *Refusal
	return errors.As(err, &refused) && refused.Code == code
}

// said reports whether this node said something a moment ago.
func (s *Sealer) said(what string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.sayings[what])
}

// saying remembers for how long something is not said again.
func (s *Sealer) saying(what string, pause time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for other, until := range s.sayings {
		if now.After(until) {
			delete(s.sayings, other)
		}
	}
	s.sayings[what] = now.Add(pause)
}
