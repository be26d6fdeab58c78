package tiles

import (
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"
)

// scan finds how many leaves from the first on are whole: leaf hashes with the right checksum, inner hashes that are those of their
// children. A slot that is not so may be where a crash cut a write, so it ends the log rather than being an error; whoever appends
// the rest again repairs it.
func (s *Store) scan(bytes int64) error {
	slots := make([]byte, 1024*slotBytes)
	next, slot, end := int64(0), int64(0), bytes/slotBytes-1 // next is the first slot that is not in the buffer
	var buf []byte
	take := func() (h tlog.Hash, ok bool, err error) {
		if slot == end {
			return h, false, nil
		}
		if slot == next {
			buf = slots[:min(int64(len(slots)), (end-next)*slotBytes)]
			if n, err := s.file.ReadAt(buf, slotOffset(next)); n < len(buf) {
				return h, false, fmt.Errorf("tiles: %s: reading at %d: %w", s.path, slotOffset(next), err)
			}
			next += int64(len(buf) / slotBytes)
		}
		h, _, _, ok = decodeSlot(buf, slot)
		buf = buf[slotBytes:]
		slot++
		return h, ok, nil
	}
	for {
		whole, err := s.scanLeaf(take)
		if err != nil || !whole {
			return err
		}
	}
}

// scanLeaf takes one leaf and the inner hashes that it completes, and extends the store by them if they are right.
func (s *Store) scanLeaf(take func() (tlog.Hash, bool, error)) (whole bool, err error) {
	h, ok, err := take()
	if err != nil || !ok {
		return false, err
	}
	kept := len(s.edge)
	for n := s.size; n&1 == 1; n >>= 1 {
		kept--
		h = tlog.NodeHash(s.edge[kept], h)
		if got, ok, err := take(); err != nil || !ok || got != h {
			return false, err
		}
	}
	s.edge = append(s.edge[:kept], h)
	s.size++
	return true, nil
}

// read returns one hash. The caller holds cutting.
func (s *Store) read(index int64) (tlog.Hash, error) {
	if size := s.Size(); index < 0 || index >= tlog.StoredHashCount(size) {
		return tlog.Hash{}, fmt.Errorf("tiles: %s: there is no hash %d in a log of %d leaves", s.path, index, size)
	}
	b := make([]byte, slotBytes)
	if n, err := s.file.ReadAt(b, slotOffset(index)); n < len(b) {
		if err == io.EOF {
			return tlog.Hash{}, &CorruptionError{s.path, slotOffset(index), fmt.Sprintf("hash %d", index), "the end of the file"}
		}
		return tlog.Hash{}, fmt.Errorf("tiles: %s: reading at %d: %w", s.path, slotOffset(index), err)
	}
	h, want, got, ok := decodeSlot(b, index)
	if !ok {
		return tlog.Hash{}, &CorruptionError{s.path, slotOffset(index), fmt.Sprintf("hash %d with checksum %08x", index, want), fmt.Sprintf("%08x", got)}
	}
	return h, nil
}

// ReadHashes makes a Store a tlog.HashReader: proofs are computed from it. A hash that is not what was written is a *CorruptionError.
func (s *Store) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	s.cutting.RLock()
	defer s.cutting.RUnlock()
	if err := s.failed(); err != nil {
		return nil, err
	}
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		h, err := s.read(index)
		if err != nil {
			return nil, err
		}
		hashes[i] = h
	}
	return hashes, nil
}

// Root is the root of the tree at a size that the log has or had.
func (s *Store) Root(size int64) (tlog.Hash, error) {
	if size < 0 || size > s.Size() {
		return tlog.Hash{}, fmt.Errorf("tiles: %s: no root at %d leaves, there are %d", s.path, size, s.Size())
	}
	return tlog.TreeHash(size, s)
}
