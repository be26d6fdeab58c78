package floor

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
)

// Part is one piece of a floor: a section's checkpoint, or the manifest. Write is called once, and what it writes must depend on
// the log alone.
type Part struct {
	Name  string // 1 to 64 bytes of printable ASCII, unique in a floor
	Write func(io.Writer) error
}

// writer encodes a floor file. It knows its hash as it goes.
type writer struct {
	w     io.Writer
	sum   hash.Hash
	off   int64
	buf   []byte // what stands before a payload
	chunk []byte // contents of the running part that are not written yet
	parts []partInfo
	err   error // why w failed; nothing is written after it
}

// write encodes a floor into w and returns what a reader will find.
func write(w io.Writer, h Header, parts []Part) (contents, error) {
	if _, err := h.check(); err != nil {
		return contents{}, fmt.Errorf("floor: %w", err)
	}
	f := &writer{w: w, sum: sha256.New(), chunk: make([]byte, 0, chunkSize)}
	f.put(appendPreamble(nil, h.append(nil)))
	for _, p := range parts {
		if err := f.part(p); err != nil {
			return contents{}, err
		}
	}
	end := f.off
	f.block(kindEnd, appendTable(nil, f.parts))
	c := contents{header: h, parts: f.parts}
	f.sum.Sum(c.hash[:0])
	f.put(appendTrailer(nil, end, c.hash))
	c.bytes = f.off
	return c, f.err
}

func (f *writer) part(p Part) error {
	if err := checkPart(p.Name, f.parts); err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	f.parts = append(f.parts, partInfo{name: p.Name, offset: f.off})
	f.block(kindPart, []byte(p.Name))
	if err := p.Write(contentsWriter{f}); err != nil && f.err == nil {
		return fmt.Errorf("floor: part %s: %w", p.Name, err)
	}
	f.flush()
	return f.err
}

// contentsWriter is what a part writes its contents to.
type contentsWriter struct{ f *writer }

func (c contentsWriter) Write(b []byte) (int, error) {
	f, n := c.f, len(b)
	for len(b) > 0 && f.err == nil {
		k := min(len(b), chunkSize-len(f.chunk))
		f.chunk = append(f.chunk, b[:k]...)
		b = b[k:]
		if len(f.chunk) == chunkSize {
			f.flush()
		}
	}
	return n - len(b), f.err
}

// flush writes what there is of a chunk.
func (f *writer) flush() {
	if len(f.chunk) == 0 {
		return
	}
	f.parts[len(f.parts)-1].bytes += int64(len(f.chunk))
	f.block(kindChunk, f.chunk)
	f.chunk = f.chunk[:0]
}

func (f *writer) block(kind byte, payload []byte) {
	f.buf = appendBlock(f.buf[:0], kind, f.off, payload)
	f.put(f.buf)
	f.put(payload)
}

func (f *writer) put(b []byte) {
	if f.err != nil {
		return
	}
	f.sum.Write(b)
	f.off += int64(len(b))
	_, f.err = f.w.Write(b)
}
