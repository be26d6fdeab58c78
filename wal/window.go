package wal

import (
	"fmt"
	"io"
)

// windowSize is how much is read at once by recovery, dump and sequential reads: enough for the full speed of a disk.
const windowSize = 1 << 20

// window reads a file in large pieces for somebody who mostly moves forward.
type window struct {
	r     io.ReaderAt
	path  string
	size  int64 // of the file
	off   int64 // of buf in the file
	buf   []byte
	spare []byte // the whole allocation of buf
}

// bytes returns n bytes at off, which must lie inside the file, valid until the next call.
func (w *window) bytes(off, n int64) ([]byte, error) {
	if off < w.off || off+n > w.off+int64(len(w.buf)) {
		if err := w.fill(off, min(max(n, windowSize), w.size-off)); err != nil {
			return nil, err
		}
	}
	return w.buf[off-w.off : off-w.off+n], nil
}

// rest returns all bytes from off on that one read brings, at least n if the file has them, valid until the next call.
func (w *window) rest(off, n int64) ([]byte, error) {
	if _, err := w.bytes(off, min(n, w.size-off)); err != nil {
		return nil, err
	}
	return w.buf[off-w.off:], nil
}

func (w *window) fill(off, n int64) error {
	if int64(cap(w.spare)) < n {
		w.spare = make([]byte, n)
	}
	w.off, w.buf = off, w.spare[:0]
	if err := readFull(w.r, w.spare[:n], off); err != nil {
		return fmt.Errorf("wal: read %s: %w", w.path, err)
	}
	w.buf = w.spare[:n]
	return nil
}

// readFull fills b from off, or says what stopped it.
func readFull(r io.ReaderAt, b []byte, off int64) error {
	n, err := r.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%d bytes at %d: %d read: %w", len(b), off, n, err)
}
