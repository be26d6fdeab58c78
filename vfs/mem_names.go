package vfs

import (
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"syscall"
)

// lookup walks to the inode of a clean name.
func (m *Mem) lookup(name string) (*inode, error) {
	node := m.root
	if name == "." {
		return node, nil
	}
	for part := range strings.SplitSeq(name, "/") {
		if node.dir == nil {
			return nil, syscall.ENOTDIR
		}
		next, ok := node.dir.entries[part]
		if !ok {
			return nil, fs.ErrNotExist
		}
		node = next
	}
	return node, nil
}

// directory walks to a clean name that must be a directory.
func (m *Mem) directory(op, name string) (*directory, error) {
	node, err := m.lookup(name)
	if err == nil && node.dir == nil {
		err = syscall.ENOTDIR
	}
	if err != nil {
		return nil, pathError(op, name, err)
	}
	return node.dir, nil
}

// file walks to a name that must be a file.
func (m *Mem) file(op, name string) (*inode, error) {
	name, err := cleanEntry(op, name)
	if err != nil {
		return nil, err
	}
	node, err := m.lookup(name)
	if err == nil && node.dir != nil {
		err = syscall.EISDIR
	}
	if err != nil {
		return nil, pathError(op, name, err)
	}
	return node, nil
}

// Create implements FS.
func (m *Mem) Create(name string) (File, error) {
	name, err := cleanEntry("create", name)
	if err != nil {
		return nil, err
	}
	var f *memFile
	err = m.do(Op{Kind: OpCreate, Name: name}, func(*Fault) error {
		node, err := m.create("create", name)
		if err == nil {
			f = m.handle(name, node, true)
		}
		return err
	})
	return opened(f, err)
}

// opened is what an operation that opens a handle returns. One that failed after it took effect leaves none open.
func opened(f *memFile, err error) (File, error) {
	if err == nil {
		return f, nil
	}
	if f != nil {
		_ = f.Close()
	}
	return nil, err
}

// create adds an empty file.
func (m *Mem) create(op, name string) (*inode, error) {
	dir, err := m.directory(op, path.Dir(name))
	if err != nil {
		return nil, err
	}
	base := path.Base(name)
	if _, ok := dir.entries[base]; ok {
		return nil, pathError(op, name, fs.ErrExist)
	}
	node := &inode{links: 1}
	dir.change(nil, entry{base, node})
	return node, nil
}

// Open implements FS.
func (m *Mem) Open(name string) (File, error) { return m.open(name, false) }

// OpenReadWrite implements FS.
func (m *Mem) OpenReadWrite(name string) (File, error) { return m.open(name, true) }

func (m *Mem) open(name string, write bool) (File, error) {
	name, err := cleanEntry("open", name)
	if err != nil {
		return nil, err
	}
	var f *memFile
	err = m.do(Op{Kind: OpOpen, Name: name}, func(*Fault) error {
		node, err := m.file("open", name)
		if err == nil {
			f = m.handle(name, node, write)
		}
		return err
	})
	return opened(f, err)
}

// Remove implements FS.
func (m *Mem) Remove(name string) error {
	name, err := cleanEntry("remove", name)
	if err != nil {
		return err
	}
	return m.do(Op{Kind: OpRemove, Name: name}, func(*Fault) error {
		node, err := m.lookup(name)
		if err == nil && node.dir != nil && len(node.dir.entries) > 0 {
			err = syscall.ENOTEMPTY
		}
		if err != nil {
			return pathError("remove", name, err)
		}
		dir, err := m.directory("remove", path.Dir(name))
		if err != nil {
			return err
		}
		dir.change(nil, entry{path.Base(name), nil})
		node.links--
		m.release(node)
		return nil
	})
}

// MkdirAll implements FS.
func (m *Mem) MkdirAll(name string) error {
	name, err := clean("mkdir", name)
	if err != nil {
		return err
	}
	return m.do(Op{Kind: OpMkdir, Name: name}, func(*Fault) error {
		node := m.root
		for part := range strings.SplitSeq(name, "/") {
			if part == "." {
				break
			}
			next, ok := node.dir.entries[part]
			if !ok {
				next = newDirectory()
				next.links = 1
				node.dir.change(nil, entry{part, next})
			}
			if next.dir == nil {
				return pathError("mkdir", name, syscall.ENOTDIR)
			}
			node = next
		}
		return nil
	})
}

// List implements FS.
func (m *Mem) List(name string) (names []string, err error) {
	name, err = clean("list", name)
	if err != nil {
		return nil, err
	}
	err = m.do(Op{Kind: OpList, Name: name}, func(*Fault) error {
		dir, err := m.directory("list", name)
		if err == nil {
			names = slices.AppendSeq([]string{}, maps.Keys(dir.entries))
			slices.Sort(names)
		}
		return err
	})
	return names, err
}

// SyncDir implements FS.
func (m *Mem) SyncDir(name string) error {
	name, err := clean("sync directory", name)
	if err != nil {
		return err
	}
	return m.do(Op{Kind: OpSyncDir, Name: name}, func(fault *Fault) error {
		dir, err := m.directory("sync directory", name)
		if err != nil || fault != nil && fault.Lie {
			return err
		}
		dir.sync()
		return nil
	})
}

// Lock implements FS. The lock ends with Close; a CrashClone has none.
func (m *Mem) Lock(name string) (io.Closer, error) {
	name, err := cleanEntry("lock", name)
	if err != nil {
		return nil, err
	}
	var f *memFile
	err = m.do(Op{Kind: OpLock, Name: name}, func(*Fault) error {
		node, err := m.create("lock", name)
		if err != nil {
			node, err = m.file("lock", name)
		}
		if err != nil {
			return err
		}
		if node.locked {
			return pathError("lock", name, ErrLocked)
		}
		node.locked = true
		f = m.handle(name, node, false)
		f.lock = true
		return nil
	})
	return opened(f, err)
}
