package leaves

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/vfs"
	"golang.org/x/mod/sumdb/tlog"
)

// File is a file of leaves that is read. What it gives out was checked; an error that wraps ErrCorrupt names the place of damage.
type File struct {
	f       vfs.File
	path    place
	size    int64
	salt    uint32
	header  header
	trailer trailer
}

// Open reads both ends of a file, whatever its size.
func Open(fs vfs.FS, path string) (*File, error) { return OpenAs(fs, path, 0) }

// OpenAs is Open of one of several files that come to have the same path: every CorruptError about it has the generation.
func OpenAs(fs vfs.FS, path string, generation uint64) (*File, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, fmt.Errorf("leaves: %w", err)
	}
	file, err := newFile(f, place{path, generation})
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return file, nil
}

func newFile(f vfs.File, path place) (*File, error) {
	size, err := f.Size()
	if err != nil {
		return nil, fmt.Errorf("leaves: %w", err)
	}
	if size < headerSize+trailerSize {
		return nil, corrupt(path, 0, fmt.Sprintf("%d bytes at least", headerSize+trailerSize), size)
	}
	r := &File{f: f, path: path, size: size}
	b := make([]byte, headerSize+trailerSize)
	if err := r.readAt(b[:headerSize], 0); err != nil {
		return nil, err
	}
	if r.header, err = parseHeader(path, b[:headerSize]); err != nil {
		return nil, err
	}
	r.salt = binary.LittleEndian.Uint32(b[16:])
	if err := r.readAt(b[headerSize:], size-trailerSize); err != nil {
		return nil, err
	}
	if r.trailer, err = parseTrailer(path, size-trailerSize, r.salt, b[headerSize:]); err != nil {
		return nil, err
	}
	return r, nil
}

// Kind is what the leaves are.
func (r *File) Kind() Kind { return r.header.kind }

// Number is the seal ordinal of strips, or the Raft index of a census.
func (r *File) Number() uint64 { return r.header.number }

// Count is the number of leaves.
func (r *File) Count() int64 { return r.trailer.count }

// Root is the root of the tree.
func (r *File) Root() merkle.Hash { return r.trailer.root }

// Bytes is the size of the file.
func (r *File) Bytes() int64 { return r.size }

// Close ends the use of the file.
func (r *File) Close() error {
	if err := r.f.Close(); err != nil {
		return fmt.Errorf("leaves: %w", err)
	}
	return nil
}

// Leaf is the i-th leaf, a copy.
func (r *File) Leaf(i int64) ([]byte, error) {
	var room scratch
	rec, err := r.record(i, &room, true)
	if err != nil {
		return nil, err
	}
	return rec.leaf, nil
}

// Key is the key of the i-th leaf.
func (r *File) Key(i int64) (Key, error) {
	var room scratch
	rec, err := r.record(i, &room, false)
	if err != nil {
		return Key{}, err
	}
	return rec.key(), nil
}

// Find is the first leaf at or after a key, and whether it has that key; i is Count if there is none.
func (r *File) Find(key Key) (i int64, found bool, err error) {
	var room scratch
	lo, hi := int64(0), r.trailer.count
	for lo < hi {
		middle := lo + (hi-lo)/2
		rec, err := r.record(middle, &room, false)
		if err != nil {
			return 0, false, err
		}
		switch c := rec.compare(&key); {
		case c == 0:
			return middle, true, nil
		case c < 0:
			lo = middle + 1
		default:
			hi = middle
		}
	}
	return lo, false, nil
}

// Prove is the proof of leaves [lo, hi) as merkle.ProveRange makes it, from as many reads as the tree has levels, twice.
func (r *File) Prove(lo, hi int64) ([]merkle.Hash, error) {
	proof, err := merkle.ProveRange(r.trailer.count, lo, hi, r)
	if err != nil {
		return nil, fmt.Errorf("leaves: %s: %w", r.path, err)
	}
	return proof, nil
}

// ReadHashes makes a File a tlog.HashReader.
func (r *File) ReadHashes(indexes []int64) ([]merkle.Hash, error) {
	var room scratch
	out := make([]merkle.Hash, len(indexes))
	for k, at := range indexes {
		if n := tlog.StoredHashCount(r.trailer.count); at < 0 || at >= n {
			return nil, fmt.Errorf("leaves: %s: hash %d of %d", r.path, at, n)
		}
		level, n := tlog.SplitStoredHashIndex(at)
		rec, err := r.record((n+1)<<level-1, &room, false)
		if err != nil {
			return nil, err
		}
		out[k] = rec.hash(level)
	}
	return out, nil
}

var _ tlog.HashReader = (*File)(nil)

// readAt fills b. A file that ends before is damaged: its size was looked at.
func (r *File) readAt(b []byte, at int64) error {
	n, err := r.f.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == io.EOF {
		return corrupt(r.path, at, fmt.Sprintf("%d bytes", len(b)), fmt.Sprintf("%d before the end of the file", n))
	}
	return fmt.Errorf("leaves: %s at byte %d: %w", r.path, at, err)
}
