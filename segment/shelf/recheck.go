package shelf

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// recheck looks whether a file stands at the place of a segment that does not count, and whether it can. A nil error with false says
// that the place is free: the segment is to be pulled.
func (s *Shelf) recheck(ctx context.Context, e *entry) (bool, error) {
	e.files.Lock()
	defer e.files.Unlock()
	s.mu.Lock()
	presence := e.presence
	s.mu.Unlock()
	err := error(nil)
	switch presence {
	case absent:
		return false, nil
	case suspect:
		if err = s.recheckSuspect(ctx, e); err == nil {
			return true, nil
		}
	default:
		h, takeErr := s.take(e)
		if takeErr == nil {
			s.release(h)
			return true, nil
		}
		err = takeErr
	}
	var missing *MissingError
	if !errors.As(err, &missing) {
		return false, err
	}
	return false, s.mustBeAbsent(e)
}

// recheckSuspect verifies the file at the segment's place, which counts if it is whole and goes into quarantine if it is not. The caller
// holds e.files.
func (s *Shelf) recheckSuspect(ctx context.Context, e *entry) error {
	err := s.verifyNamed(ctx, s.place(e.name), e.name)
	if damaged(err) || errors.Is(err, fs.ErrNotExist) {
		return s.setAside(e, err)
	}
	if err != nil {
		return err
	}
	s.log.Warn("shelf: the file of a segment that was out of use is whole", "segment", e.name.String())
	return s.believe(e)
}

// believe makes the verified file at the segment's place count. The caller holds e.files.
func (s *Shelf) believe(e *entry) error {
	if err := s.syncNames(); err != nil {
		return err
	}
	h, err := s.openFile(e, 0)
	if err != nil {
		return err
	}
	s.release(h)
	return nil
}

// mustBeAbsent is an error while something stands at the place where a pull is to put its file. The caller holds e.files.
func (s *Shelf) mustBeAbsent(e *entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.presence == absent {
		return nil
	}
	return fmt.Errorf("shelf: the damaged file of %s is still at its place: %w", e.name, e.failure)
}
