package vfs

import (
	"io/fs"
	"path"
	"strings"
	"syscall"
)

// Rename implements FS. Within a directory it is one edit: a crash shows the old state or the new one. Between directories
// the new name and the loss of the old one are durable with their own directories: sync the target's first. Until then a
// crash may show both names, and none only if the source's directory was synced alone.
func (m *Mem) Rename(from, to string) error {
	from, err := cleanEntry("rename", from)
	if err != nil {
		return err
	}
	to, err = cleanEntry("rename", to)
	if err != nil {
		return err
	}
	return m.do(Op{Kind: OpRename, Name: from, To: to}, func(*Fault) error {
		if err := m.rename(from, to); err != nil {
			return pathError("rename "+from+" to", to, err)
		}
		return nil
	})
}

func (m *Mem) rename(from, to string) error {
	node, err := m.lookup(from)
	if err != nil {
		return err
	}
	if strings.HasPrefix(to, from+"/") {
		return syscall.EINVAL // into itself
	}
	source, err := m.directory("rename", path.Dir(from))
	if err != nil {
		return err
	}
	target, err := m.directory("rename", path.Dir(to))
	if err != nil {
		return err
	}
	old, exists := target.entries[path.Base(to)]
	switch {
	case exists && old.dir != nil:
		return fs.ErrExist
	case exists && node.dir != nil:
		return syscall.ENOTDIR
	case exists && old == node: // the same name, or after a crash two of one file: POSIX says do nothing
		return nil
	}
	gone, here := entry{path.Base(from), nil}, entry{path.Base(to), node}
	if source == target {
		source.change(nil, gone, here)
	} else {
		source.change(target.change(nil, here), gone)
	}
	if exists {
		old.links--
		m.release(old)
	}
	return nil
}
