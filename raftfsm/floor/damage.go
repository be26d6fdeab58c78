package floor

import (
	"encoding/hex"
	"errors"
	"path"
	"slices"
)

// judge looks at what reading f ended with: a damaged floor is put aside.
func (s *Store) judge(f *file, err error) error {
	var damage *CorruptError
	if !errors.As(err, &damage) {
		return err
	}
	s.naming.Lock()
	defer s.naming.Unlock()
	if s.find(func(g *file) bool { return g == f }) == nil { // removed, replaced or put aside meanwhile
		return err
	}
	return errors.Join(err, s.putAside(f.name(), damage))
}

// putAside takes a damaged file out of use. The caller holds naming, or is Open.
func (s *Store) putAside(base string, damage *CorruptError) error {
	s.metrics.damaged.Inc()
	s.log.Error("floor: damaged, put aside", "path", damage.Path, "offset", damage.Offset, "want", damage.Want, "got", damage.Got)
	if err := s.usable(); err != nil {
		return err
	}
	name := path.Join(s.dir, base)
	if err := s.fs.Rename(name, name+damagedSuffix); err != nil {
		return s.fail(failed("rename to "+name+damagedSuffix, name, err))
	}
	s.mu.Lock()
	if !slices.Contains(s.damaged, base+damagedSuffix) {
		s.damaged = append(s.damaged, base+damagedSuffix)
	}
	s.mu.Unlock()
	s.list(func(floors []*file) []*file {
		return slices.DeleteFunc(floors, func(f *file) bool { return f.name() == base })
	})
	if err := s.fs.SyncDir(s.dir); err != nil {
		return s.fail(failed("sync directory", s.dir, err))
	}
	return nil
}

func hexText(hash [32]byte) string { return hex.EncodeToString(hash[:]) }
