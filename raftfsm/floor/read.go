package floor

import (
	"fmt"
	"io"
)

// Read reads a floor file from front to back, without holding more of it than a block. visit sees the header before anything else; part
// is called for each part in the order of the file, and what it leaves of its reader is skipped; either may be nil. An error of
// theirs ends the reading and is returned wrapped.
//
// Every block was checked before a part sees it. The file as a whole is known to be good only when Read returns nil: after an
// error discard what the parts have made.
func Read(r io.Reader, visit func(Header) error, part func(name string, r io.Reader) error) (Header, [32]byte, error) {
	c, err := newScanner(r, "stream").read(visit, part)
	return c.header, c.hash, err
}

func (s *scanner) read(visit func(Header) error, part func(name string, r io.Reader) error) (contents, error) {
	if _, err := s.next(); err != nil {
		return contents{}, err
	}
	if visit != nil {
		if err := visit(s.found.header); err != nil {
			return contents{}, fmt.Errorf("floor: header of %s: %w", s.path, err)
		}
	}
	it, err := s.next()
	for it == itemPart && part != nil {
		p := &partReader{s: s}
		name := string(s.payload)
		if err := part(name, p); err != nil && s.err == nil {
			return contents{}, fmt.Errorf("floor: part %s of %s: %w", name, s.path, err)
		}
		it, err = p.skip()
	}
	if err != nil {
		return contents{}, err
	}
	return s.drain()
}

// partReader reads the contents of one part.
type partReader struct {
	s     *scanner
	chunk []byte // what is left of the chunk that was read last
	after item   // what followed the part; 0 while that is not known
	err   error
}

func (p *partReader) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for len(p.chunk) == 0 {
		if !p.advance() {
			return 0, p.err
		}
	}
	n := copy(b, p.chunk)
	p.chunk = p.chunk[n:]
	return n, nil
}

// advance reads the next chunk, and returns false when there is none.
func (p *partReader) advance() bool {
	if p.err != nil {
		return false
	}
	it, err := p.s.next()
	switch {
	case err != nil:
		p.err = err
	case it == itemChunk:
		p.chunk = p.s.payload
	default:
		p.after, p.err = it, io.EOF
	}
	return p.err == nil
}

// skip reads what is left of the part and returns what follows it.
func (p *partReader) skip() (item, error) {
	for p.advance() {
	}
	p.chunk = nil
	if p.err != io.EOF {
		return 0, p.err
	}
	return p.after, nil
}

// rawReader gives the bytes of a floor file as they are, each only after the block it stands in was checked.
type rawReader struct {
	s    *scanner
	rest []byte
}

func (r *rawReader) Read(b []byte) (int, error) {
	for len(r.rest) == 0 {
		if _, err := r.s.next(); err != nil {
			return 0, err
		}
		r.rest = r.s.raw
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
