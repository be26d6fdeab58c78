package segment

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"

	"github.com/gaplessdb/gapless/vfs"
)

// TempExtension ends the name of a segment that is being written. One that a crash left may be removed.
const TempExtension = ".tmp"

const writeBuffer = 256 << 10

// tempFile is a segment that has no name yet.
type tempFile struct {
	fs   vfs.FS
	path string
	f    vfs.File // nil once it is closed
	out  *bufio.Writer

	before func(n int) error
}

// createTemp begins a file in the place of one that a crash may have left. before, which may be nil, is called before n bytes are written,
// and with 0 while they are read back; its error ends that.
func createTemp(fs vfs.FS, path string, before func(n int) error) (*tempFile, error) {
	if err := removeTemp(fs, path); err != nil {
		return nil, err
	}
	f, err := fs.Create(path)
	if err != nil {
		return nil, fmt.Errorf("segment: %w", err)
	}
	if before == nil {
		before = func(int) error { return nil }
	}
	out := bufio.NewWriterSize(&appender{f: f, before: before}, writeBuffer)
	return &tempFile{fs: fs, path: path, f: f, out: out, before: before}, nil
}

func removeTemp(fs vfs.FS, path string) error {
	if err := fs.Remove(path); err != nil && !errors.Is(err, iofs.ErrNotExist) {
		return fmt.Errorf("segment: %w", err)
	}
	return nil
}

// finish makes what was written durable, reads it back, and closes the file.
func (t *tempFile) finish(info Info) error {
	if err := t.out.Flush(); err != nil {
		return fmt.Errorf("segment: %w", err)
	}
	if err := t.f.Sync(); err != nil {
		return fmt.Errorf("segment: %w", err)
	}
	if err := t.readBack(info); err != nil {
		return err
	}
	return t.close()
}

func (t *tempFile) close() error {
	if t.f == nil {
		return nil
	}
	err := t.f.Close()
	t.f = nil
	if err != nil {
		return fmt.Errorf("segment: %w", err)
	}
	return nil
}

// discard closes the file and removes it, whatever state it is in.
func (t *tempFile) discard() error { return errors.Join(t.close(), removeTemp(t.fs, t.path)) }

// syncBytes is how much is written between two syncs: the log's syncs wait behind each of them.
const syncBytes = 16 << 20

// appender writes a file front to back.
type appender struct {
	f      vfs.File
	at     int64
	synced int64
	before func(n int) error
}

func (a *appender) Write(b []byte) (int, error) {
	if err := a.before(len(b)); err != nil {
		return 0, err
	}
	n, err := a.f.WriteAt(b, a.at)
	a.at += int64(n)
	if err == nil && a.at-a.synced >= syncBytes {
		a.synced, err = a.at, a.f.Sync()
	}
	return n, err
}

// readBack makes sure that what the file system gives back is what was written.
func (t *tempFile) readBack(info Info) error {
	sum := sha256.New()
	buf := make([]byte, max(1, min(info.Bytes, writeBuffer)))
	n, err := io.CopyBuffer(hooked{sum, t.before}, io.NewSectionReader(t.f, 0, info.Bytes), buf)
	if err != nil {
		return fmt.Errorf("segment: %w", err)
	}
	if got := Name(sum.Sum(nil)); got != info.Name || n != info.Bytes {
		return &CorruptError{What: "new file", Want: fmt.Sprintf("hash %s of %d bytes", info.Name, info.Bytes), Got: fmt.Sprintf("%s of %d", got, n)}
	}
	return nil
}

// hooked asks before each write.
type hooked struct {
	io.Writer
	before func(n int) error
}

func (h hooked) Write(b []byte) (int, error) {
	if err := h.before(0); err != nil {
		return 0, err
	}
	return h.Writer.Write(b)
}
