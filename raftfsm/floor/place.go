package floor

import (
	"errors"
	"path"
	"slices"
)

// place makes t, which is finished and holds c, the floor of its index, and returns what is there afterwards. A replacing one takes the
// place of another floor of the same index; one that does not replace is an error there. t is gone in any case.
func (s *Store) place(t *temp, c contents, replace bool) (*file, error) {
	s.naming.Lock()
	defer s.naming.Unlock()
	f := &file{c, replace}
	same, err := s.admit(f, replace)
	if err != nil {
		return nil, errors.Join(err, t.discard())
	}
	if same != nil && same.hash == f.hash {
		return same, t.discard()
	}
	if err := s.rename(t, f); err != nil {
		return nil, err
	}
	if same != nil {
		s.log.Warn("floor: replaced by one from another node", "index", c.header.Index, "had", hexText(same.hash), "has", hexText(f.hash))
		if same.name() != f.name() {
			if err := s.remove(same.name()); err != nil {
				return nil, err
			}
		}
	}
	return f, s.prune()
}

// admit says whether f may be placed, and returns the floor of its index that is here.
func (s *Store) admit(f *file, replace bool) (same *file, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.failed != nil {
		return nil, s.failed
	}
	for _, old := range s.floors {
		if old.header.Index != f.header.Index {
			continue
		}
		if old.hash != f.hash && !replace {
			return nil, &DivergedError{Index: f.header.Index, Have: old.hash, Made: f.hash}
		}
		return old, nil
	}
	if len(s.floors) > 0 && f.header.Index < s.floors[0].header.Index {
		return nil, olderError(f.header.Index, s.floors[0].header.Index)
	}
	return nil, nil
}

// rename gives t its name and lists it when that is durable.
func (s *Store) rename(t *temp, f *file) error {
	name := path.Join(s.dir, f.name())
	if err := s.fs.Rename(t.name, name); err != nil {
		return s.fail(failed("rename "+t.name+" to", name, err))
	}
	if err := s.fs.SyncDir(s.dir); err != nil {
		return s.fail(failed("sync directory", s.dir, err))
	}
	s.list(func(floors []*file) []*file {
		i := slices.IndexFunc(floors, func(old *file) bool { return old.header.Index <= f.header.Index })
		switch {
		case i < 0:
			return append(floors, f)
		case floors[i].header.Index == f.header.Index:
			floors[i] = f
			return floors
		default:
			return slices.Insert(floors, i, f)
		}
	})
	return nil
}

// list changes the list of floors.
func (s *Store) list(change func([]*file) []*file) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.floors = change(slices.Clone(s.floors))
	s.metrics.holds(s.floors)
}

// prune removes floors beyond Keep, and with them what was damaged before the ones that stay. That this is durable does not matter: Open
// prunes, too.
func (s *Store) prune() error {
	s.mu.Lock()
	keep := min(s.opt.Keep, len(s.floors))
	var drop []string
	for _, f := range s.floors[keep:] {
		drop = append(drop, f.name())
	}
	s.floors = s.floors[:keep:keep]
	if keep == s.opt.Keep {
		oldest := s.floors[keep-1].header.Index
		s.damaged = slices.DeleteFunc(s.damaged, func(name string) bool {
			index, _ := parseDamagedName(name)
			if index >= oldest {
				return false
			}
			drop = append(drop, name)
			return true
		})
	}
	s.metrics.holds(s.floors)
	s.mu.Unlock()
	for _, name := range drop {
		if err := s.remove(name); err != nil {
			return err
		}
	}
	return nil
}

// remove removes a file that is listed no more.
func (s *Store) remove(base string) error {
	name := path.Join(s.dir, base)
	if err := s.fs.Remove(name); err != nil {
		return s.fail(failed("remove", name, err))
	}
	return nil
}
