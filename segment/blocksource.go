package segment

import (
	"bytes"
	"fmt"

	"github.com/gaplessdb/gapless/segment/column"
)

// blockSource reads the blocks of one segment in the order of the file, each of them whole and once, and leaves the reader's cache alone:
// what a merge goes through is not what queries ask for again. One block is in memory at a time, and is valid until the next one.
type blockSource struct {
	r      *Reader
	number int // among the sources of a merge
	dec    column.Decoder
	before func(n int) error // asked before so many bytes are read; its error ends that

	buf    []byte // of the block at hand
	dir    *directory
	block  sourceBlock
	blocks uint32 // how many were read
}

// sourceBlock is a block with all of its values.
type sourceBlock struct {
	source int
	serial uint32 // different for each block of a source; 0: nothing is decoded
	rows   blockRows
	fields []*values
	raw    *values // nil when the block has none
	sizes  sizes

	rawRoom values
}

// field adds a field, in the room of one of the block before where there is one.
func (b *sourceBlock) field() *values {
	n := len(b.fields)
	if n == cap(b.fields) || b.fields[:n+1][n] == nil {
		b.fields = append(b.fields, &values{})
	} else {
		b.fields = b.fields[:n+1]
	}
	return b.fields[n]
}

func newBlockSource(r *Reader, number int, before func(n int) error) *blockSource {
	return &blockSource{r: r, number: number, dec: column.Decoder{MaxBytes: maxBlock}, before: before}
}

// read reads the block that the reference leads to, unless it is at hand. The checksum of its directory is looked at, not what comes behind.
func (s *blockSource) read(ref *blockRef) error {
	if s.dir == nil || s.dir.offset != ref.offset {
		if err := s.next(ref); err != nil {
			return err
		}
	}
	if s.dir.length != int64(ref.length) { // each run of a block has an entry in the index, and each of them says it
		err := damaged("block", 4, fmt.Sprintf("a length of %d as the index says", ref.length), s.dir.length)
		return s.damage(err, "", ref.offset)
	}
	return nil
}

// next reads another block.
func (s *blockSource) next(ref *blockRef) error {
	if err := s.before(int(ref.length)); err != nil {
		return err
	}
	s.dir, s.block.serial = nil, 0
	b, err := s.r.read(byteSpan{ref.offset, ref.offset + int64(ref.length)}, s.buf)
	if err != nil {
		return s.r.fail(err)
	}
	s.buf = b
	d, err := parseDirectory(b, ref.offset)
	if err == nil && d.length > int64(len(b)) {
		err = damaged("block", 4, fmt.Sprintf("a length of %d as the index says", len(b)), d.length)
	}
	if err != nil {
		return s.damage(err, "block directory", ref.offset)
	}
	s.dir = d
	s.blocks++
	s.r.metrics.Blocks.Add(1)
	return nil
}

func (s *blockSource) damage(err error, what string, offset int64) error {
	return s.r.fail(locate(err, s.r.opt.Path, what, offset))
}

// chunk returns the bytes of a column, checked.
func (s *blockSource) chunk(c *blockColumn) ([]byte, error) {
	b := s.buf[c.offset-s.dir.offset : c.end()-s.dir.offset]
	if got := checksum(b); got != c.crc {
		return nil, s.damage(damagedSum(c.String(), 0, c.crc, got), "", c.offset)
	}
	return b, nil
}

// load decodes the block that the reference leads to, and checks that it has the run that the index says.
func (s *blockSource) load(ref *blockRef) (*sourceBlock, error) {
	if err := s.read(ref); err != nil {
		return nil, err
	}
	b := &s.block
	if b.serial == 0 {
		if err := s.decode(); err != nil {
			return nil, err
		}
		b.source, b.serial = s.number, s.blocks
		b.sizes.measure(b)
	}
	if err := b.rows.check(ref); err != nil {
		return nil, s.damage(err, "block", ref.offset)
	}
	return b, nil
}

func (s *blockSource) decode() error {
	b := &s.block
	b.fields, b.raw = b.fields[:0], nil
	for i := range s.dir.columns {
		c := &s.dir.columns[i]
		chunk, err := s.chunk(c)
		if err != nil {
			return err
		}
		switch {
		case c.part < partRuns || c.part > partRaw: // to leave it out would lose it
			err = fmt.Errorf("%w: %s: upgrade this program", ErrVersion, c)
		case c.part <= partOrdinal:
			err = b.rows.decode(&s.dec, s.dir, c, chunk)
		case c.part == partField:
			err = b.field().decode(&s.dec, c, s.dir.rows, chunk)
		default:
			b.raw = &b.rawRoom
			err = b.raw.decode(&s.dec, c, s.dir.rows, chunk)
		}
		if err != nil {
			return s.damage(err, c.String(), c.offset)
		}
	}
	return nil
}

// verbatim returns the bytes of a block that has rows of one epoch and nothing else: every checksum is looked at, its run is that of the
// index, and no value is decoded. It is false where the block has other epochs, too.
func (s *blockSource) verbatim(ref *blockRef, key []byte, ordinal uint32) (b []byte, ok bool, err error) {
	if err := s.read(ref); err != nil {
		return nil, false, err
	}
	d := s.dir
	if d.runs != 1 {
		return nil, false, nil
	}
	for i := range d.columns {
		if _, err := s.chunk(&d.columns[i]); err != nil {
			return nil, false, err
		}
	}
	c := d.parts[partRuns]
	runs, err := parseRuns(&s.dec, s.buf[c.offset-d.offset:c.end()-d.offset], d.runs, d.rows)
	if err != nil {
		return nil, false, s.damage(err, c.String(), c.offset)
	}
	first, last, known := d.parts[partSeq].uintBounds()
	if r := &runs[0]; !bytes.Equal(r.key, key) || r.ordinal != ordinal || r.rows != int(ref.rows) || r.seq != ref.firstSeq ||
		!known || first != ref.firstSeq || last != ref.lastSeq {
		err := damaged("block", 0,
			fmt.Sprintf("epoch %d of %q with %d rows from %d to %d as the index says", ordinal, key, ref.rows, ref.firstSeq, ref.lastSeq),
			fmt.Sprintf("epoch %d of %q with %d from %d to %d", r.ordinal, r.key, r.rows, first, last))
		return nil, false, s.damage(err, "", ref.offset)
	}
	return s.buf, true, nil
}
