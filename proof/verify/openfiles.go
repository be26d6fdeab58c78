package verify

import "slices"

// maxOpen is how many segment files are open at a time: a directory may have more of them than a process may have open.
const maxOpen = 64

// openFiles is the files that are open, the one that was read last at the end.
type openFiles struct {
	in   Files
	open []*lazyFile
}

// lazyFile is a file that is opened when it is read, and closed when others are read instead.
type lazyFile struct {
	open *openFiles
	name string
	f    File // nil: closed
}

// ReadAt implements io.ReaderAt.
func (f *lazyFile) ReadAt(b []byte, at int64) (int, error) {
	if err := f.ready(); err != nil {
		return 0, err
	}
	return f.f.ReadAt(b, at)
}

func (f *lazyFile) size() (int64, error) {
	if err := f.ready(); err != nil {
		return 0, err
	}
	return f.f.Size()
}

// ready opens the file, and closes the one that was not read for longest.
func (f *lazyFile) ready() (err error) {
	o := f.open
	if n := len(o.open); n > 0 && o.open[n-1] == f {
		return nil
	}
	if f.f != nil {
		o.open = append(slices.DeleteFunc(o.open, func(other *lazyFile) bool { return other == f }), f)
		return nil
	}
	if len(o.open) == maxOpen {
		o.open[0].close()
	}
	if f.f, err = o.in.Open(f.name); err != nil {
		f.f = nil
		return err
	}
	o.open = append(o.open, f)
	return nil
}

// close closes the file until it is read again.
func (f *lazyFile) close() {
	if f.f == nil {
		return
	}
	_ = f.f.Close() // only read
	f.f = nil
	f.open.open = slices.DeleteFunc(f.open.open, func(other *lazyFile) bool { return other == f })
}

func (o *openFiles) close() {
	for len(o.open) > 0 {
		o.open[0].close()
	}
}
