package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
)

// ReadFile returns the contents of a file of at most limit bytes; a longer one is an error, so that a damaged or foreign file
// cannot exhaust the memory.
func ReadFile(fsys FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := readAll(f, name, limit)
	return b, errors.Join(err, f.Close())
}

func readAll(f File, name string, limit int64) ([]byte, error) {
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size > limit {
		return nil, pathError("read", name, fmt.Errorf("file has %d bytes, more than the limit of %d", size, limit))
	}
	b := make([]byte, size)
	n, err := f.ReadAt(b, 0)
	if err == io.EOF && int64(n) < size {
		return nil, pathError("read", name, fmt.Errorf("%w: %d of %d bytes", io.ErrUnexpectedEOF, n, size))
	}
	if err != nil && err != io.EOF {
		return nil, err
	}
	return b, nil
}

// tempSuffix marks what WriteFile had not finished when the process died.
const tempSuffix = ".tmp"

// WriteFile replaces name by a file that holds data: after a crash there is the old file or the new one, whole, and after a
// nil error the new one. It writes name.tmp first; one that a crash left there is replaced. One writer per name.
// After an error either file may be there.
func WriteFile(fsys FS, name string, data []byte) error {
	temp := name + tempSuffix
	if err := fsys.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := fsys.Create(temp)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := fsys.Rename(temp, name); err != nil {
		return err
	}
	return fsys.SyncDir(path.Dir(name))
}

// MakeDir creates dir and its parents like MkdirAll and makes their names durable, whoever created them.
func MakeDir(fsys FS, dir string) error {
	if err := fsys.MkdirAll(dir); err != nil {
		return err
	}
	for d := path.Clean(dir); d != "." && d != "/"; {
		d = path.Dir(d)
		if err := fsys.SyncDir(d); err != nil {
			return err
		}
	}
	return nil
}
