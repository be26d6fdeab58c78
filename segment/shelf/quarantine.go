package shelf

import (
	"cmp"
	"slices"
)

// aside is one damaged copy.
type aside struct {
	e *entry
	n int
}

// trimQuarantine removes the oldest damaged copies beyond QuarantineCopies. Of a segment that is not here the newest copy stays, however many
// there are: it may be whole after all (salvage), and if nobody else has the segment, what can be read of it is all there is. A new copy of
// a segment needs a whole one to go bad, so it is enough to look when a segment has come back, and in Prune. The caller holds manage.
func (s *Shelf) trimQuarantine() error {
	for _, c := range s.surplusCopies() {
		if err := s.removeCopy(c); err != nil {
			return err
		}
	}
	return nil
}

// surplusCopies lists the copies that may go, the oldest first.
func (s *Shelf) surplusCopies() (list []aside) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := 0
	for _, e := range s.entries {
		all += len(e.copies)
		for _, n := range e.copies {
			list = append(list, aside{e, n})
		}
	}
	list = slices.DeleteFunc(list, func(c aside) bool { return !c.e.dispensable(c.n) })
	slices.SortFunc(list, func(a, b aside) int { return cmp.Compare(a.n, b.n) })
	return list[:min(len(list), max(0, all-s.opt.QuarantineCopies))]
}

// dispensable reports whether a copy is of no use but as evidence. The caller holds mu.
func (e *entry) dispensable(n int) bool {
	return e.presence == held || n != e.copies[len(e.copies)-1]
}

func (s *Shelf) removeCopy(c aside) error {
	c.e.files.Lock()
	defer c.e.files.Unlock()
	s.mu.Lock()
	gone := !slices.Contains(c.e.copies, c.n) || !c.e.dispensable(c.n)
	s.mu.Unlock()
	if gone {
		return nil
	}
	if err := s.remove(s.quarantinePlace(c.e.name, c.n)); err != nil {
		return err
	}
	s.metrics.dropped.Inc()
	s.mu.Lock()
	defer s.mu.Unlock()
	c.e.copies = slices.DeleteFunc(slices.Clone(c.e.copies), func(n int) bool { return n == c.n })
	return nil
}

// copies is how many damaged copies there are.
func (s *Shelf) copies() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		n += len(e.copies)
	}
	return n
}
