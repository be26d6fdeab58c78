package shelf

import (
	"context"
	"errors"
	"fmt"
)

// Bring tries once to bring each wanted segment that is not here, one after the other and in the caller's goroutine; see Pull, which does so
// for ever. It returns what failed.
func (s *Shelf) Bring(ctx context.Context, fetch Fetch, peers func() []string) error {
	ctx, err := s.beginPull(ctx)
	if err != nil {
		return err
	}
	defer s.endPull()
	p := s.newPuller(s.counting(fetch), peers)
	var errs []error
	for _, info := range s.Missing() {
		e := s.find(info.Name)
		if !s.claimThis(e) {
			continue
		}
		err := p.bring(ctx, e)
		p.finished(e, err)
		if err != nil {
			errs = append(errs, fmt.Errorf("shelf: segment %s: %w", info.Name, err))
		}
	}
	return errors.Join(errs...)
}

// claimThis claims a segment unless it is here by now.
func (s *Shelf) claimThis(e *entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e == nil || e.presence == held || e.pull.running {
		return false
	}
	e.pull.running = true
	return true
}
