package shelf

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gaplessdb/gapless/segment"
)

// Want says which segments count from now on: exactly those of m. Those that are not here are missing until a Pull has brought them;
// the others keep their files until Prune. A segment that was seen before costs no I/O, one from before the start an open and a
// look at its footer.
//
// Whatever it returns, m is wanted. An error names segments whose files could not be judged: a version that this program does not know, too
// many open files. They are missing, and Pull looks again.
func (s *Shelf) Want(m *segment.Manifest) error {
	s.manage.Lock()
	defer s.manage.Unlock()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	next := make([]*entry, len(m.Segments()))
	for i, info := range m.Segments() {
		next[i] = s.entry(info.Name)
	}
	s.mu.Unlock()

	var errs []error
	for i, info := range m.Segments() {
		err := s.settle(next[i], info.Bytes)
		if missing := (*MissingError)(nil); err != nil && !errors.As(err, &missing) {
			errs = append(errs, err)
		}
	}

	s.mu.Lock()
	for _, e := range s.wanted {
		e.wanted = false
	}
	missing := 0
	for i, e := range next {
		if info := m.Segments()[i]; info.Bytes == e.info.Bytes { // settle has filled in what was not known
			e.info = info
		}
		e.wanted, e.refused = true, time.Time{}
		if e.presence != held {
			missing++
		}
	}
	s.wanted = next
	s.change()
	s.mu.Unlock()
	if missing > 0 {
		s.log.Info("shelf: segments are missing", "wanted", len(next), "missing", missing)
	}
	return errors.Join(errs...)
}

// Added says that segment.Write has put a segment into Dir, durable and read back: from now on it can be opened. It counts when a
// manifest lists it.
func (s *Shelf) Added(info segment.Info) error {
	s.manage.Lock()
	defer s.manage.Unlock()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	e := s.entry(info.Name)
	if e.presence == absent {
		e.presence = found
	}
	doubtful := e.presence == suspect
	s.mu.Unlock()

	if doubtful { // the writer may have taken a damaged file for its own
		if ok, err := s.recheck(context.Background(), e); err != nil || !ok {
			return fmt.Errorf("shelf: added segment %s is not whole: %w", info.Name, errors.Join(err, ErrNotHere))
		}
	}
	if err := s.settle(e, info.Bytes); err != nil {
		return fmt.Errorf("shelf: added segment %s: %w", info.Name, err)
	}
	return nil
}
