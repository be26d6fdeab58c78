package floor

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/gaplessdb/gapless/vfs"
)

// Open finds the floors in dir, which is made if it is missing. It removes what was being written, looks at both ends of every floor and
// reads the newest one whole. A damaged one is renamed to *.damaged and logged, and the older one is used. If there were floors and
// none can be used: ErrUnusable. A file of an unknown version is ErrVersion, and nothing is changed.
func Open(fsys vfs.FS, dir string, opt Options) (*Store, error) {
	opt = opt.withDefaults()
	if err := vfs.MakeDir(fsys, dir); err != nil {
		return nil, failed("make", dir, err)
	}
	m, err := newMetrics(opt.Metrics)
	if err != nil {
		return nil, err
	}
	s := &Store{fs: fsys, dir: dir, opt: opt, log: opt.Logger, metrics: m}
	s.opt.OnFatal = func(error) {} // so far the caller gets every error
	if err := s.recover(); err != nil {
		m.unregister()
		return nil, err
	}
	s.opt.OnFatal = opt.OnFatal
	m.holds(s.floors)
	return s, nil
}

func (s *Store) recover() error {
	names, err := s.fs.List(s.dir)
	if err != nil {
		return fmt.Errorf("floor: list %s: %w", s.dir, err)
	}
	found, err := s.peekAll(names)
	if err != nil {
		return err
	}
	if err := s.fs.SyncDir(s.dir); err != nil { // a process that was killed may have left names that are not durable
		return s.fail(failed("sync directory", s.dir, err))
	}
	if err := s.chooseAll(found); err != nil {
		return err
	}
	if len(s.floors) == 0 && len(s.damaged) > 0 && !s.opt.LogComplete {
		return fmt.Errorf("%w: %s holds %s and nothing else: this node cannot come back by itself: remove it from the cluster, empty its data directory and let it join as a new one",
			ErrUnusable, s.dir, strings.Join(s.damaged, ", "))
	}
	for _, name := range names {
		if strings.HasSuffix(name, tempSuffix) {
			if err := s.remove(name); err != nil {
				return err
			}
		}
	}
	return s.prune()
}

// candidate is a floor file that Open found. Exactly one of file and damage is set.
type candidate struct {
	name   string
	index  uint64
	file   *file
	damage *CorruptError
}

// peekAll looks at both ends of every floor file, newest first, an installed one before a local one. It changes nothing.
func (s *Store) peekAll(names []string) (found []candidate, err error) {
	for _, name := range names {
		if _, ok := parseDamagedName(name); ok {
			s.damaged = append(s.damaged, name)
			continue
		}
		index, installed, ok := parseFileName(name)
		if !ok {
			continue
		}
		c := candidate{name: name, index: index}
		c.file, err = peek(s.fs, s.dir, index, installed)
		if err != nil && !errors.As(err, &c.damage) {
			return nil, err
		}
		found = append(found, c)
	}
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.index, a.index), strings.Compare(a.name, b.name))
	})
	return found, nil
}

// chooseAll fills the list of floors. The newest is read whole, and so is each of two files of one index: no more than one may stay,
// and the other must not go before it is sure.
func (s *Store) chooseAll(found []candidate) error {
	for i := 0; i < len(found); {
		n := 1
		for i+n < len(found) && found[i+n].index == found[i].index {
			n++
		}
		if err := s.choose(found[i : i+n]); err != nil {
			return err
		}
		i += n
	}
	return nil
}

// choose lists one of the files of an index and removes the others. Of two sound ones with the same contents the local one stays,
// because its segments are known to be here; of two that differ the installed one, which was put there to replace the other.
func (s *Store) choose(files []candidate) error {
	var sound []*file
	for _, c := range files {
		if c.file != nil && (len(s.floors) == 0 || len(files) > 1) {
			full, err := verify(s.fs, path.Join(s.dir, c.name))
			if err != nil && !errors.As(err, &c.damage) {
				return err
			}
			c.file.contents = full
		}
		if c.damage != nil {
			if err := s.putAside(c.name, c.damage); err != nil {
				return err
			}
			continue
		}
		sound = append(sound, c.file)
	}
	if len(sound) == 0 {
		return nil
	}
	keep := 0 // installed before local: see peekAll
	if len(sound) == 2 && sound[0].hash == sound[1].hash {
		keep = 1
	}
	s.floors = append(s.floors, sound[keep])
	for i, f := range sound {
		if i != keep {
			if err := s.remove(f.name()); err != nil {
				return err
			}
		}
	}
	return nil
}
