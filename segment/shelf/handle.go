package shelf

import (
	"container/list"
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// handle is an open segment file and its reader, shared by all who read it.
type handle struct {
	shelf    *Shelf
	entry    *entry
	copy     int      // of the entry, when it was opened
	file     vfs.File // nil: there is no descriptor to keep for it, and it is opened for each read
	size     int64
	reader   *segment.Reader
	believed atomic.Bool // opened, so that damage is to be reported

	// Shelf.mu protects what follows.
	refs    int
	idle    *list.Element // in Shelf.idle while refs is 0; nil otherwise
	retired bool          // nobody gets it any more: the last reference closes it
}

// watch hands reads of a segment file through, and makes of those that the disk refuses what a wrong checksum is to a reader: damage.
type watch struct {
	*handle
	path   string
	report func(error)
}

func (w watch) ReadAt(p []byte, off int64) (int, error) {
	n, err := w.readAt(w.path, p, off)
	if err != nil && errors.Is(err, syscall.EIO) {
		err = &segment.CorruptError{Path: w.path, Offset: off + int64(n), What: "sector",
			Want: fmt.Sprintf("%d bytes", len(p)), Got: fmt.Sprintf("%d", n), Err: err}
		w.report(err)
	}
	return n, err
}

// readAt reads what is at path, of a handle that keeps it open or not.
func (h *handle) readAt(path string, p []byte, off int64) (int, error) {
	if h.file != nil {
		return h.file.ReadAt(p, off)
	}
	defer h.shelf.pass()()
	f, err := h.shelf.fs.Open(path)
	if err != nil {
		return 0, fmt.Errorf("shelf: open segment for a read: %w", err)
	}
	defer f.Close() // it is only read
	h.shelf.metrics.opens.Inc()
	return f.ReadAt(p, off)
}

// pass waits until one more file may be open for a moment, and returns what ends that.
func (s *Shelf) pass() (leave func()) {
	if s.passing == nil {
		return func() {}
	}
	s.passing <- struct{}{}
	return func() { <-s.passing }
}

// openFile opens what stands at the segment's place, which counts from then on, and returns it with one reference. size is what the manifest
// says, 0 when it is not known. The caller holds e.files.
func (s *Shelf) openFile(e *entry, size int64) (*handle, error) {
	defer s.pass()()
	path := s.place(e.name)
	f, err := s.fs.Open(path)
	if err != nil {
		return nil, fmt.Errorf("shelf: open segment: %w", err)
	}
	h := &handle{shelf: s, entry: e, file: f}
	if err := s.readFooter(h, path, size); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	s.metrics.opens.Inc()
	return h, s.adopt(h)
}

func (s *Shelf) readFooter(h *handle, path string, size int64) (err error) {
	if h.size, err = h.file.Size(); err != nil {
		return fmt.Errorf("shelf: size of %s: %w", path, err)
	}
	if err := wantSize(path, size, h.size); err != nil {
		return err
	}
	report := func(err error) {
		if h.believed.Load() { // until then whoever opens it gets the error
			s.damage(h, err)
		}
	}
	h.reader, err = segment.NewReader(watch{h, path, report}, h.size, segment.ReaderOptions{
		Path: path, Name: h.entry.name, Cache: s.cache, OnDamage: report, Metrics: &s.reads,
	})
	return err
}

// wantSize is damage if a file of a known size has another one.
func wantSize(path string, want, got int64) error {
	if want == 0 || want == got {
		return nil
	}
	return &segment.CorruptError{Path: path, Offset: min(want, got), What: "end of the file",
		Want: fmt.Sprintf("%d bytes", want), Got: fmt.Sprintf("%d", got)}
}

// adopt makes h the file that counts, with one reference. The caller holds e.files.
func (s *Shelf) adopt(h *handle) error {
	e := h.entry
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return errors.Join(ErrClosed, h.file.Close())
	}
	if e.presence != held {
		e.presence, e.damage, e.failure, e.salvage = held, nil, nil, false
		e.pull.done, e.pull.wait, e.pull.retry = 0, 0, time.Time{}
		e.copy++
		s.change()
	}
	if e.info.Bytes == 0 {
		e.info = h.reader.Info()
	}
	h.copy, h.refs = e.copy, 1
	e.handle = h
	e.readers++
	s.open++
	h.believed.Store(true)
	surplus := s.surplus()
	if s.opt.MaxFiles > 0 && s.open > s.opt.kept() {
		surplus = append(surplus, &handle{file: h.file})
		h.file = nil
		s.open--
	}
	s.mu.Unlock()
	closeIdle(surplus)
	return nil
}

// use takes a reference to a segment that counts. It returns nil without an error when the file is to be opened first.
func (s *Shelf) use(e *entry) (*handle, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, ErrClosed
	case e.presence == absent || e.presence == suspect:
		return nil, e.missing()
	case e.handle == nil:
		return nil, nil
	}
	h := e.handle
	if h.idle != nil {
		s.idle.Remove(h.idle)
		h.idle = nil
	}
	h.refs++
	e.readers++
	return h, nil
}

// release gives a reference back.
func (s *Shelf) release(h *handle) {
	s.mu.Lock()
	h.refs--
	h.entry.readers--
	var surplus []*handle
	switch {
	case h.refs > 0:
	case h.file == nil: // there is nothing to keep
		if !h.retired {
			h.entry.handle, h.retired = nil, true
		}
	case h.retired:
		s.open--
		surplus = []*handle{h}
	default:
		h.idle = s.idle.PushFront(h)
		surplus = s.surplus()
	}
	s.mu.Unlock()
	closeIdle(surplus)
}

// surplus takes files beyond MaxOpen out of use, the least recently used first. The caller holds mu, and closes them after.
func (s *Shelf) surplus() (closing []*handle) {
	for s.open > s.opt.MaxOpen && s.idle.Len() > 0 {
		closing = append(closing, s.retire(s.idle.Back().Value.(*handle).entry)...)
	}
	return closing
}

// retire takes the entry's file out of use. It returns it if nobody reads it; otherwise its last reader closes it. The caller holds mu.
func (s *Shelf) retire(e *entry) []*handle {
	h := e.handle
	if h == nil {
		return nil
	}
	e.handle, h.retired = nil, true
	if h.refs > 0 {
		return nil
	}
	s.idle.Remove(h.idle)
	h.idle = nil
	s.open--
	return []*handle{h}
}

// closeIdle closes files that were only read: nothing is lost if that fails.
func closeIdle(handles []*handle) {
	for _, h := range handles {
		_ = h.file.Close()
	}
}
