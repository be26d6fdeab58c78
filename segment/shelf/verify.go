package shelf

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/vfs"
)

// verify reads a whole file and says whether it is the segment.
func verify(ctx context.Context, f vfs.File, path string, name segment.Name) error {
	size, err := f.Size()
	if err != nil {
		return fmt.Errorf("shelf: size of %s: %w", path, err)
	}
	if _, err = segment.Verify(during{ctx, f}, size, name, nil); err != nil {
		return fmt.Errorf("shelf: verify %s: %w", path, err)
	}
	return nil
}

// verifyNamed is verify of a file that is not open.
func (s *Shelf) verifyNamed(ctx context.Context, path string, name segment.Name) error {
	f, err := s.fs.Open(path)
	if err != nil {
		return fmt.Errorf("shelf: open %s: %w", path, err)
	}
	return errors.Join(verify(ctx, f, path, name), f.Close())
}

// during is a file that can be read until ctx ends: a verification takes long and knows no context.
type during struct {
	ctx context.Context
	io.ReaderAt
}

func (d during) ReadAt(p []byte, off int64) (int, error) {
	if err := d.ctx.Err(); err != nil {
		return 0, err
	}
	return d.ReaderAt.ReadAt(p, off)
}
