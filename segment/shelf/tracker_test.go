package shelf

import (
	"sync"
	"sync/atomic"

	"github.com/gaplessdb/gapless/vfs"
)

// tracker counts the files that are open.
type tracker struct {
	vfs.FS
	open atomic.Int64
	most atomic.Int64 // at a time
}

func (f *tracker) Open(name string) (vfs.File, error)   { return f.track(f.FS.Open(name)) }
func (f *tracker) Create(name string) (vfs.File, error) { return f.track(f.FS.Create(name)) }
func (f *tracker) OpenReadWrite(name string) (vfs.File, error) {
	return f.track(f.FS.OpenReadWrite(name))
}

func (f *tracker) track(file vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	for n := f.open.Add(1); ; {
		if most := f.most.Load(); n <= most || f.most.CompareAndSwap(most, n) {
			break
		}
	}
	return &trackedFile{file, sync.OnceFunc(func() { f.open.Add(-1) })}, nil
}

type trackedFile struct {
	vfs.File
	closed func()
}

func (f *trackedFile) Close() error {
	f.closed()
	return f.File.Close()
}
