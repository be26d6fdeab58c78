package leaves

import (
	"bufio"
	"errors"
	"fmt"
	iofs "io/fs"
	"path"

	"github.com/gaplessdb/gapless/vfs"
)

const (
	bufferSize = 256 << 10
	// syncBytes bounds what one sync has to bring to the disk: the log's syncs wait behind it.
	syncBytes = 16 << 20
)

// tempFile is a file that does not have its name yet. It has one user.
type tempFile struct {
	fs   vfs.FS
	path string   // "" once it was renamed or removed
	f    vfs.File // nil once it is closed
	at   int64    // how much was given to out
	out  *bufio.Writer
}

// createTemp begins a file in the place of one that a crash may have left.
func createTemp(fs vfs.FS, path string) (*tempFile, error) {
	if err := fs.Remove(path); err != nil && !errors.Is(err, iofs.ErrNotExist) {
		return nil, fmt.Errorf("leaves: %w", err)
	}
	f, err := fs.Create(path)
	if err != nil {
		return nil, fmt.Errorf("leaves: %w", err)
	}
	return &tempFile{fs: fs, path: path, f: f, out: bufio.NewWriterSize(&appender{f: f}, bufferSize)}, nil
}

func (t *tempFile) write(b []byte) error {
	n, err := t.out.Write(b)
	t.at += int64(n)
	if err != nil {
		return fmt.Errorf("leaves: %w", err)
	}
	return nil
}

// finish makes what was written durable, has it checked, closes the file and gives it its name.
func (t *tempFile) finish(name string, check func(vfs.File) error) error {
	if err := errors.Join(t.out.Flush(), t.f.Sync()); err != nil {
		return fmt.Errorf("leaves: %w", err)
	}
	if err := check(t.f); err != nil {
		return err
	}
	if err := t.close(); err != nil {
		return err
	}
	if err := t.fs.Rename(t.path, name); err != nil {
		return fmt.Errorf("leaves: %w", err)
	}
	t.path = ""
	if err := t.fs.SyncDir(path.Dir(name)); err != nil {
		return fmt.Errorf("leaves: %w", err)
	}
	return nil
}

func (t *tempFile) close() error {
	if t.f == nil {
		return nil
	}
	err := t.f.Close()
	t.f = nil
	if err != nil {
		return fmt.Errorf("leaves: %w", err)
	}
	return nil
}

// discard closes and removes the file, whatever state it is in.
func (t *tempFile) discard() error {
	err := t.close()
	if t.path == "" {
		return err
	}
	if gone := t.fs.Remove(t.path); gone != nil && !errors.Is(gone, iofs.ErrNotExist) {
		return errors.Join(err, fmt.Errorf("leaves: %w", gone))
	}
	t.path = ""
	return err
}

// appender writes a file front to back.
type appender struct {
	f          vfs.File
	at, synced int64
}

func (a *appender) Write(b []byte) (int, error) {
	n, err := a.f.WriteAt(b, a.at)
	a.at += int64(n)
	if err == nil && a.at-a.synced >= syncBytes {
		a.synced, err = a.at, a.f.Sync()
	}
	return n, err
}
