package shelf

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/gaplessdb/gapless/vfs"
)

// part is the file of an unfinished pull. Its owner is the worker that claimed the segment.
type part struct {
	file vfs.File
	path string
	size int64 // good bytes; the file may be longer
}

// openPart opens or makes the .part file and cuts it to size.
func (s *Shelf) openPart(path string, size int64) (*part, error) {
	f, err := s.fs.OpenReadWrite(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s.createPart(path)
	}
	if err != nil {
		return nil, fmt.Errorf("shelf: open unfinished pull: %w", err)
	}
	have, err := f.Size()
	if have < size {
		size = 0 // somebody has cut it
	}
	if err == nil && have != size {
		err = f.Truncate(size)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("shelf: go on with %s: %w", path, err), f.Close())
	}
	return &part{file: f, path: path, size: size}, nil
}

// createPart makes the name durable too, or a power loss would take what was pulled.
func (s *Shelf) createPart(path string) (*part, error) {
	f, err := s.fs.Create(path)
	if err != nil {
		return nil, fmt.Errorf("shelf: begin pull: %w", err)
	}
	if err := s.fs.SyncDir(s.dir); err != nil {
		return nil, errors.Join(fmt.Errorf("shelf: begin %s: %w", path, err), f.Close())
	}
	return &part{file: f, path: path}, nil
}

// append writes the next bytes, and syncs before anything is written behind a multiple of every.
func (p *part) append(b []byte, every int64) error {
	if p.size > 0 && p.size%every == 0 {
		if err := p.sync(); err != nil {
			return err
		}
	}
	if _, err := p.file.WriteAt(b, p.size); err != nil {
		return fmt.Errorf("shelf: write %s: %w", p.path, err)
	}
	p.size += int64(len(b))
	return nil
}

// errNotSynced marks a file whose bytes may be gone although they can still be read: no later sync would say so.
var errNotSynced = errors.New("shelf: sync failed, the file cannot be used")

func (p *part) sync() error {
	if err := p.file.Sync(); err != nil {
		return fmt.Errorf("%w: %s: %w", errNotSynced, p.path, err)
	}
	return nil
}
