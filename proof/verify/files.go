package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/gaplessdb/gapless/proof/content"
	"github.com/gaplessdb/gapless/proof/record"
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

// segments is the files that have frames of the ordinals shown.
type segments struct {
	open   openFiles
	list   []*sealed
	all    int
	absent []string // listed in the certificate, and not there
}

// sealed is a segment and the lowest and highest ordinal of its frames.
type sealed struct {
	*segment.Reader
	first, last uint32
}

// of is the segments that may have frames of some ordinals.
func (s *segments) of(first, last uint32) (list []*segment.Reader) {
	for _, in := range s.list {
		if in.first <= last && first <= in.last {
			list = append(list, in.Reader)
		}
	}
	return list
}

func (r *run) close() {
	if r.segments != nil {
		r.segments.open.close()
	}
}

// files checks that each file is what its name says, and opens those that matter.
func (r *run) files() (string, error) {
	names, err := r.in.Files.List()
	if err != nil {
		return "", err
	}
	s := &segments{open: openFiles{in: r.in.Files}}
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
		f := &lazyFile{open: &s.open, name: name}
		size, err := r.hashed(f)
		if err == nil {
			err = r.use(f, size, listed)
		}
		if err != nil {
			return "", err
		}
		bytes += size
		s.all++
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

// hashed reads all of a file, and holds it against its name.
func (r *run) hashed(f *lazyFile) (size int64, err error) {
	if size, err = f.size(); err != nil {
		return 0, err
	}
	hash := sha256.New()
	in := io.NewSectionReader(f, 0, size)
	for at := int64(0); at < size; {
		n, err := io.CopyN(hash, in, min(size-at, 4<<20))
		if err != nil {
			return 0, fmt.Errorf("%s: %w", f.name, err)
		}
		at += n
		r.in.Progress(f.name, at, size)
		if err := r.ctx.Err(); err != nil {
			return 0, err
		}
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got+segment.Extension != f.name {
		return 0, tampered("segment %s has SHA-256 %s: its bytes were changed, or its name", f.name, got)
	}
	return size, nil
}

// use keeps a segment if it has frames of an ordinal that is shown.
func (r *run) use(f *lazyFile, size int64, listed map[string]int) error {
	hex := strings.TrimSuffix(f.name, segment.Extension)
	id, err := segment.ParseName(hex)
	if err != nil {
		return tampered("segment %s: %w", f.name, err)
	}
	in, err := segment.NewReader(f, size, segment.ReaderOptions{Path: f.name, Name: id})
	if err != nil {
		return damage(err)
	}
	if i, ok := listed[hex]; ok {
		if l := r.c.Segments[i]; l.Bytes != size || l.Frames != uint64(in.Info().Frames) {
			return tampered("segment %s has %d bytes and %d frames, the certificate says %d and %d", f.name, size, in.Info().Frames, l.Bytes, l.Frames)
		}
		delete(listed, hex)
	}
	first, last, err := content.Seals(in)
	if err != nil {
		return damage(err)
	}
	if slices.ContainsFunc(r.seals, func(s *record.Seal) bool { return first <= s.Ordinal && s.Ordinal <= last }) {
		r.segments.list = append(r.segments.list, &sealed{in, first, last})
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
