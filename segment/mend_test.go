package segment

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// layout is where the checksums of a file are, so that a test can change the file and make it whole again: what is behind a
// checksum must be read with the same care as what a checksum has caught.
type layout struct {
	headers  []byteSpan // the one at the front and its copy
	blocks   []blockLayout
	pages    []byteSpan
	sections []section
	table    int64 // where the list of sections begins
	footer   byteSpan
}

type blockLayout struct {
	directory byteSpan
	chunks    []byteSpan
	sums      []int64 // where each chunk's checksum is
}

func layoutOf(tb testing.TB, file []byte) *layout {
	tb.Helper()
	r := openBytes(tb, file, ReaderOptions{})
	f := r.footer
	l := &layout{sections: f.sections, footer: byteSpan{f.top.end(), int64(len(file))}}
	for _, s := range f.sections {
		l.footer.from = max(l.footer.from, s.end())
	}
	n := int64(len(f.headerBytes))
	l.headers = []byteSpan{{0, n}, {l.footer.from, l.footer.from + n}}
	l.table = l.footer.from + n + 2 + countsBytes + 2
	for i := range r.top {
		l.pages = append(l.pages, byteSpan{r.top[i].offset, r.top[i].offset + int64(r.top[i].length)})
	}
	for at := f.body.offset; at < f.body.end(); {
		d, err := parseDirectory(file[at:], at)
		if err != nil {
			tb.Fatal(err)
		}
		l.blocks = append(l.blocks, blockLayoutOf(file, d))
		at += d.length
	}
	return l
}

// blockLayoutOf finds the checksums in a directory: behind the name, three bytes and two numbers.
func blockLayoutOf(file []byte, d *directory) blockLayout {
	b := blockLayout{directory: byteSpan{d.offset, d.offset + int64(d.bytes)}}
	c := cursor{b: file[d.offset:][:d.bytes], i: blockHead}
	for i := range d.columns {
		n := int(c.uvarint())
		end := c.i + n
		c.take(2)
		c.text(1 << 10)
		c.take(3)
		c.uvarint()
		c.uvarint()
		b.sums = append(b.sums, d.offset+int64(c.i))
		b.chunks = append(b.chunks, byteSpan{d.columns[i].offset, d.columns[i].end()})
		c.i = end
	}
	return b
}

// mend computes every checksum anew, from the inside out.
func (l *layout) mend(file []byte) {
	put := func(at int64, crc uint32) { binary.LittleEndian.PutUint32(file[at:], crc) }
	part := func(s byteSpan) []byte { return file[s.from:s.to] }
	for _, b := range l.blocks {
		for i, c := range b.chunks {
			put(b.sums[i], checksum(part(c)))
		}
		d := part(b.directory)
		put(b.directory.from+12, checksum(d[:12], d[16:]))
	}
	for _, p := range l.pages {
		put(p.from, checksum(part(p)[4:]))
	}
	for i, s := range l.sections {
		put(l.table+int64(i)*sectionBytes+4, checksum(file[s.offset:s.end()]))
	}
	for _, h := range l.headers {
		b := part(h)
		put(h.from+12, checksum(b[:12], b[16:]))
	}
	put(l.footer.to-12, footerSum(part(l.footer)))
}

// parts takes a file to pieces that a test can put together in another way.
type parts struct {
	footer footer
	bodies [][]byte // of each section
}

func partsOf(tb testing.TB, file []byte) parts {
	tb.Helper()
	p := parts{footer: *openBytes(tb, file, ReaderOptions{}).footer}
	for _, s := range p.footer.sections {
		p.bodies = append(p.bodies, bytes.Clone(file[s.offset:s.end()]))
	}
	p.footer.sections = append([]section(nil), p.footer.sections...)
	return p
}

// file puts the pieces together; extra bytes stand at the end of the footer, as a later minor version may have them.
func (p *parts) file(extra []byte) []byte {
	p.footer.headerBytes = p.footer.header.append(nil)
	file := bytes.Clone(p.footer.headerBytes)
	for i := range p.footer.sections {
		s := &p.footer.sections[i]
		s.offset, s.length, s.crc = int64(len(file)), int64(len(p.bodies[i])), checksum(p.bodies[i])
		file = append(file, p.bodies[i]...)
	}
	start := len(file)
	file = p.footer.append(file)
	file = append(file[:len(file)-trailerBytes], extra...)
	return appendTrailer(file, start)
}

// mixedFile is a small file that has something of everything: shared blocks, a long epoch, holes, kinds, tenants, raw payloads.
func mixedFile(tb testing.TB) (*fixture, model, Info, []byte) {
	f, m := mixedFleet(tb)
	info, file := f.write()
	return f, m, info, file
}
