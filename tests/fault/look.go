//go:build linux

package fault

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/gaplessdb/gapless/tests/fault/faultfs"
	"github.com/gaplessdb/gapless/vfs"
)

// look is a disk as an outsider sees it, past its mount and all that is wrong with it. It is only to be read.
type look struct{ of *faultfs.FS }

func (l look) Open(name string) (vfs.File, error) {
	b, err := l.of.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &lookFile{Reader: bytes.NewReader(b), size: int64(len(b))}, nil
}

func (l look) List(dir string) (names []string, err error) {
	for _, f := range l.of.Files() {
		rest, below := strings.CutPrefix(f.Path, path.Clean(dir)+"/")
		if path.Clean(dir) == "." {
			rest, below = f.Path, true
		}
		if name, _, _ := strings.Cut(rest, "/"); below && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if names == nil {
		return nil, &fs.PathError{Op: "list", Path: dir, Err: fs.ErrNotExist}
	}
	slices.Sort(names)
	return names, nil
}

func refuse(op, name string) error { return &fs.PathError{Op: op, Path: name, Err: fs.ErrPermission} }

func (look) Create(name string) (vfs.File, error)        { return nil, refuse("create", name) }
func (look) OpenReadWrite(name string) (vfs.File, error) { return nil, refuse("open", name) }
func (look) Rename(from, _ string) error                 { return refuse("rename", from) }
func (look) Remove(name string) error                    { return refuse("remove", name) }
func (look) MkdirAll(dir string) error                   { return refuse("mkdir", dir) }
func (look) SyncDir(dir string) error                    { return refuse("sync", dir) }
func (look) Lock(name string) (io.Closer, error)         { return nil, refuse("lock", name) }
func (look) Free() (int64, error)                        { return 0, nil }

// lookFile is the content of a file when it was opened.
type lookFile struct {
	*bytes.Reader
	size int64
}

func (f *lookFile) Size() (int64, error)               { return f.size, nil }
func (f *lookFile) Close() error                       { return nil }
func (f *lookFile) WriteAt([]byte, int64) (int, error) { return 0, fs.ErrPermission }
func (f *lookFile) Sync() error                        { return fs.ErrPermission }
func (f *lookFile) Truncate(int64) error               { return fs.ErrPermission }
func (f *lookFile) Preallocate(int64) error            { return fs.ErrPermission }
