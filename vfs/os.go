package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// Modes before umask: data of a tenant is nobody else's to read.
const (
	fileMode   = 0o640
	dirMode    = 0o750
	secretMode = 0o600 // of a private key: nobody else's at all
)

// secretSuffix marks files that hold a private key. It is the name that says so, because whoever wraps an FS would forget a mode.
const secretSuffix = ".key"

func modeOf(name string) os.FileMode {
	if strings.HasSuffix(strings.TrimSuffix(name, tempSuffix), secretSuffix) {
		return secretMode
	}
	return fileMode
}

// osFS is the real file system below root.
type osFS struct{ root string }

// OS returns the real file system below root. A missing root is created, with its parents, and made durable.
func OS(root string) (FS, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("vfs: root %q: %w", root, err)
	}
	if err := makeRoot(abs); err != nil {
		return nil, fmt.Errorf("vfs: root %q: %w", root, err)
	}
	return &osFS{root: abs}, nil
}

// makeRoot creates dir and its missing parents; each new name is synced in the directory that holds it. One that exists may be
// what a crashed start left, so its name is synced too, where we may and the parent's file system can.
func makeRoot(dir string) error {
	parent := filepath.Dir(dir)
	info, err := os.Stat(dir)
	switch {
	case err == nil && !info.IsDir():
		return fmt.Errorf("%s is not a directory", dir)
	case err == nil:
		if err := syncDir(parent); !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.EINVAL) {
			return err
		}
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := makeRoot(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(parent)
}

// native turns a clean name into a path of this system.
func (o *osFS) native(name string) string { return filepath.Join(o.root, filepath.FromSlash(name)) }

func (o *osFS) Create(name string) (File, error) {
	return o.open("create", name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

func (o *osFS) Open(name string) (File, error) { return o.open("open", name, os.O_RDONLY) }

func (o *osFS) OpenReadWrite(name string) (File, error) { return o.open("open", name, os.O_RDWR) }

func (o *osFS) open(op, name string, flag int) (File, error) {
	name, err := cleanEntry(op, name)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(o.native(name), flag, modeOf(name))
	if err != nil {
		return nil, wrap(err)
	}
	info, err := f.Stat()
	err = wrap(err)
	if err == nil && !info.Mode().IsRegular() {
		err = pathError(op, name, fmt.Errorf("%s is not a regular file", info.Mode().Type()))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &osFile{f: f}, nil
}

func (o *osFS) Rename(from, to string) error {
	from, err := cleanEntry("rename", from)
	if err != nil {
		return err
	}
	to, err = cleanEntry("rename", to)
	if err != nil {
		return err
	}
	if info, err := os.Lstat(o.native(to)); err == nil && info.IsDir() {
		return pathError("rename "+from+" to", to, fs.ErrExist)
	}
	return wrap(os.Rename(o.native(from), o.native(to)))
}

func (o *osFS) Remove(name string) error {
	name, err := cleanEntry("remove", name)
	if err != nil {
		return err
	}
	return wrap(os.Remove(o.native(name)))
}

func (o *osFS) MkdirAll(dir string) error {
	dir, err := clean("mkdir", dir)
	if err != nil {
		return err
	}
	return wrap(os.MkdirAll(o.native(dir), dirMode))
}

func (o *osFS) List(dir string) ([]string, error) {
	dir, err := clean("list", dir)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(o.native(dir)) // sorted by name
	if err != nil {
		return nil, wrap(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

func (o *osFS) SyncDir(dir string) error {
	dir, err := clean("sync directory", dir)
	if err != nil {
		return err
	}
	return wrap(syncDir(o.native(dir)))
}

func (o *osFS) Lock(name string) (io.Closer, error) {
	name, err := cleanEntry("lock", name)
	if err != nil {
		return nil, err
	}
	c, err := lockFile(o.native(name))
	if errors.Is(err, ErrLocked) {
		return nil, pathError("lock", name, err)
	}
	return c, wrap(err)
}

func (o *osFS) Free() (int64, error) {
	n, err := free(o.root)
	if err != nil {
		return 0, pathError("statfs", o.root, err)
	}
	return n, nil
}

// wrap adds the room's name to an error of package os, which names the operation and the full path already.
func wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("vfs: %w", err)
}

// zeros is what Preallocate writes from; never written to.
var zeros = sync.OnceValue(func() []byte { return make([]byte, 1<<20) })
