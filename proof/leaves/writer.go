package leaves

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/gaplessdb/gapless/proof/merkle"
	"github.com/gaplessdb/gapless/vfs"
	"golang.org/x/mod/sumdb/tlog"
)

// Info is what a finished file holds.
type Info struct {
	Count int64
	Root  merkle.Hash
	Bytes int64
}

// Writer writes a file of leaves, each in its turn. After an error of Add nothing more can be added: Discard it.
type Writer struct {
	file    *tempFile
	path    string
	header  header
	salt    uint32
	err     error // why nothing can be added any more
	last    Key
	edge    merkle.Edge
	offsets []int64 // of the records
	room    []byte
	done    []merkle.Hash
}

// Create begins a file. Until Finish it is at path with TempExtension, in the place of what a crash may have left there.
func Create(fs vfs.FS, path string, kind Kind, number uint64) (*Writer, error) {
	if !kind.known() {
		return nil, fmt.Errorf("leaves: create %s: %s is unknown", path, kind)
	}
	file, err := createTemp(fs, path+TempExtension)
	if err != nil {
		return nil, err
	}
	w := &Writer{file: file, path: path, header: header{kind, number}}
	head := w.header.append(nil)
	w.salt = binary.LittleEndian.Uint32(head[16:])
	if err := file.write(head); err != nil {
		return nil, errors.Join(err, file.discard())
	}
	return w, nil
}

// Add writes the next leaf. Its key comes after that of the one before, or the error wraps ErrOrder. The bytes are the caller's again.
func (w *Writer) Add(key Key, leaf []byte) error {
	if w.err == nil {
		w.err = w.add(key, leaf)
		return w.err
	}
	return fmt.Errorf("%w: %w", ErrDone, w.err)
}

func (w *Writer) add(key Key, leaf []byte) error {
	i := w.edge.Size
	if err := key.check(w.header.kind); err != nil {
		return fmt.Errorf("leaves: %s: leaf %d: %w", w.path, i, err)
	}
	if i > 0 && key.Compare(w.last) <= 0 {
		return fmt.Errorf("%w: %s: leaf %d, %s, after %s", ErrOrder, w.path, i, key, w.last)
	}
	if len(leaf) > maxLeaf {
		return fmt.Errorf("leaves: %s: leaf %d, %s, has %d bytes, at most %d are possible", w.path, i, key, len(leaf), maxLeaf)
	}
	w.last = key
	w.offsets = append(w.offsets, w.file.at)
	w.done = w.edge.Grow(tlog.RecordHash(leaf), w.done[:0])
	w.room = appendHead(w.room[:0], w.salt, i, key, len(leaf), w.done)
	if err := w.file.write(w.room); err != nil {
		return err
	}
	return w.file.write(leaf)
}

// Finish makes the file durable, reads it back, and gives it its name, in the place of one that has it already. After an error the old file may
// have the name or the new one, each whole; Discard removes what else is left.
func (w *Writer) Finish() (Info, error) {
	if w.err != nil {
		return Info{}, fmt.Errorf("%w: %w", ErrDone, w.err)
	}
	w.err = errors.New("Finish was called")
	end := trailer{index: w.file.at, count: w.edge.Size, root: w.edge.Root()}
	for _, at := range w.offsets {
		w.room = binary.LittleEndian.AppendUint64(w.room[:0], uint64(at))
		end.offSum = crc32.Update(end.offSum, castagnoli, w.room)
		if err := w.file.write(w.room); err != nil {
			return Info{}, err
		}
	}
	if err := w.file.write(end.append(nil, w.salt)); err != nil {
		return Info{}, err
	}
	info := Info{end.count, end.root, w.file.at}
	if err := w.file.finish(w.path, func(f vfs.File) error { return w.readBack(f, end) }); err != nil {
		return Info{}, err
	}
	return info, nil
}

// readBack makes sure that what the file system gives back is what was written: all hashes are computed from it again.
func (w *Writer) readBack(f vfs.File, want trailer) error {
	r, err := newFile(f, place{path: w.file.path})
	if err != nil {
		return err
	}
	if r.header != w.header || r.trailer != want {
		return corrupt(place{path: w.file.path}, 0, fmt.Sprintf("%+v %+v", w.header, want), fmt.Sprintf("%+v %+v", r.header, r.trailer))
	}
	return r.Check(context.Background())
}

// Discard ends a Writer that shall leave nothing behind. After Finish returned nil it does nothing.
func (w *Writer) Discard() error {
	if w.err == nil {
		w.err = errors.New("Discard was called")
	}
	return w.file.discard()
}
