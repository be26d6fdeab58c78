package floor

import (
	"errors"
	"fmt"
	"io"
)

// Hold calls fn with the contents of one part of every floor, newest first, while no floor is placed, removed or put aside: what none of
// them lists can be removed meanwhile. A floor that is damaged before the end of that part is put aside, and fn is not called. fn must
// not call the store.
func (s *Store) Hold(part string, fn func(contents [][]byte) error) error {
	s.naming.Lock()
	f, contents, err := s.partOfEach(part)
	if err == nil {
		err = fn(contents)
	}
	s.naming.Unlock()
	if f != nil {
		return s.judge(f, err)
	}
	return err
}

// partOfEach reads a part of every floor. Where that fails it returns the floor. The caller holds naming.
func (s *Store) partOfEach(part string) (*file, [][]byte, error) {
	s.mu.RLock()
	floors := s.floors
	s.mu.RUnlock()
	all := make([][]byte, len(floors))
	for i, f := range floors {
		b, err := s.partOf(f, part)
		if err != nil {
			return f, nil, err
		}
		all[i] = b
	}
	return nil, all, nil
}

var errEnough = errors.New("floor: the rest is not wanted")

func (s *Store) partOf(f *file, part string) ([]byte, error) {
	h, scan, err := s.open(f)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	var b []byte
	_, err = scan.read(nil, func(name string, r io.Reader) (err error) {
		if name != part {
			return nil
		}
		if b, err = io.ReadAll(r); err != nil {
			return err
		}
		return errEnough
	})
	switch {
	case errors.Is(err, errEnough):
		return b, nil
	case err == nil:
		err = fmt.Errorf("floor: %s has no part %q", f.name(), part)
	}
	return nil, err
}
