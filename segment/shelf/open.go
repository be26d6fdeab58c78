package shelf

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/gaplessdb/gapless/segment"
)

// Open returns a reader of a segment, and what gives it back, which may be called more than once. A segment that is not here is a
// *MissingError. Several may open the same segment: its file is opened once.
func (s *Shelf) Open(name segment.Name) (*segment.Reader, func(), error) {
	h, err := s.acquire(name)
	if missing := (*MissingError)(nil); errors.As(err, &missing) && missing.Why == WhyDropped {
		s.metrics.tooLate.Inc()
	}
	if err != nil {
		return nil, nil, err
	}
	return h.reader, sync.OnceFunc(func() { s.release(h) }), nil
}

// ReadRange returns n bytes of a segment file from offset on, for a peer, which believes nothing before it has verified the whole. A
// segment that is not here is a *MissingError (ErrNotHere).
func (s *Shelf) ReadRange(name segment.Name, offset int64, n int) ([]byte, error) {
	if n <= 0 || n > MaxRangeBytes {
		return nil, fmt.Errorf("shelf: a range of %d bytes was asked for, it has 1 to %d", n, MaxRangeBytes)
	}
	h, err := s.acquire(name)
	if err != nil {
		return nil, err
	}
	defer s.release(h)
	if offset < 0 || offset > h.size-int64(n) {
		return nil, fmt.Errorf("shelf: %d bytes at %d of %s were asked for, which has %d", n, offset, name, h.size)
	}
	b := make([]byte, n)
	path := s.place(name)
	got, err := watch{h, path, func(err error) { s.damage(h, err) }}.ReadAt(b, offset)
	if got < n {
		return nil, fmt.Errorf("shelf: read %d bytes at %d of %s, got %d: %w", n, offset, path, got, err)
	}
	s.metrics.servedBytes.Add(float64(n))
	return b, nil
}

func (s *Shelf) acquire(name segment.Name) (*handle, error) {
	e := s.find(name)
	if e == nil {
		return nil, &MissingError{Name: name, Why: WhyDropped}
	}
	if h, err := s.use(e); h != nil || err != nil {
		return h, err
	}
	e.files.Lock()
	defer e.files.Unlock()
	return s.take(e)
}

// settle takes the first look at a segment's file if nobody has. bytes is its size, 0 when that is not known. An error says why the
// segment is not here.
func (s *Shelf) settle(e *entry, bytes int64) error {
	s.mu.Lock()
	closed, presence, known := s.closed, e.presence, e.info.Bytes
	if known == 0 {
		e.info.Bytes = bytes
	}
	s.mu.Unlock()
	switch {
	case closed:
		return ErrClosed
	case bytes != 0 && known != 0 && bytes != known:
		return fmt.Errorf("shelf: segment %s has %d bytes in one manifest and %d in another or in its file", e.name, bytes, known)
	case presence == held:
		return nil
	}
	e.files.Lock()
	defer e.files.Unlock()
	h, err := s.take(e)
	if err == nil {
		s.release(h)
	}
	return err
}

// take returns a reference to a segment that is here, and opens its file if need be. The caller holds e.files.
func (s *Shelf) take(e *entry) (*handle, error) {
	h, err := s.use(e)
	if h != nil || err != nil {
		return h, err
	}
	s.mu.Lock()
	bytes := e.info.Bytes
	s.mu.Unlock()
	h, err = s.openFile(e, bytes)
	switch {
	case err == nil:
		return h, nil
	case errors.Is(err, ErrClosed):
		return nil, err
	case damaged(err), errors.Is(err, fs.ErrNotExist):
		return nil, s.setAside(e, err)
	}
	s.mu.Lock()
	e.failure = err
	s.mu.Unlock()
	return nil, err
}
