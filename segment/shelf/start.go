package shelf

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

var errFoundInQuarantine = errors.New("shelf: a damaged copy was put into quarantine before the start")

// Open takes stock of the segments in dir, which is made if it is missing. It opens none of them. Segments that a flush or a crash left
// unfinished are removed, unfinished pulls are kept.
func Open(fsys vfs.FS, dir string, opt Options) (*Shelf, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Shelf{
		fs: fsys, dir: dir, quarantine: path.Join(dir, quarantineName), opt: opt, log: opt.Logger,
		entries: map[segment.Name]*entry{}, changed: make(chan struct{}),
	}
	if opt.MaxFiles > 0 {
		s.passing = make(chan struct{}, opt.passing())
	}
	s.pulling.rate = opt.PullBytesPerSecond
	s.life, s.end = context.WithCancelCause(context.Background())
	if opt.CacheBytes > 0 {
		s.cache = segment.NewCache(opt.CacheBytes)
	}
	if err := vfs.MakeDir(fsys, s.quarantine); err != nil {
		return nil, fmt.Errorf("shelf: make %s: %w", s.quarantine, err)
	}
	if err := s.takeStock(); err != nil {
		return nil, err
	}
	// What a process that was killed had renamed is believed from here on, so it must be durable.
	if err := s.syncNames(); err != nil {
		return nil, err
	}
	if s.metrics, err = newMetrics(s, opt.Metrics); err != nil {
		return nil, err
	}
	return s, nil
}

// takeStock looks at the names of all files, and at the sizes of unfinished pulls.
func (s *Shelf) takeStock() error {
	files, err := s.fs.List(s.dir)
	if err != nil {
		return fmt.Errorf("shelf: list %s: %w", s.dir, err)
	}
	var parts []*entry
	for _, file := range files {
		if strings.HasSuffix(file, segment.TempExtension) {
			if err := s.remove(path.Join(s.dir, file)); err != nil {
				return err
			}
			continue
		}
		switch name, extension, ok := parseFile(file); {
		case !ok: // not ours
		case extension == partExtension:
			parts = append(parts, s.entry(name))
		default:
			s.entry(name).presence = found
		}
	}
	if err := s.takeStockOfQuarantine(); err != nil {
		return err
	}
	for _, e := range parts {
		if err := s.adoptPart(e); err != nil {
			return err
		}
	}
	return nil
}

func (s *Shelf) takeStockOfQuarantine() error {
	files, err := s.fs.List(s.quarantine)
	if err != nil {
		return fmt.Errorf("shelf: list %s: %w", s.quarantine, err)
	}
	for _, file := range files {
		name, n, ok := parseQuarantined(file)
		if !ok {
			continue
		}
		e := s.entry(name)
		e.copies = append(e.copies, n)
		s.newest = max(s.newest, n)
		slices.Sort(e.copies)
		if e.presence == absent {
			e.damage, e.salvage = errFoundInQuarantine, true
		}
	}
	return nil
}

// adoptPart finds out how much of an unfinished pull can be used. One beside a whole file is of no use.
func (s *Shelf) adoptPart(e *entry) error {
	if e.presence == found {
		return s.remove(s.partPlace(e.name))
	}
	size, err := s.fileSize(s.partPlace(e.name))
	if err != nil {
		return err
	}
	e.pull.done = certain(size, s.opt.syncBytes)
	e.pull.givers = map[string]bool{"": true}
	return nil
}

// certain is how many bytes of a .part file of that size were synced: nothing is written behind a multiple of every before that is.
func certain(size, every int64) int64 { return max(0, (size-1)/every*every) }

func (s *Shelf) fileSize(name string) (int64, error) {
	f, err := s.fs.Open(name)
	if err != nil {
		return 0, fmt.Errorf("shelf: open %s: %w", name, err)
	}
	size, err := f.Size()
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, fmt.Errorf("shelf: size of %s: %w", name, err)
	}
	return size, nil
}

// entry returns the entry of a segment and makes it if there is none. The caller holds mu, or is Open.
func (s *Shelf) entry(name segment.Name) *entry {
	e := s.entries[name]
	if e == nil {
		e = &entry{name: name}
		s.entries[name] = e
	}
	return e
}

// remove removes a file that may be gone already.
func (s *Shelf) remove(name string) error {
	if err := s.fs.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("shelf: remove %s: %w", name, err)
	}
	return nil
}

// syncNames makes durable where files are: in quarantine before they are gone from here, so that no power loss shows neither.
func (s *Shelf) syncNames() error {
	for _, dir := range []string{s.quarantine, s.dir} {
		if err := s.fs.SyncDir(dir); err != nil {
			return fmt.Errorf("shelf: sync %s: %w", dir, err)
		}
	}
	return nil
}
