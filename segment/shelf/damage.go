package shelf

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/gaplessdb/gapless/segment"
)

// damage takes a copy out of use of which a read has shown that it is damaged. Late reports about a copy that was replaced change
// nothing. It runs in the goroutine of the reader, who holds no lock of ours.
func (s *Shelf) damage(h *handle, cause error) {
	e := h.entry
	e.files.Lock()
	defer e.files.Unlock()
	s.mu.Lock()
	counts := !s.closed && e.presence == held && e.copy == h.copy
	s.mu.Unlock()
	if counts {
		_ = s.setAside(e, cause) // the reader has the cause
	}
}

// setAside puts the file at the segment's place into quarantine and returns what Open says from now on. First of all nobody gets it any
// more; if it cannot be moved it stays suspect, and the next pull tries again. The caller holds e.files.
func (s *Shelf) setAside(e *entry, cause error) error {
	s.mu.Lock()
	idle := s.retire(e)
	e.presence, e.damage = suspect, cause
	s.change()
	s.mu.Unlock()
	closeIdle(idle)

	to, err := s.moveAside(e)
	s.metrics.quarantined.Inc()
	s.log.Error("shelf: segment is damaged and out of use until it is repaired", append(describe(cause),
		"segment", e.name.String(), "moved_to", to, "move_error", err)...)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		e.presence = absent
		s.change()
	} else {
		e.failure = err
	}
	return e.missing()
}

// describe returns the place and nature of damage for a log line.
func describe(err error) []any {
	var c *segment.CorruptError
	if !errors.As(err, &c) {
		return []any{"error", err}
	}
	return []any{"path", c.Path, "offset", c.Offset, "what", c.What, "want", c.Want, "got", c.Got, "error", err}
}

// moveAside renames the file at the segment's place to a name in quarantine that no other copy has, and a number above all of theirs. A failed sync of the names
// is no failure: after a power loss the file may be back at its place, to be found again. The caller holds e.files.
func (s *Shelf) moveAside(e *entry) (string, error) {
	s.mu.Lock()
	n := s.newest + 1
	s.mu.Unlock()
	to := s.quarantinePlace(e.name, n)
	if err := s.fs.Rename(s.place(e.name), to); err != nil {
		return "", fmt.Errorf("shelf: move into quarantine: %w", err)
	}
	s.mu.Lock()
	e.copies, e.salvage = append(e.copies, n), true
	s.newest = max(s.newest, n)
	s.mu.Unlock()
	if err := s.syncNames(); err != nil {
		s.log.Error("shelf: a move into quarantine may not survive a power loss", "segment", e.name.String(), "error", err)
	}
	return to, nil
}

// Check verifies the whole file of a segment that is here. Damage puts it into quarantine and is returned.
func (s *Shelf) Check(ctx context.Context, name segment.Name) error {
	h, err := s.acquire(name)
	if err != nil {
		return err
	}
	defer s.release(h)
	if h.file != nil {
		err = verify(ctx, h.file, s.place(name), name)
	} else {
		err = s.verifyNamed(ctx, s.place(name), name)
	}
	if damaged(err) {
		s.damage(h, err)
	}
	return err
}
