package votes

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"path"
	"sync"

	"github.com/hashicorp/raft"
	boltdb "github.com/hashicorp/raft-boltdb/v2"

	"github.com/gaplessdb/gapless/vfs"
)

var (
	// ErrDamaged says that the file is not what a Store wrote.
	ErrDamaged = errors.New("votes: damaged")

	// ErrFailed is returned by every call after a Set that failed. It wraps the cause.
	ErrFailed = errors.New("votes: an earlier write failed")

	// ErrClosed is returned after Close.
	ErrClosed = errors.New("votes: closed")
)

// maxBytes is far more than a term and a vote take.
const maxBytes = 1 << 20

// Options configures a Store. The zero value is ready to use.
type Options struct {
	// Noted is told of every value once it is durable, in their order, before Set returns. It must not call the Store. A number
	// is 8 bytes, big-endian. Default: nobody is told.
	Noted func(key, value []byte)
}

// Store is a raft.StableStore in one file. All methods may be called from any goroutine.
type Store struct {
	fs   vfs.FS
	name string
	opt  Options

	writing chan struct{} // holds one token while somebody writes; a channel, because in a synctest bubble a disk may stall

	mu     sync.Mutex // protects what follows, and is not held during I/O
	values map[string][]byte
	failed error
}

var _ raft.StableStore = (*Store)(nil)

// Open reads the values in the file name, none if it is missing. One Store per file.
func Open(fsys vfs.FS, name string, opt Options) (*Store, error) {
	if opt.Noted == nil {
		opt.Noted = func(_, _ []byte) {}
	}
	// A process that died alone may have left a rename that no power loss would spare.
	if err := fsys.SyncDir(path.Dir(name)); err != nil {
		return nil, fmt.Errorf("votes: open %s: %w", name, err)
	}
	s := &Store{fs: fsys, name: name, opt: opt, writing: make(chan struct{}, 1)}
	b, err := vfs.ReadFile(fsys, name, maxBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.values = map[string][]byte{}
	case err != nil:
		return nil, fmt.Errorf("votes: open %s: %w", name, err)
	default:
		if s.values, err = decode(b); err != nil {
			return nil, fmt.Errorf("votes: open %s: %w", name, err)
		}
	}
	return s, nil
}

// Set implements raft.StableStore. The value is durable after a nil error.
func (s *Store) Set(key, value []byte) error {
	s.writing <- struct{}{}
	defer func() { <-s.writing }()
	values, err := s.with(key, value)
	if err != nil {
		return err
	}
	b, err := encode(values)
	if err == nil {
		err = vfs.WriteFile(s.fs, s.name, b)
	}
	if err != nil {
		return s.fail(fmt.Errorf("%w: set %s in %s: %w", ErrFailed, key, s.name, err))
	}
	s.mu.Lock()
	s.values = values
	s.mu.Unlock()
	s.opt.Noted(key, value)
	return nil
}

// with returns a copy of the values, and in it the new one.
func (s *Store) with(key, value []byte) (map[string][]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return nil, s.failed
	}
	values := maps.Clone(s.values)
	values[string(key)] = bytes.Clone(value)
	return values, nil
}

// fail makes every later call return err, unless they return something already.
func (s *Store) fail(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = err
	}
	return s.failed
}

// Get implements raft.StableStore. A key that was never set is boltdb.ErrKeyNotFound itself, whose text Raft knows.
func (s *Store) Get(key []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return nil, s.failed
	}
	value, ok := s.values[string(key)]
	if !ok {
		return nil, boltdb.ErrKeyNotFound
	}
	return bytes.Clone(value), nil
}

// SetUint64 implements raft.StableStore.
func (s *Store) SetUint64(key []byte, value uint64) error {
	return s.Set(key, binary.BigEndian.AppendUint64(nil, value))
}

// GetUint64 implements raft.StableStore.
func (s *Store) GetUint64(key []byte) (uint64, error) {
	value, err := s.Get(key)
	if err != nil {
		return 0, err
	}
	if len(value) != 8 {
		return 0, fmt.Errorf("votes: %s in %s has %d bytes, a number has 8", key, s.name, len(value))
	}
	return binary.BigEndian.Uint64(value), nil
}

// Close makes every later call fail. It waits for a Set that is running.
func (s *Store) Close() error {
	s.writing <- struct{}{}
	defer func() { <-s.writing }()
	_ = s.fail(ErrClosed) // a store that failed is closed all the same
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sumSize is the length of the checksum's line.
const sumSize = 9

func encode(values map[string][]byte) ([]byte, error) {
	body, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	return append(sumLine(body), body...), nil
}

func sumLine(body []byte) []byte { return fmt.Appendf(nil, "%08x\n", crc32.Checksum(body, castagnoli)) }

func decode(b []byte) (map[string][]byte, error) {
	if len(b) < sumSize {
		return nil, fmt.Errorf("%w: %d bytes", ErrDamaged, len(b))
	}
	got, body := b[:sumSize], b[sumSize:]
	if want := sumLine(body); !bytes.Equal(got, want) {
		return nil, fmt.Errorf("%w: checksum %q, want %q", ErrDamaged, got, want)
	}
	values := map[string][]byte{}
	if err := json.Unmarshal(body, &values); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return values, nil
}
