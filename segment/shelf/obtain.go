package shelf

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gaplessdb/gapless/segment"
)

// Obtain brings one segment that no manifest lists yet, as Pull brings the others: by hash, on top of what an earlier attempt left, within
// PullBytesPerSecond, and with ReserveBytes left free. It makes one attempt, and returns nil at once if the segment is here. Prune must be told to
// keep it before it is called. Where a Pull is bringing it, ErrPulling says so.
func (s *Shelf) Obtain(ctx context.Context, info segment.Info, fetch Fetch, peers func() []string) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	e := s.entry(info.Name)
	if e.info.Bytes == 0 {
		e.info = info
	}
	e.asked++
	e.refused = time.Time{}
	s.pulls.Add(1)
	s.mu.Unlock()
	defer s.obtained(e)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.life, func() { cancel(ErrClosed) })()

	if s.settle(e, info.Bytes) == nil {
		return nil
	}
	if !s.claimThis(e) {
		return fmt.Errorf("shelf: obtain %s: %w", info.Name, ErrPulling)
	}
	p := s.newPuller(s.counting(fetch), peers)
	p.apart = true
	err := p.bring(ctx, e)
	p.finished(e, err)
	if err != nil {
		return fmt.Errorf("shelf: obtain %s: %w", info.Name, err)
	}
	return nil
}

func (s *Shelf) obtained(e *entry) {
	s.mu.Lock()
	e.asked--
	s.mu.Unlock()
	s.pulls.Done()
}

// Reject puts a segment that is here into quarantine, although its file is whole, because what it holds is wrong. One that a manifest lists is
// brought again.
func (s *Shelf) Reject(name segment.Name, cause error) {
	e := s.find(name)
	if e == nil {
		return
	}
	e.files.Lock()
	defer e.files.Unlock()
	s.mu.Lock()
	here := !s.closed && e.presence == held
	s.mu.Unlock()
	if here {
		_ = s.setAside(e, cause) // the caller has the cause
	}
}

// Room says whether the disk has room for n more bytes, beside those that pulls have claimed and ReserveBytes, which stay free. Otherwise it is ErrNoSpace.
func (s *Shelf) Room(n int64) error {
	free, err := s.fs.Free()
	if errors.Is(err, errors.ErrUnsupported) {
		return nil // it will show when it is full
	}
	if err != nil {
		return fmt.Errorf("shelf: free space: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if claimed := s.claimed(); free-claimed-s.opt.ReserveBytes < n {
		return fmt.Errorf("%w: %d bytes are needed, pulls need %d, and %d stay free for the log: %d are free", ErrNoSpace, n, claimed, s.opt.ReserveBytes, free)
	}
	return nil
}

// Bytes is the size of the segment files that are here, as far as they were looked at.
func (s *Shelf) Bytes() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.presence == held || e.presence == suspect {
			n += e.info.Bytes
		}
	}
	return n
}

// Has reports whether a segment is here and counts. It takes a first look at a file from before the start.
func (s *Shelf) Has(info segment.Info) bool {
	e := s.find(info.Name)
	return e != nil && s.settle(e, info.Bytes) == nil
}
