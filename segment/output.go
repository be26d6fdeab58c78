package segment

import (
	"crypto/sha256"
	"hash"
	"hash/crc32"
	"io"
)

// output passes bytes on and keeps their hash, their number and the checksum of the section at hand. The first error stays.
type output struct {
	w   io.Writer
	sum hash.Hash
	crc uint32
	at  int64
	err error
}

func newOutput(w io.Writer) *output { return &output{w: w, sum: sha256.New()} }

func (o *output) write(b []byte) {
	if o.err != nil || len(b) == 0 {
		return
	}
	o.sum.Write(b)
	o.crc = crc32.Update(o.crc, castagnoli, b)
	o.at += int64(len(b))
	_, o.err = o.w.Write(b)
}

// section ends a section that began at start, and begins the next one.
func (o *output) section(kind sectionKind, start int64) section {
	s := section{kind: kind, crc: o.crc, offset: start, length: o.at - start}
	o.crc = 0
	return s
}

func (o *output) name() Name { return Name(o.sum.Sum(nil)) }
