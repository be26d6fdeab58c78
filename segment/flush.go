package segment

import (
	"errors"
	"fmt"
	"path"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/vfs"
)

// Write writes the frames of a sealed head into one segment in dir, which exists. When it returns nil, the file is durable under the name
// of its hash and was read back; a file of that name that was there is replaced by an equal one. key names each stream. The same frames
// and options give the same file. An empty head is ErrEmpty.
func Write(fs vfs.FS, dir string, opt Options, h *Head, key func(frame.StreamID) (frame.StreamKey, bool)) (Info, error) {
	if h.Frames() == 0 {
		return Info{}, ErrEmpty
	}
	temp, err := createTemp(fs, path.Join(dir, fmt.Sprintf("%020d-%020d%s", opt.FirstIndex, opt.LastIndex, TempExtension)), nil)
	if err != nil {
		return Info{}, err
	}
	info, err := writeTemp(temp, opt, h, key)
	if err != nil {
		return Info{}, errors.Join(err, temp.discard())
	}
	if err := nameTemp(fs, temp.path, dir, info.Name); err != nil {
		return Info{}, err
	}
	return info, nil
}

// writeTemp writes, syncs and reads back.
func writeTemp(t *tempFile, opt Options, h *Head, key func(frame.StreamID) (frame.StreamKey, bool)) (Info, error) {
	w := NewWriter(t.out, opt)
	if err := h.writeTo(w, key); err != nil {
		return Info{}, err
	}
	info, err := w.Finish()
	if err != nil {
		return Info{}, err
	}
	return info, t.finish(info)
}
