package shelf

import (
	"time"

	"github.com/gaplessdb/gapless/segment"
)

// Prune removes the segments that keep has refused for RetireAfter, with their unfinished pulls and their copies in quarantine: those that are
// wanted, read or pulled stay whatever keep says. Then it removes the oldest damaged copies beyond QuarantineCopies. keep must know a file that
// no manifest lists yet before Added does. What could not be removed is tried again by the next Prune.
func (s *Shelf) Prune(keep func(segment.Name) bool) error {
	s.manage.Lock()
	defer s.manage.Unlock()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	var unwanted []*entry
	for _, e := range s.entries {
		if !e.wanted {
			unwanted = append(unwanted, e)
		}
	}
	s.mu.Unlock()

	removed := 0
	for _, e := range unwanted {
		if needed := keep(e.name); !s.expired(e, needed) {
			continue
		}
		ok, err := s.prune(e)
		if err != nil {
			return err
		}
		if ok {
			removed++
		}
	}
	if err := s.trimQuarantine(); err != nil {
		return err
	}
	if removed == 0 {
		return nil
	}
	s.metrics.removed.Add(float64(removed))
	s.log.Info("shelf: removed segments that no manifest lists", "segments", removed)
	return s.syncNames()
}

// expired notes whether a segment is still needed, and reports whether nobody has needed it for so long that no reader can mean it any more.
func (s *Shelf) expired(e *entry, needed bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	switch {
	case needed:
		e.refused = time.Time{}
		return false
	case e.refused.IsZero():
		e.refused = now
	}
	return now.Sub(e.refused) >= s.opt.RetireAfter
}

// prune removes the files of an entry that is not wanted and forgets it, unless somebody uses them. The caller holds manage.
func (s *Shelf) prune(e *entry) (bool, error) {
	e.files.Lock()
	defer e.files.Unlock()
	s.mu.Lock()
	if e.readers > 0 || e.pull.running {
		s.mu.Unlock()
		return false, nil
	}
	idle := s.retire(e)
	copies := e.copies
	s.mu.Unlock()
	closeIdle(idle)

	files := []string{s.partPlace(e.name)}
	for _, n := range copies {
		files = append(files, s.quarantinePlace(e.name, n))
	}
	for _, file := range append(files, s.place(e.name)) { // its place last: until then the entry is right
		if err := s.remove(file); err != nil {
			return false, err
		}
	}
	s.metrics.dropped.Add(float64(len(copies)))
	s.mu.Lock()
	e.presence = absent // for who holds the entry and waits
	delete(s.entries, e.name)
	s.mu.Unlock()
	return true, nil
}
