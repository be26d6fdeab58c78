package shelf

import (
	"sync"

	"github.com/gaplessdb/gapless/segment"
)

// Hold keeps the files of a manifest until it is given back, however long ago another one took its place, for a reader that opens them one by one
// over a long time. It is to be taken within RetireAfter of the moment when the manifest was the newest. Giving back may be repeated.
func (s *Shelf) Hold(m *segment.Manifest) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var held []*entry
	for _, info := range m.Segments() {
		if e := s.entries[info.Name]; e != nil {
			e.readers++
			held = append(held, e)
		}
	}
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, e := range held {
			e.readers--
		}
	})
}
