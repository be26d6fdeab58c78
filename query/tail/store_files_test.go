package tail

import (
	"errors"
	"slices"

	"github.com/gaplessdb/gapless/segment"
)

// seal makes the head immutable and begins a new one, as a flush point does.
func (s *store) seal() {
	s.change(func(index uint64) {
		s.view.Sealed = append(slices.Clone(s.view.Sealed), s.view.Head)
		s.view.Head = segment.NewHead()
		s.floors = append(s.floors, index)
	})
}

// flush writes the oldest sealed head into a segment. Readers see the head until the segment is there.
func (s *store) flush(t tester) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.view.Sealed) == 0 {
		return
	}
	var list []*stored
	for i := range s.frames {
		if at := s.frames[i].row.Index; at > s.floors[0] && at <= s.floors[1] {
			list = append(list, &s.frames[i])
		}
	}
	moved := map[*stored]segment.Name{}
	s.view.Manifest = s.view.Manifest.With(s.write(t, list, s.floors[0]+1, s.floors[1], moved)...)
	move(moved)
	s.view.Sealed = slices.Clone(s.view.Sealed[1:])
	s.floors = s.floors[1:]
	s.signal()
}

// write makes a segment of frames, none of none, and says where they are now.
func (s *store) write(t tester, list []*stored, first, last uint64, moved map[*stored]segment.Name) []segment.Info {
	head := segment.NewHead()
	for _, f := range list {
		head.Append(f.id, f.name.Epoch, f.row)
	}
	opt := segment.Options{Cluster: "test", History: s.view.AsOf.History, FirstIndex: first, LastIndex: last}
	info, err := segment.Write(s.fs, ".", opt, head, s.view.Ledger.Key)
	if errors.Is(err, segment.ErrEmpty) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range list {
		moved[f] = info.Name
	}
	return []segment.Info{info}
}

// merge replaces the segments that which chooses by others: part says which one each frame goes to. Their indexes overlap then, as after a merge.
func (s *store) merge(t tester, which func(i int) bool, part func(*stored) int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var e segment.Edit
	first, last := uint64(1<<63), uint64(0)
	for i, info := range s.view.Manifest.Segments() {
		if which(i) {
			e.Drop = append(e.Drop, info.Name)
			first, last = min(first, info.FirstIndex), max(last, info.LastIndex)
		}
	}
	parts := map[int][]*stored{}
	for i := range s.frames {
		if f := &s.frames[i]; slices.Contains(e.Drop, f.file) {
			parts[part(f)] = append(parts[part(f)], f)
		}
	}
	moved := map[*stored]segment.Name{}
	for _, list := range parts {
		for _, info := range s.write(t, list, first, last, moved) {
			if slices.Contains(e.Drop, info.Name) {
				return // the same segment again
			}
			e.Add = append(e.Add, info)
		}
	}
	m, ok := s.view.Manifest.Edit(e)
	if !ok {
		t.Fatal("the edit is void")
	}
	s.view.Manifest = m
	move(moved)
	s.signal()
}

func move(moved map[*stored]segment.Name) {
	for f, name := range moved {
		f.file = name
	}
}

// Open implements query.Opener.
func (s *store) Open(name segment.Name) (*segment.Reader, func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.broken[name]; err != nil {
		return nil, nil, err
	}
	f, err := s.fs.Open(name.FileName())
	if err != nil {
		return nil, nil, err
	}
	size, err := f.Size()
	if err != nil {
		return nil, nil, err
	}
	r, err := segment.NewReader(f, size, segment.ReaderOptions{Path: name.FileName(), Name: name, Cache: s.cache})
	if err != nil {
		return nil, nil, err
	}
	s.opened++
	return r, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.opened--
		_ = f.Close()
	}, nil
}
