package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gaplessdb/gapless/proof/content"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// Files is where segment files are. Run calls it from one goroutine, and reads its files from the same.
type Files interface {
	// List has the names of all files, in a fixed order; what is no segment is left out by Run.
	List() ([]string, error)
	// Open opens one. Run closes it.
	Open(name string) (File, error)
}

// File is one of them.
type File interface {
	io.ReaderAt
	io.Closer
	Size() (int64, error)
}

// Dir is a directory of a file system.
func Dir(fs vfs.FS, dir string) Files { return directory{fs, dir} }

type directory struct {
	fs  vfs.FS
	dir string
}

func (d directory) List() ([]string, error) { return d.fs.List(d.dir) }

func (d directory) Open(name string) (File, error) { return d.fs.Open(d.dir + "/" + name) }

// segments is the files that have frames up to the census.
type segments struct {
	open    []io.Closer
	readers []*segment.Reader
	all     int
	absent  []string // listed in the certificate, and not there
}

func (r *run) close() {
	if r.segments == nil {
		return
	}
	for _, c := range r.segments.open {
		_ = c.Close() // only read
	}
}

// files checks that each file is what its name says, and opens those that matter.
func (r *run) files() (string, error) {
	names, err := r.in.Files.List()
	if err != nil {
		return "", err
	}
	s := &segments{}
	r.segments = s
	listed := make(map[string]int, len(r.c.Segments))
	for i, l := range r.c.Segments {
		listed[l.Name] = i
	}
	bytes := int64(0)
	for _, name := range names {
		if !strings.HasSuffix(name, segment.Extension) {
			continue
		}
		f, size, err := r.file(name)
		if err != nil {
			return "", err
		}
		bytes += size
		s.all++
		if err := r.use(name, f, size, listed); err != nil {
			return "", err
		}
	}
	for _, l := range r.c.Segments {
		if _, absent := listed[l.Name]; absent {
			s.absent = append(s.absent, l.Name)
		}
	}
	text := fmt.Sprintf("%d segment files, %d bytes: each has the SHA-256 that is its name", s.all, bytes)
	if len(s.absent) > 0 {
		text += fmt.Sprintf("; %d of the %d that the certificate lists are not there", len(s.absent), len(r.c.Segments))
	}
	return text, nil
}

// file opens a file and hashes it.
func (r *run) file(name string) (f File, size int64, err error) {
	if f, err = r.in.Files.Open(name); err != nil {
		return nil, 0, err
	}
	r.segments.open = append(r.segments.open, f)
	if size, err = f.Size(); err != nil {
		return nil, 0, err
	}
	hash := sha256.New()
	in := io.NewSectionReader(f, 0, size)
	for at := int64(0); at < size; {
		n, err := io.CopyN(hash, in, min(size-at, 4<<20))
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", name, err)
		}
		at += n
		r.in.Progress(name, at, size)
		if err := r.ctx.Err(); err != nil {
			return nil, 0, err
		}
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got+segment.Extension != name {
		return nil, 0, tampered("segment %s has SHA-256 %s: its bytes were changed, or its name", name, got)
	}
	return f, size, nil
}

// use opens a segment if it has frames of an ordinal that the certificate is about.
func (r *run) use(name string, f File, size int64, listed map[string]int) error {
	hex := strings.TrimSuffix(name, segment.Extension)
	id, err := segment.ParseName(hex)
	if err != nil {
		return tampered("segment %s: %w", name, err)
	}
	in, err := segment.NewReader(f, size, segment.ReaderOptions{Path: name, Name: id})
	if err != nil {
		return damage(err)
	}
	if i, ok := listed[hex]; ok {
		if l := r.c.Segments[i]; l.Bytes != size || l.Frames != uint64(in.Info().Frames) {
			return tampered("segment %s has %d bytes and %d frames, the certificate says %d and %d", name, size, in.Info().Frames, l.Bytes, l.Frames)
		}
		delete(listed, hex)
	}
	first, _, err := content.Seals(in)
	if err != nil {
		return damage(err)
	}
	if first <= r.census.Seal {
		r.segments.readers = append(r.segments.readers, in)
	}
	return nil
}

// damage is the failure of a read: a damaged file is a changed one, unless this program is too old for it.
func damage(err error) error {
	var conflict *content.ConflictError
	if errors.Is(err, segment.ErrCorrupt) || errors.As(err, &conflict) {
		return tampered("%w", err)
	}
	return err
}
