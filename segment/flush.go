package segment

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	iofs "io/fs"
	"path"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/vfs"
)

// TempExtension ends the name of a segment that is being written. One that a crash left may be removed.
const TempExtension = ".tmp"

const writeBuffer = 256 << 10

// Write writes the frames of a sealed head into one segment in dir, which exists. When it returns nil, the file is durable under the name
// of its hash and was read back; a file of that name that was there is replaced by an equal one. key names each stream. The same frames
// and options give the same file. An empty head is ErrEmpty.
func Write(fs vfs.FS, dir string, opt Options, h *Head, key func(frame.StreamID) (frame.StreamKey, bool)) (Info, error) {
	if h.Frames() == 0 {
		return Info{}, ErrEmpty
	}
	temp := path.Join(dir, fmt.Sprintf("%020d-%020d%s", opt.FirstIndex, opt.LastIndex, TempExtension))
	info, err := writeTemp(fs, temp, opt, h, key)
	if err != nil {
		return Info{}, errors.Join(err, removeTemp(fs, temp))
	}
	if err := nameTemp(fs, temp, dir, info.Name); err != nil {
		return Info{}, err
	}
	return info, nil
}

func removeTemp(fs vfs.FS, temp string) error {
	if err := fs.Remove(temp); err != nil && !errors.Is(err, iofs.ErrNotExist) {
		return fmt.Errorf("segment: %w", err)
	}
	return nil
}

// writeTemp writes, syncs and reads back.
func writeTemp(fs vfs.FS, temp string, opt Options, h *Head, key func(frame.StreamID) (frame.StreamKey, bool)) (Info, error) {
	if err := removeTemp(fs, temp); err != nil {
		return Info{}, err
	}
	f, err := fs.Create(temp)
	if err != nil {
		return Info{}, fmt.Errorf("segment: %w", err)
	}
	info, err := writeFile(f, opt, h, key)
	if err == nil {
		err = readBack(f, info)
	}
	if closed := f.Close(); err == nil && closed != nil {
		err = fmt.Errorf("segment: %w", closed)
	}
	return info, err
}

func writeFile(f vfs.File, opt Options, h *Head, key func(frame.StreamID) (frame.StreamKey, bool)) (Info, error) {
	out := bufio.NewWriterSize(&appender{f: f}, writeBuffer)
	w := NewWriter(out, opt)
	if err := h.writeTo(w, key); err != nil {
		return Info{}, err
	}
	info, err := w.Finish()
	if err != nil {
		return Info{}, err
	}
	if err := out.Flush(); err != nil {
		return Info{}, fmt.Errorf("segment: %w", err)
	}
	if err := f.Sync(); err != nil {
		return Info{}, fmt.Errorf("segment: %w", err)
	}
	return info, nil
}

// syncBytes is how much is written between two syncs: the log's syncs wait behind each of them.
const syncBytes = 16 << 20

// appender writes a file front to back.
type appender struct {
	f      vfs.File
	at     int64
	synced int64
}

func (a *appender) Write(b []byte) (int, error) {
	n, err := a.f.WriteAt(b, a.at)
	a.at += int64(n)
	if err == nil && a.at-a.synced >= syncBytes {
		a.synced, err = a.at, a.f.Sync()
	}
	return n, err
}

// readBack makes sure that what the file system gives back is what was written.
func readBack(f vfs.File, info Info) error {
	sum := sha256.New()
	n, err := io.CopyBuffer(sum, io.NewSectionReader(f, 0, info.Bytes), make([]byte, max(1, min(info.Bytes, writeBuffer))))
	if err != nil {
		return fmt.Errorf("segment: %w", err)
	}
	if got := Name(sum.Sum(nil)); got != info.Name || n != info.Bytes {
		return &CorruptError{What: "new file", Want: fmt.Sprintf("hash %s of %d bytes", info.Name, info.Bytes), Got: fmt.Sprintf("%s of %d", got, n)}
	}
	return nil
}
