package floor

import (
	"bufio"
	"errors"
	"io"
	"path"

	"github.com/gaplessdb/gapless/vfs"
)

const (
	writeBuffer = 256 << 10
	// syncEvery bounds what one sync has to bring to the disk, where the log's syncs wait behind it.
	syncEvery = 16 << 20
)

// temp is a file that may become a floor. It has one user.
type temp struct {
	s        *Store
	name     string // with the directory
	h        vfs.File
	buf      *bufio.Writer // in front of append
	off      int64
	unsynced int64
}

// newTemp creates a temporary file.
func (s *Store) newTemp() (*temp, error) {
	if err := s.usable(); err != nil {
		return nil, err
	}
	name := path.Join(s.dir, tempName(s.temps.Add(1)))
	h, err := s.fs.Create(name)
	if err != nil {
		return nil, failed("create", name, err)
	}
	t := &temp{s: s, name: name, h: h}
	t.buf = bufio.NewWriterSize(appender{t}, writeBuffer)
	return t, nil
}

// appender writes to the end of a temp.
type appender struct{ t *temp }

func (a appender) Write(b []byte) (int, error) {
	t := a.t
	n, err := t.h.WriteAt(b, t.off)
	t.off += int64(n)
	if err != nil {
		return n, failed("write", t.name, err)
	}
	if t.unsynced += int64(n); t.unsynced >= syncEvery {
		return n, t.sync()
	}
	return n, nil
}

func (t *temp) sync() error {
	t.unsynced = 0
	if err := t.h.Sync(); err != nil {
		return t.s.fail(failed("sync", t.name, err))
	}
	return nil
}

// finish brings everything that was written to the disk, reads it back, closes the file and returns what it holds.
func (t *temp) finish() (contents, error) {
	if err := t.buf.Flush(); err != nil {
		return contents{}, err
	}
	if err := t.sync(); err != nil {
		return contents{}, err
	}
	scan, err := scanFile(t.h, t.name)
	if err != nil {
		return contents{}, err
	}
	c, err := scan.drain()
	if err != nil {
		return contents{}, err
	}
	h := t.h
	t.h = nil
	if err := h.Close(); err != nil {
		return contents{}, failed("close", t.name, err)
	}
	return c, nil
}

// discard removes the file. Where that fails, Open does it.
func (t *temp) discard() error {
	var err error
	if t.h != nil {
		err = t.h.Close()
		t.h = nil
	}
	if err = errors.Join(err, t.s.fs.Remove(t.name)); err != nil {
		return failed("discard", t.name, err)
	}
	return nil
}

var _ io.Writer = appender{}
