//go:build linux

package faultfs

import (
	"path"
	"syscall"
)

// request is one call of the kernel.
type request struct {
	op         Op
	node       uint64 // the file, or the directory of name
	name       string
	to         uint64 // of a rename
	toName     string
	pid        uint32 // the thread that asks; 0: the kernel by itself
	cancel     <-chan struct{}
	background bool // written back by the kernel: nobody could be killed to end it
}

// serve carries out a request: it waits, may be refused, acts on the model, and lets the kernel forget what changed beneath it.
func (fs *FS) serve(r request, act func(i *inode) error) error {
	if err := fs.wait(r); err != nil {
		return err
	}
	fs.mu.Lock()
	i, err := fs.node(r.node)
	if err == nil && !r.op.isSync() {
		err = fs.refused(r.op)
	}
	if err == nil {
		err = act(i)
	}
	if i != nil {
		fs.note(&r, i, err)
	}
	stale := fs.takeStale()
	fs.mu.Unlock()
	fs.invalidate(stale)
	return err
}

// node finds what the kernel means. What it knew before the disk was changed as a whole is no more. It holds mu.
func (fs *FS) node(number uint64) (*inode, error) {
	if i := fs.nodes[number]; i != nil {
		return i, nil
	}
	return nil, syscall.EIO
}

// places is the paths that a request is about.
func (fs *FS) places(r request) (paths []string, restarted <-chan struct{}) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if i := fs.nodes[r.node]; i != nil {
		paths = append(paths, path.Join(i.path(), r.name))
	}
	if i := fs.nodes[r.to]; i != nil {
		paths = append(paths, path.Join(i.path(), r.toName))
	}
	return paths, fs.restarted
}

// span is bytes that the kernel may have cached and that are no longer so. Length 0 is the whole file.
type span struct {
	node           uint64
	offset, length int64
}

// outdated notes a span. It holds mu.
func (fs *FS) outdated(i *inode, offset, length int64) {
	if i.node != 0 {
		fs.stale = append(fs.stale, span{i.node, offset, length})
	}
}

func (fs *FS) takeStale() []span {
	s := fs.stale
	fs.stale = nil
	return s
}

// invalidate waits for requests about the same pages, which need the mutex: it must not hold mu.
func (fs *FS) invalidate(stale []span) {
	fs.mu.Lock()
	server := fs.server
	fs.mu.Unlock()
	if server == nil {
		return
	}
	for _, s := range stale {
		server.InodeNotify(s.node, s.offset, s.length) // fails only when the kernel has forgotten it by itself
	}
}
