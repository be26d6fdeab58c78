package shelf

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// Shelf keeps the segments of one node. All methods may be called from any goroutine.
type Shelf struct {
	fs              vfs.FS
	dir, quarantine string
	opt             Options
	log             *slog.Logger
	cache           *segment.Cache // nil: nothing is kept
	reads           segment.ReaderMetrics
	metrics         *metrics

	manage  sync.Mutex              // serialises Want, Added and Prune
	pulls   sync.WaitGroup          // a running Pull, and every Obtain; Add under mu
	pulling throttle                // of all that peers are asked for
	passing chan struct{}           // a token for each file that is open for one read, or is just being opened; nil: there is no bound
	life    context.Context         // ends with Close,
	end     context.CancelCauseFunc // by this

	mu       sync.Mutex // protects everything below, and the entries
	entries  map[segment.Name]*entry
	wanted   []*entry                // in the order of the manifest
	idle     list.List               // of *handle without references, the last used in front
	open     int                     // files that handles keep open
	newest   int                     // number of the newest copy in quarantine
	changed  chan struct{}           // closed and replaced when the set of missing segments changes
	stopPull context.CancelCauseFunc // of the running Pull; nil: none
	closed   bool
}

// Dir is the directory that segment.Write is to write to.
func (s *Shelf) Dir() string { return s.dir }

// FS is the file system that Dir is in.
func (s *Shelf) FS() vfs.FS { return s.fs }

// Changed returns a channel that is closed when the set of missing segments has changed. Take it before looking at the set.
func (s *Shelf) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// change wakes whoever waits for a change. The caller holds mu.
func (s *Shelf) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Missing lists the wanted segments that are not here, in the order of the manifest.
func (s *Shelf) Missing() []segment.Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	var infos []segment.Info
	for _, e := range s.wanted {
		if e.presence != held {
			infos = append(infos, e.info)
		}
	}
	return infos
}

// Complete reports whether every segment of m is here and counts. It takes a first look at files from before the start.
func (s *Shelf) Complete(m *segment.Manifest) bool {
	for _, info := range m.Segments() {
		e := s.find(info.Name)
		if e == nil || s.settle(e, info.Bytes) != nil {
			return false
		}
	}
	return true
}

// counted reports whether a segment is here and counts.
func (s *Shelf) counted(e *entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.presence == held
}

// find returns the entry of a segment, nil when nothing was ever known of it.
func (s *Shelf) find(name segment.Name) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries[name]
}

// Close ends a running Pull and waits for it, and closes every file that nobody reads; the others are closed by their readers' release.
func (s *Shelf) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	s.closed = true
	s.end(ErrClosed)
	if s.stopPull != nil {
		s.stopPull(ErrClosed)
	}
	s.mu.Unlock()
	s.pulls.Wait()
	s.metrics.unregister()

	s.mu.Lock()
	var idle []*handle
	for _, e := range s.entries {
		idle = append(idle, s.retire(e)...)
	}
	s.mu.Unlock()
	var errs []error
	for _, h := range idle {
		if err := h.file.Close(); err != nil {
			errs = append(errs, fmt.Errorf("shelf: close: %w", err))
		}
	}
	return errors.Join(errs...)
}
