package floor

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
)

// item is what a scanner found next.
type item uint8

const (
	itemHeader item = iota + 1
	itemPart
	itemChunk
	itemEnd
	itemTrailer // the file was whole
)

// scanner reads a floor file from front to back and checks each piece before it shows it. It takes only what write makes: a floor
// has one encoding.
type scanner struct {
	r    io.Reader
	path string // for errors
	off  int64  // of what comes next
	sum  hash.Hash
	last item // what next returned last

	raw     []byte // the piece that next returned, as it stands in the file; valid until the next call
	payload []byte // of a block; part of raw
	end     int64  // offset of the end block
	found   contents
	err     error // sticky; io.EOF behind the trailer
}

func newScanner(r io.Reader, path string) *scanner {
	return &scanner{r: r, path: path, sum: sha256.New()}
}

// next reads the next piece. After the trailer, behind which nothing may follow, it returns io.EOF.
func (s *scanner) next() (item, error) {
	if s.err != nil {
		return 0, s.err
	}
	var it item
	switch s.last {
	case 0:
		it, s.err = itemHeader, s.readHeader()
	case itemEnd:
		it, s.err = itemTrailer, s.readTrailer()
	case itemTrailer:
		s.err = io.EOF
	default:
		it, s.err = s.readBlock()
	}
	if s.err != nil {
		return 0, s.err
	}
	s.last = it
	s.off += int64(len(s.raw))
	if it != itemTrailer {
		s.sum.Write(s.raw)
	}
	return it, nil
}

func (s *scanner) readHeader() error {
	if err := s.fill(0, preambleSize); err != nil {
		return err
	}
	n, err := headerLength(s.path, s.raw)
	if err != nil {
		return err
	}
	if err := s.fill(preambleSize, n); err != nil {
		return err
	}
	s.found.header, err = openHeader(s.path, s.raw)
	return err
}

func (s *scanner) readBlock() (item, error) {
	if err := s.fill(0, blockSize); err != nil {
		return 0, err
	}
	kind, n, err := blockLength(s.path, s.off, s.raw)
	if err != nil {
		return 0, err
	}
	if err := s.fill(blockSize, n); err != nil {
		return 0, err
	}
	if s.payload, err = openBlock(s.path, s.off, s.raw); err != nil {
		return 0, err
	}
	switch kind {
	case kindPart:
		return itemPart, s.part()
	case kindChunk:
		return itemChunk, s.chunk()
	default:
		return itemEnd, s.table()
	}
}

func (s *scanner) part() error {
	name := string(s.payload)
	if err := checkPart(name, s.found.parts); err != nil {
		return s.corrupt("another part", err.Error())
	}
	s.found.parts = append(s.found.parts, partInfo{name: name, offset: s.off})
	return nil
}

func (s *scanner) chunk() error {
	if len(s.found.parts) == 0 {
		return s.corrupt("a part", "a chunk")
	}
	if len(s.payload) == 0 {
		return s.corrupt("a chunk", "an empty one")
	}
	p := &s.found.parts[len(s.found.parts)-1]
	if p.bytes%chunkSize != 0 {
		return s.corrupt("no chunk after a short one", fmt.Sprintf("a chunk at %d bytes of part %s", p.bytes, p.name))
	}
	p.bytes += int64(len(s.payload))
	return nil
}

func (s *scanner) table() error {
	if want := appendTable(nil, s.found.parts); !bytes.Equal(want, s.payload) {
		return s.corrupt(fmt.Sprintf("the table of the %d parts before it", len(s.found.parts)), "another one")
	}
	s.end = s.off
	return nil
}

// readTrailer reads the end of the file and makes sure that nothing follows.
func (s *scanner) readTrailer() error {
	if err := s.fill(0, trailerSize); err != nil {
		return err
	}
	end, hash, err := openTrailer(s.path, s.off, s.raw)
	if err != nil {
		return err
	}
	if end != s.end {
		return s.corrupt(fmt.Sprintf("end block %d", s.end), fmt.Sprint(end))
	}
	if sum := s.sum.Sum(nil); !bytes.Equal(sum, hash[:]) {
		return s.corrupt(fmt.Sprintf("SHA-256 %x", hash), fmt.Sprintf("%x", sum))
	}
	var more [1]byte
	switch _, err := io.ReadFull(s.r, more[:]); {
	case err == nil:
		return &CorruptError{s.path, s.off + trailerSize, "the end of the file", "more bytes"}
	case err != io.EOF:
		return s.readError(err)
	}
	s.found.hash, s.found.bytes = hash, s.off+trailerSize
	return nil
}

// fill makes raw from+n bytes long, of which the first from are there.
func (s *scanner) fill(from, n int) error {
	s.raw = slices.Grow(s.raw[:from], n)[:from+n]
	got, err := io.ReadFull(s.r, s.raw[from:])
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return &CorruptError{s.path, s.off + int64(from), fmt.Sprintf("%d bytes", n), fmt.Sprintf("%d and the end of the file", got)}
	}
	if err != nil {
		return s.readError(err)
	}
	return nil
}

func (s *scanner) readError(err error) error {
	return fmt.Errorf("floor: read %s at %d: %w", s.path, s.off, err)
}

func (s *scanner) corrupt(want, got string) error { return &CorruptError{s.path, s.off, want, got} }

// drain reads the rest of the file and returns what it holds.
func (s *scanner) drain() (contents, error) {
	for {
		if _, err := s.next(); err == io.EOF {
			return s.found, nil
		} else if err != nil {
			return contents{}, err
		}
	}
}
