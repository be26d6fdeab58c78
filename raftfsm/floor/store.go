package floor

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/vfs"
)

// Store is the floors in one directory. All methods may be called from any goroutine; Publish, Adopt and sinks may run at once.
//
// Locks are taken in the order naming, mu, and mu is never held during I/O.
type Store struct {
	fs      vfs.FS
	dir     string
	opt     Options
	log     *slog.Logger
	metrics *metrics
	temps   atomic.Uint64 // of temporary files made so far

	naming sync.Mutex // who holds it may rename and remove floors

	mu      sync.RWMutex // protects what follows
	floors  []*file      // newest first, one for each index
	damaged []string     // names of what was put aside
	failed  error        // why nothing is written any more
}

var _ raft.SnapshotStore = (*Store)(nil)

// maxRange bounds what ReadRange returns.
const maxRange = 4 << 20

// Floors lists the floors, newest first.
func (s *Store) Floors() []Published {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]Published, len(s.floors))
	for i, f := range s.floors {
		list[i] = f.published()
	}
	return list
}

// Oldest returns the floor down to which the log must be kept, so that this node can start from it when a newer one is damaged: the
// oldest of Keep floors. It is false while there are fewer: keep the log whole until then.
func (s *Store) Oldest() (Published, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.floors) < s.opt.Keep {
		return Published{}, false
	}
	return s.floors[len(s.floors)-1].published(), true
}

// Damaged is the highest index of a floor that was put aside, 0 for none. The log of this node reached at least as far: a log
// that does not has lost its end.
func (s *Store) Damaged() (index uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, name := range s.damaged {
		at, _ := parseDamagedName(name)
		index = max(index, at)
	}
	return index
}

// Read reads the floor at index; see the function Read.
func (s *Store) Read(index uint64, visit func(Header) error, part func(name string, r io.Reader) error) error {
	f := s.find(func(f *file) bool { return f.header.Index == index })
	if f == nil {
		return fmt.Errorf("%w: index %d", ErrNotFound, index)
	}
	h, scan, err := s.open(f)
	if err != nil {
		return err
	}
	defer h.Close()
	_, err = scan.read(visit, part)
	return s.judge(f, err)
}

// ReadRange returns the bytes of the floor with this hash from offset on, at most n and at most 4 MiB; fewer only at the end of the
// file, and io.EOF there. They are not checked: Adopt does.
func (s *Store) ReadRange(hash [32]byte, offset int64, n int) ([]byte, error) {
	f := s.find(func(f *file) bool { return f.hash == hash })
	switch {
	case f == nil:
		return nil, fmt.Errorf("%w: hash %x", ErrNotFound, hash)
	case offset < 0 || n <= 0:
		return nil, fmt.Errorf("floor: a range of %d bytes at %d", n, offset)
	case offset >= f.bytes:
		return nil, io.EOF
	}
	name := path.Join(s.dir, f.name())
	h, err := s.fs.Open(name)
	if err != nil {
		return nil, fmt.Errorf("floor: open %s: %w", name, err)
	}
	defer h.Close()
	b := make([]byte, min(int64(n), maxRange, f.bytes-offset))
	if got, err := h.ReadAt(b, offset); got < len(b) {
		return nil, fmt.Errorf("floor: read %s at %d: %d of %d bytes: %w", name, offset, got, len(b), err)
	}
	return b, nil
}

// Close gives up the metrics. Nothing is open or unfinished between calls.
func (s *Store) Close() error {
	s.metrics.unregister()
	return nil
}

// find returns the newest floor that wanted says yes to, or nil.
func (s *Store) find(wanted func(*file) bool) *file {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, f := range s.floors {
		if wanted(f) {
			return f
		}
	}
	return nil
}

// open opens a floor for reading.
func (s *Store) open(f *file) (vfs.File, *scanner, error) {
	name := path.Join(s.dir, f.name())
	h, err := s.fs.Open(name)
	if err != nil {
		return nil, nil, fmt.Errorf("floor: open %s: %w", name, err)
	}
	scan, err := scanFile(h, name)
	if err != nil {
		return nil, nil, errors.Join(err, h.Close())
	}
	return h, scan, nil
}

// usable returns why nothing is written any more.
func (s *Store) usable() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.failed
}

// fail makes every later change fail, for nobody knows what the disk holds, and returns cause.
func (s *Store) fail(cause error) error {
	s.mu.Lock()
	first := s.failed == nil
	if first {
		s.failed = cause
	}
	s.mu.Unlock()
	if first {
		s.log.Error("floor: a change of the disk failed, the process must end", "dir", s.dir, "error", cause)
		s.opt.OnFatal(cause)
	}
	return cause
}
