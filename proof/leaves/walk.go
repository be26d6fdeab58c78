package leaves

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// Walk calls fn with leaves [lo, hi) in order, until it returns an error, which Walk then returns. The leaf is valid until fn returns.
func (r *File) Walk(ctx context.Context, lo, hi int64, fn func(i int64, key Key, leaf []byte) error) error {
	if lo < 0 || lo > hi || hi > r.trailer.count {
		return fmt.Errorf("leaves: %s: leaves [%d,%d) of %d", r.path, lo, hi, r.trailer.count)
	}
	c, err := r.newCursor(lo, hi)
	if err != nil {
		return err
	}
	for c.more() {
		if err := c.next(ctx); err != nil {
			return err
		}
		if err := fn(c.i, c.rec.key(), c.rec.leaf); err != nil {
			return err
		}
	}
	return nil
}

// cursor reads records in order, and their offsets beside them.
type cursor struct {
	r        *File
	offsets  *bufio.Reader
	records  *bufio.Reader
	sum      uint32 // checksum of the offsets that were read
	i, hi    int64  // the record at hand, and the one to stop before
	from, to int64  // where it lies
	rec      record
	b        []byte
}

// newCursor stands before record lo.
func (r *File) newCursor(lo, hi int64) (*cursor, error) {
	offsets := &section{r, r.trailer.index + offsetSize*lo, r.trailer.index + offsetSize*min(hi+1, r.trailer.count)}
	c := &cursor{r: r, offsets: newBuffer(offsets), i: lo - 1, hi: hi, to: r.trailer.index}
	if lo == hi {
		return c, nil
	}
	first, err := c.offset(lo)
	if err != nil {
		return nil, err
	}
	end := r.trailer.index
	if hi < r.trailer.count {
		if _, end, err = r.bounds(hi-1, new(scratch)); err != nil {
			return nil, err
		}
	}
	if first < headerSize || first > end {
		return nil, corrupt(r.path, offsets.at, fmt.Sprintf("record %d between %d and %d", lo, headerSize, end), first)
	}
	c.to, c.records = first, newBuffer(&section{r, first, end})
	return c, nil
}

func newBuffer(s *section) *bufio.Reader {
	return bufio.NewReaderSize(s, int(min(s.end-s.at, bufferSize)))
}

// more reports whether there is a next record.
func (c *cursor) more() bool { return c.i+1 < c.hi }

// next reads the next record. It is valid until the one after it is read.
func (c *cursor) next(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("leaves: %s: %w", c.r.path, err)
	}
	c.i++
	c.from = c.to
	to, err := c.offset(c.i + 1)
	if err != nil {
		return err
	}
	if to > c.r.trailer.index || to-c.from < minRecord {
		return corrupt(c.r.path, c.r.trailer.index+offsetSize*(c.i+1), fmt.Sprintf("the end of record %d, which begins at %d", c.i, c.from), to)
	}
	c.to = to
	if size := int(c.to - c.from); cap(c.b) < size {
		c.b = make([]byte, size, size+size/4)
	} else {
		c.b = c.b[:size]
	}
	if err := c.r.fill(c.records, c.b, c.from); err != nil {
		return err
	}
	head, err := c.r.parseHead(&c.rec, c.i, c.from, c.to, c.b)
	if err != nil {
		return err
	}
	c.rec.leaf = c.b[head:]
	return c.r.checkLeaf(&c.rec, c.from+int64(head))
}

// offset is the i-th offset, which comes next in the file, or behind the last one the end of the records.
func (c *cursor) offset(i int64) (int64, error) {
	if i == c.r.trailer.count {
		return c.r.trailer.index, nil
	}
	var b [offsetSize]byte
	if err := c.r.fill(c.offsets, b[:], c.r.trailer.index+offsetSize*i); err != nil {
		return 0, err
	}
	c.sum = crc32.Update(c.sum, castagnoli, b[:])
	at := binary.LittleEndian.Uint64(b[:])
	if at > uint64(c.r.trailer.index) {
		return 0, corrupt(c.r.path, c.r.trailer.index+offsetSize*i, fmt.Sprintf("an offset up to %d", c.r.trailer.index), at)
	}
	return int64(at), nil
}

// fill takes b out of a buffer, which stands at offset at.
func (r *File) fill(from *bufio.Reader, b []byte, at int64) error {
	n, err := io.ReadFull(from, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return corrupt(r.path, at, fmt.Sprintf("%d bytes", len(b)), fmt.Sprintf("%d before the end of its section", n))
	}
	return err
}

// section reads part of a file in order. Its errors name the place.
type section struct {
	r       *File
	at, end int64
}

func (s *section) Read(b []byte) (int, error) {
	b = b[:min(int64(len(b)), s.end-s.at)]
	if len(b) == 0 {
		return 0, io.EOF
	}
	if err := s.r.readAt(b, s.at); err != nil {
		return 0, err
	}
	s.at += int64(len(b))
	return len(b), nil
}
