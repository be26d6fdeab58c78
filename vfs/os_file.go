package vfs

import (
	"io"
	"os"
)

// osFile is a file of the operating system. *os.File is safe for concurrent use, so this is.
type osFile struct{ f *os.File }

func (o *osFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := o.f.ReadAt(p, off)
	if err != nil && err != io.EOF {
		err = wrap(err)
	}
	return n, err
}

func (o *osFile) WriteAt(p []byte, off int64) (int, error) {
	n, err := o.f.WriteAt(p, off)
	return n, wrap(err)
}

func (o *osFile) Close() error { return wrap(o.f.Close()) }

func (o *osFile) Truncate(size int64) error { return wrap(o.f.Truncate(size)) }

// Preallocate writes real zeros: fallocate would leave unwritten extents, and the first write into each of those costs a
// journal transaction in the fdatasync that we wanted to be cheap.
func (o *osFile) Preallocate(n int64) error {
	z := zeros()
	for off := int64(0); off < n; {
		k := min(int64(len(z)), n-off)
		if _, err := o.f.WriteAt(z[:k], off); err != nil {
			return wrap(err)
		}
		off += k
	}
	return nil
}

func (o *osFile) Size() (int64, error) {
	info, err := o.f.Stat()
	if err != nil {
		return 0, wrap(err)
	}
	return info.Size(), nil
}
