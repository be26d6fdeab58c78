package wal

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/gaplessdb/gapless/vfs"
)

// recovery reads the log files that a meta file names, in order, and changes nothing.
type recovery struct {
	fs  vfs.FS
	dir string

	files    []*logFile    // that hold records
	next     uint64        // index expected next; 0 if there was no record yet and any may come
	base     uint64        // index at which the last write began
	unproven bool          // the last write may be in the page cache only
	blanks   []uint64      // numbers of the files that hold nothing
	blank    *CorruptError // why the first of them holds nothing: then none after it may hold anything
	torn     *tornTail     // of the last file that was written to, if it has one
}

// run returns the first damage that is not a torn tail. The caller closes r.files in any case.
func (r *recovery) run(m *meta) error {
	for i := range m.files {
		if err := r.file(&m.files[i]); err != nil {
			return err
		}
	}
	if m.first > 0 && (len(r.files) == 0 || m.first < r.files[0].first || m.first >= r.next) {
		got := "an empty log"
		if len(r.files) > 0 {
			got = fmt.Sprintf("entries %d..%d", r.files[0].first, r.next-1)
		}
		return corrupt(fmt.Sprintf("entries from %d on", m.first), got).at(path.Join(r.dir, metaName), 8)
	}
	return nil
}

func (r *recovery) file(e *metaFile) error {
	name := path.Join(r.dir, fileName(e.number))
	h, err := r.fs.OpenReadWrite(name)
	if errors.Is(err, fs.ErrNotExist) {
		return &CorruptError{Path: name, Want: "a log file", Got: "none", Err: err}
	}
	if err != nil {
		return fmt.Errorf("wal: open log file: %w", err)
	}
	f := newLogFile(e.generation, r.dir, h)
	kept, err := r.read(e, f)
	if err != nil {
		return errors.Join(err, h.Close())
	}
	if !kept {
		r.blanks = append(r.blanks, e.number)
		return h.Close()
	}
	r.files = append(r.files, f)
	return nil
}

// read fills f and says whether it holds records.
func (r *recovery) read(e *metaFile, f *logFile) (kept bool, err error) {
	size, err := f.handle.Size()
	if err != nil {
		return false, fmt.Errorf("wal: size of %s: %w", f.path, err)
	}
	s := &scan{window: window{r: f.handle, path: f.path, size: size}, generation: e.generation, seed: f.seed, first: r.next}
	if err := s.readHeader(); err != nil {
		return false, err
	}
	if e.sealed {
		err = r.sealed(e, s)
	} else {
		err = r.unsealed(e, s)
	}
	if err != nil || len(s.offsets) == 0 {
		return false, err
	}
	f.first, f.offsets, f.end = s.first, s.offsets, s.end
	r.next, r.base, r.unproven = s.next(), s.base, !e.sealed
	return true, nil
}

// sealed requires exactly what meta says.
func (r *recovery) sealed(e *metaFile, s *scan) error {
	if e.end > s.size {
		return corrupt(fmt.Sprintf("%d bytes", e.end), fmt.Sprintf("%d", s.size)).at(s.path, s.size)
	}
	if err := s.readRecords(e.end); err != nil {
		return err
	}
	if s.damage != nil {
		return s.damage
	}
	if s.first != e.first || s.next() != e.last+1 || s.end != e.end {
		return corrupt(fmt.Sprintf("indexes %d..%d, end %d", e.first, e.last, e.end),
			fmt.Sprintf("%d..%d, end %d", s.first, s.next()-1, s.end)).at(s.path, s.end)
	}
	return nil
}

// unsealed finds out where the file ends, and whether that is where it ended when the process stopped.
func (r *recovery) unsealed(e *metaFile, s *scan) error {
	if err := s.readRecords(s.size); err != nil {
		return err
	}
	if e.last > 0 && (s.first != e.first || s.next() <= e.last) {
		if s.damage == nil {
			got := fmt.Sprintf("%d..%d", s.first, s.next()-1)
			s.damage = corrupt(fmt.Sprintf("entries %d..%d at least", e.first, e.last), got).at(s.path, s.end)
		}
		return s.damage
	}
	from := s.end
	if s.damage == nil && s.hasHeader && s.end < s.size {
		from += recordHeaderSize // the end marker
	}
	if err := s.search(from); err != nil {
		return err
	}
	if !s.written() {
		if r.blank == nil {
			r.blank = s.damage
		}
		return nil
	}
	return r.judge(s)
}

// judge tells a torn tail from damage in a file that was written to.
func (r *recovery) judge(s *scan) error {
	switch {
	case r.torn != nil: // the file before was full and synced when this one was begun
		return r.torn.damage
	case r.blank != nil:
		return r.blank
	case s.hasHeader && r.next != 0 && s.first != r.next:
		return corrupt(fmt.Sprintf("first index %d", r.next), fmt.Sprint(s.first)).at(s.path, 0)
	}
	if s.damage == nil && s.end == s.size {
		s.damage = corrupt("an end marker", "the end of the file").at(s.path, s.end)
	}
	if s.damage == nil && s.later.found {
		got := fmt.Sprintf("a record of the write that began with index %d", s.later.low)
		s.damage = corrupt("nothing behind the end marker", got).at(s.path, s.end)
	}
	if s.damage == nil {
		return nil
	}
	if s.lost() {
		return s.damage
	}
	t, err := s.tail()
	r.torn = t
	return err
}
