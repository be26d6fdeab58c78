package tiles

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/vfs"
)

// Store is the file with the hashes of one log, in the order of tlog.StoredHashIndex. One goroutine at a time appends and cuts; any
// number read meanwhile. After a failed write or sync every later call fails: what the file holds is unknown until Open has read it.
// Size and Bytes never wait for the disk.
type Store struct {
	fs   vfs.FS
	path string
	file vfs.File

	writing sync.Mutex   // held by who changes the file
	cutting sync.RWMutex // a reader's hashes are not cut away while it reads; taken behind writing

	mu   sync.Mutex  // protects all below, and is never held while the disk works; taken behind both
	edge []tlog.Hash // roots of the perfect subtrees, largest first
	size int64       // leaves
	err  error       // why the store is of no use any more
}

var errClosed = errors.New("tiles: the store is closed")

// Open opens the store at name, or makes an empty one; the directory exists. What a crash left half done at its end is cut off, so the
// size may be smaller than it was; every hash below it is right. A file that cannot be used at all is a *CorruptionError: Remove it,
// Open it anew and Append every leaf of the log.
func Open(fsys vfs.FS, name string) (*Store, error) {
	f, err := fsys.OpenReadWrite(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := vfs.WriteFile(fsys, name, header()); err != nil {
			return nil, err
		}
		f, err = fsys.OpenReadWrite(name)
	}
	if err != nil {
		return nil, err
	}
	s := &Store{fs: fsys, path: name, file: f}
	if err := s.recover(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

// Broken is a store that could not be opened: whatever is asked of it fails for that reason.
func Broken(err error) *Store { return &Store{err: fmt.Errorf("tiles: not open: %w", err)} }

// Remove deletes a store, so that Open makes an empty one.
func Remove(fsys vfs.FS, name string) error {
	if err := fsys.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fsys.SyncDir(path.Dir(name))
}

// recover reads the file, keeps the longest prefix that is right, and makes it durable.
func (s *Store) recover() error {
	if err := s.fs.SyncDir(path.Dir(s.path)); err != nil {
		return err
	}
	bytes, err := s.file.Size()
	if err != nil {
		return err
	}
	if err := s.checkHeader(bytes); err != nil {
		return err
	}
	if err := s.scan(bytes); err != nil {
		return err
	}
	if err := s.file.Truncate(slotOffset(tlog.StoredHashCount(s.size))); err != nil {
		return err
	}
	return s.file.Sync()
}

// Size is the number of leaves.
func (s *Store) Size() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size
}

// failed is why the store is of no use any more.
func (s *Store) failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// become is the store after a change of its file.
func (s *Store) become(size int64, edge []tlog.Hash) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.size, s.edge = size, edge
}

// Bytes is the size of the file.
func (s *Store) Bytes() int64 { return slotOffset(tlog.StoredHashCount(s.Size())) }

// Append adds leaf hashes (tlog.RecordHash of the records). A crash may take them back: they follow from the records.
func (s *Store) Append(leaves ...tlog.Hash) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.failed(); err != nil {
		return err
	}
	const most = 4096 // at once: bounds the buffer
	for len(leaves) > 0 {
		n := min(len(leaves), most)
		if err := s.append(leaves[:n]); err != nil {
			return s.fail("append", err)
		}
		leaves = leaves[n:]
	}
	return nil
}

// append writes behind what anybody reads. Nobody but the caller, who holds writing, changes edge and size: it may read them.
func (s *Store) append(leaves []tlog.Hash) error {
	first := tlog.StoredHashCount(s.size)
	b := make([]byte, 0, 2*len(leaves)*slotBytes)
	size, edge, slot := s.size, append([]tlog.Hash(nil), s.edge...), first
	for _, h := range leaves {
		b = appendSlot(b, slot, h)
		slot++
		for n := size; n&1 == 1; n >>= 1 { // each trailing one bit is a subtree that this leaf completes
			h = tlog.NodeHash(edge[len(edge)-1], h)
			edge = edge[:len(edge)-1]
			b = appendSlot(b, slot, h)
			slot++
		}
		edge = append(edge, h)
		size++
	}
	if _, err := s.file.WriteAt(b, slotOffset(first)); err != nil {
		return err
	}
	s.become(size, edge)
	return nil
}

// Truncate cuts the log back to size leaves, durably: what was behind can come back no more.
func (s *Store) Truncate(size int64) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.cutting.Lock()
	defer s.cutting.Unlock()
	if err := s.failed(); err != nil {
		return err
	}
	if size < 0 || size > s.size {
		return fmt.Errorf("tiles: %s: cannot cut to %d leaves, there are %d", s.path, size, s.size)
	}
	edge, err := s.edgeAt(size)
	if err != nil {
		return err
	}
	if err := s.file.Truncate(slotOffset(tlog.StoredHashCount(size))); err != nil {
		return s.fail("cut", err)
	}
	s.become(size, edge)
	if err := s.file.Sync(); err != nil {
		return s.fail("sync", err)
	}
	return nil
}

// edgeAt reads the roots of the perfect subtrees of the tree of a size.
func (s *Store) edgeAt(size int64) ([]tlog.Hash, error) {
	var edge []tlog.Hash
	for level, n := 62, int64(0); level >= 0; level-- {
		if size>>level&1 == 0 {
			continue
		}
		h, err := s.read(tlog.StoredHashIndex(level, n>>level))
		if err != nil {
			return nil, err
		}
		edge = append(edge, h)
		n += 1 << level
	}
	return edge, nil
}

// Close closes the file.
func (s *Store) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.cutting.Lock()
	defer s.cutting.Unlock()
	if !s.end() || s.file == nil {
		return nil
	}
	return s.file.Close()
}

// end makes every later call fail. It is false where the store was closed before.
func (s *Store) end() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := errors.Is(s.err, errClosed)
	s.err = errClosed
	return !was
}

// fail keeps the first failure for good.
func (s *Store) fail(what string, err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = fmt.Errorf("tiles: %s: %s: %w", s.path, what, err)
	}
	return s.err
}
