package floor

import (
	"bufio"
	"fmt"
	"io"
	"path"

	"github.com/gaplessdb/gapless/vfs"
)

// readBuffer is how much is read from a file at once.
const readBuffer = 256 << 10

// Published is a floor that is durable on this node.
type Published struct {
	Index, Term uint64
	Hash        [32]byte // SHA-256 of the file before its trailer: equal on every node that has this floor
	Bytes       int64    // size of the file
	Installed   bool     // it came from another node: its segments may not all be here
}

// file is a floor file on this disk. It is immutable.
type file struct {
	contents
	installed bool
}

func (f *file) name() string { return fileName(f.header.Index, f.installed) }

func (f *file) published() Published {
	return Published{f.header.Index, f.header.Term, f.hash, f.bytes, f.installed}
}

// scanFile returns a scanner over a whole file, or over the part of it that was written so far.
func scanFile(h vfs.File, name string) (*scanner, error) {
	size, err := h.Size()
	if err != nil {
		return nil, fmt.Errorf("floor: size of %s: %w", name, err)
	}
	return newScanner(bufio.NewReaderSize(io.NewSectionReader(h, 0, size), int(min(size, readBuffer))), name), nil
}

// verify reads a whole file and returns what it holds.
func verify(fsys vfs.FS, name string) (contents, error) {
	h, err := fsys.Open(name)
	if err != nil {
		return contents{}, fmt.Errorf("floor: open %s: %w", name, err)
	}
	defer h.Close()
	s, err := scanFile(h, name)
	if err != nil {
		return contents{}, err
	}
	return s.drain()
}

// peek reads both ends of a file, which must name index: its header, the table and the trailer. What is between is not looked at.
func peek(fsys vfs.FS, dir string, index uint64, installed bool) (*file, error) {
	name := path.Join(dir, fileName(index, installed))
	h, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("floor: open %s: %w", name, err)
	}
	defer h.Close()
	p := peeker{h: h, name: name}
	if p.size, err = h.Size(); err != nil {
		return nil, fmt.Errorf("floor: size of %s: %w", name, err)
	}
	c, err := p.contents()
	if err != nil {
		return nil, err
	}
	if c.header.Index != index {
		return nil, &CorruptError{name, preambleSize, fmt.Sprintf("index %d, as its name says", index), fmt.Sprint(c.header.Index)}
	}
	return &file{c, installed}, nil
}

type peeker struct {
	h    vfs.File
	name string
	size int64
}

func (p *peeker) contents() (c contents, err error) {
	b, err := p.bytes(0, preambleSize)
	if err != nil {
		return c, err
	}
	n, err := headerLength(p.name, b)
	if err != nil {
		return c, err
	}
	if b, err = p.bytes(0, preambleSize+int64(n)); err != nil {
		return c, err
	}
	if c.header, err = openHeader(p.name, b); err != nil {
		return c, err
	}
	if b, err = p.bytes(p.size-trailerSize, trailerSize); err != nil {
		return c, err
	}
	end, hash, err := openTrailer(p.name, p.size-trailerSize, b)
	if err != nil {
		return c, err
	}
	c.hash, c.bytes = hash, p.size
	return c, p.end(end)
}

// end checks the block between end and the trailer.
func (p *peeker) end(end int64) error {
	b, err := p.bytes(end, min(p.size-trailerSize-end, blockSize+maxTable))
	if err != nil {
		return err
	}
	if len(b) < blockSize {
		return &CorruptError{p.name, end, "an end block", fmt.Sprintf("%d bytes", len(b))}
	}
	kind, _, err := blockLength(p.name, end, b)
	if err != nil {
		return err
	}
	if kind != kindEnd {
		return &CorruptError{p.name, end, "an end block", fmt.Sprintf("a block of kind %d", kind)}
	}
	_, err = openBlock(p.name, end, b) // of another length than the block says, it has another checksum
	return err
}

// bytes reads n bytes at off, which the file must have.
func (p *peeker) bytes(off, n int64) ([]byte, error) {
	if p.size < minFileSize || off+n > p.size {
		return nil, &CorruptError{p.name, p.size, fmt.Sprintf("at least %d bytes", max(minFileSize, off+n)), fmt.Sprint(p.size)}
	}
	b := make([]byte, n)
	if got, err := p.h.ReadAt(b, off); int64(got) < n {
		return nil, fmt.Errorf("floor: read %s at %d: %d of %d bytes: %w", p.name, off, got, n, err)
	}
	return b, nil
}
