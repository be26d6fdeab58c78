package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/gaplessdb/gapless/segment/column"
)

// ReaderOptions are the settings of a Reader. The zero value is usable.
type ReaderOptions struct {
	Path     string         // for messages
	Name     Name           // what Info says; equal names share what is in the cache
	Cache    *Cache         // nil: nothing is kept
	OnDamage func(error)    // called with a *CorruptError, once for each damaged part that a read runs into; may be nil
	Metrics  *ReaderMetrics // counters to add to; nil: none
}

// ReaderMetrics are counters that any number of readers add to.
type ReaderMetrics struct {
	Reads  atomic.Uint64 // calls of ReadAt
	Bytes  atomic.Uint64 // bytes read from files
	Blocks atomic.Uint64 // blocks that reads looked into
	Damage atomic.Uint64 // corruptions that reads ran into, repeated ones too
}

// Reader reads one segment. It is safe for concurrent use when its io.ReaderAt is. Nothing that it returns is ever changed.
//
// Every read checks the checksums of what it reads, and only of that: damage elsewhere in the file does not keep it from answering.
// An error is a *CorruptError (ErrCorrupt), an error of the io.ReaderAt, or says that this program is too old for a part of the file
// (ErrVersion, column.ErrUnknownEncoding); all of them name the place.
type Reader struct {
	r       io.ReaderAt
	size    int64
	opt     ReaderOptions
	id      Name // of the file in the cache
	footer  *footer
	top     []topEntry
	metrics *ReaderMetrics

	damageMu sync.Mutex // protects reported
	reported map[int64]bool
}

// maxReported bounds how many damaged parts a reader remembers to have reported.
const maxReported = 1 << 12

// tailBytes is what NewReader reads first: enough for the footer and the top index of any but very large files.
const tailBytes = 32 << 10

// NewReader reads the footer and the top index of a file of that size.
func NewReader(r io.ReaderAt, size int64, opt ReaderOptions) (*Reader, error) {
	s := &Reader{r: r, size: size, opt: opt, id: opt.Name, metrics: opt.Metrics}
	if s.metrics == nil {
		s.metrics = &ReaderMetrics{}
	}
	if s.id == (Name{}) && opt.Cache != nil {
		binary.LittleEndian.PutUint64(s.id[:], opt.Cache.unnamed.Add(1)) // no hash begins so and ends in zeros
	}
	if err := s.open(); err != nil {
		return nil, s.fail(err)
	}
	return s, nil
}

// open reads the tail of the file, and what the tail says lies before it.
func (r *Reader) open() error {
	if r.size < headerFixed+trailerBytes {
		return &CorruptError{Path: r.opt.Path, What: "file", Want: fmt.Sprintf("%d bytes or more", headerFixed+trailerBytes), Got: fmt.Sprint(r.size)}
	}
	tail := byteSpan{r.size - min(r.size, tailBytes), r.size}
	b, err := r.read(tail, nil)
	if err != nil {
		return err
	}
	trailerAt := r.size - trailerBytes
	n, err := footerLength(b[len(b)-trailerBytes:])
	if err == nil && n > trailerAt {
		err = damaged("trailer", 0, fmt.Sprintf("a footer of %d bytes at most", trailerAt), n)
	}
	if err != nil {
		return locate(err, r.opt.Path, "trailer", trailerAt)
	}
	if b, tail, err = r.extend(b, tail, trailerAt-n); err != nil {
		return err
	}
	r.footer, err = parseFooter(b[trailerAt-n-tail.from:], trailerAt-n)
	if err != nil {
		return locate(err, r.opt.Path, "footer", trailerAt-n)
	}
	top := r.footer.top
	if b, tail, err = r.extend(b, tail, top.offset); err != nil {
		return err
	}
	b = b[top.offset-tail.from:][:top.length]
	if got := checksum(b); got != top.crc {
		return locate(damagedSum("top index", 0, top.crc, got), r.opt.Path, "top index", top.offset)
	}
	r.top, err = parseTop(&column.Decoder{MaxBytes: maxPage}, b, r.footer.pages.offset, r.footer.pages.length)
	return locate(err, r.opt.Path, "top index", top.offset)
}

// byteSpan is a range of bytes of the file, to excluded.
type byteSpan struct{ from, to int64 }

// extend reads what lies between from and the bytes that are there already.
func (r *Reader) extend(b []byte, have byteSpan, from int64) ([]byte, byteSpan, error) {
	if from >= have.from {
		return b, have, nil
	}
	front, err := r.read(byteSpan{from, have.from}, nil)
	return append(front, b...), byteSpan{from, have.to}, err
}

// read reads a range that lies in the file, into buf where it has room. A file that ends before it is damaged.
func (r *Reader) read(s byteSpan, buf []byte) ([]byte, error) {
	n := int(s.to - s.from)
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	got, err := r.r.ReadAt(buf, s.from)
	r.metrics.Reads.Add(1)
	r.metrics.Bytes.Add(uint64(got))
	switch {
	case got == n:
		return buf, nil
	case errors.Is(err, io.EOF):
		return nil, &CorruptError{Path: r.opt.Path, Offset: s.from, What: "file", Want: fmt.Sprintf("%d bytes", r.size), Got: fmt.Sprint(s.from + int64(got))}
	}
	return nil, fmt.Errorf("segment: %s: read %d bytes at %d: %w", r.opt.Path, n, s.from, err)
}

// fail reports damage to whoever wants to know, once for each place, and returns the error.
func (r *Reader) fail(err error) error {
	var c *CorruptError
	if !errors.As(err, &c) {
		return err
	}
	r.metrics.Damage.Add(1)
	if r.opt.OnDamage != nil && r.firstReport(c.Offset) {
		r.opt.OnDamage(err)
	}
	return err
}

func (r *Reader) firstReport(offset int64) bool {
	r.damageMu.Lock()
	defer r.damageMu.Unlock()
	if r.reported[offset] || len(r.reported) >= maxReported {
		return false
	}
	if r.reported == nil {
		r.reported = map[int64]bool{}
	}
	r.reported[offset] = true
	return true
}

// Info is what a manifest says of the segment. Its Name is the one of the options.
func (r *Reader) Info() Info { return r.footer.info(r.opt.Name, r.size) }

// Options says what the segment is about.
func (r *Reader) Options() Options { return r.footer.header.options }
