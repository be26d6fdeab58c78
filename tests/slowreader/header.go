package slowreader

import "bytes"

// Header says what a segment is about.
type Header struct {
	Cluster               string
	Partition             uint32
	History               uint64
	FirstIndex, LastIndex uint64 // Raft indexes, both inclusive
	Encoder               uint16
}

type footer struct {
	header   Header
	counts   counts
	sections []section
}

type counts struct {
	frames          uint64
	epochs, blocks  uint32
	firstNS, lastNS int64
}

type section struct {
	kind           uint16
	sum            uint32
	offset, length uint64
}

const (
	magic       = "GSEG"
	trailerSize = 16
	maxHeader   = 4096
	maxFooter   = 64 << 10
	maxCluster  = 256

	sectionBlocks = 1
	sectionIndex  = 2
	sectionTop    = 3
)

// at is where a section begins.
func (f *footer) at(kind uint16) uint64 {
	for _, s := range f.sections {
		if s.kind == kind {
			return s.offset
		}
	}
	return 0
}

func (f *footer) section(file []byte, kind uint16) []byte {
	for _, s := range f.sections {
		if s.kind == kind {
			return file[s.offset : s.offset+s.length]
		}
	}
	return nil
}

// readHeader reads the header from the front of b, and returns it with its bytes.
func readHeader(b []byte) (h Header, raw []byte, err error) {
	in := &input{rest: b}
	if got := in.fixed(4); string(got) != magic {
		in.fail("magic %q", got)
	}
	major := in.u16()
	in.u16() // the minor version changes nothing for this reader
	length, sum := in.u32(), in.u32()
	if in.err == nil && (length < 16 || length > maxHeader || uint64(length) > uint64(len(b))) {
		in.fail("a header of %d bytes in %d", length, len(b))
	}
	if in.err != nil {
		return h, nil, in.err
	}
	raw = b[:length]
	if got := checksum(raw[:12], raw[16:]); got != sum {
		return h, nil, damaged("CRC %08x of a header that has %08x", got, sum)
	}
	if major != 1 {
		return h, nil, ErrVersion
	}
	in = &input{rest: raw[16:]}
	if in.u64() != 0 { // incompatible features
		return h, nil, ErrVersion
	}
	in.u64() // compatible ones
	h.History, h.FirstIndex, h.LastIndex = in.u64(), in.u64(), in.u64()
	h.Partition, h.Encoder = in.u32(), in.u16()
	h.Cluster = in.text()
	if len(h.Cluster) > maxCluster {
		in.fail("a cluster's name of %d bytes", len(h.Cluster))
	}
	if h.FirstIndex > h.LastIndex {
		in.fail("Raft indexes from %d to %d", h.FirstIndex, h.LastIndex)
	}
	return h, raw, in.err // what later versions add is left
}

// readFooter reads trailer, footer and header, and makes sure that every byte of the file belongs to one of them or to a section.
func readFooter(file []byte) (*footer, error) {
	if len(file) < trailerSize {
		return nil, damaged("a file of %d bytes", len(file))
	}
	trailer := file[len(file)-trailerSize:]
	if string(trailer[12:]) != magic {
		return nil, damaged("trailer ends with %q", trailer[12:])
	}
	length := uint64(u32At(trailer, 0))
	if length > maxFooter || length > uint64(len(file)-trailerSize) {
		return nil, damaged("a footer of %d bytes in a file of %d", length, len(file))
	}
	end := uint64(len(file) - trailerSize)
	body := file[end-length : end]
	if got, want := checksum(body, trailer[:4], trailer[8:]), u32At(trailer, 4); got != want {
		return nil, damaged("CRC %08x of footer and trailer that have %08x", got, want)
	}
	header, raw, err := readHeader(file)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(body, raw) {
		return nil, damaged("the header in the footer is not the one of the file")
	}
	if !bytes.Equal(trailer[8:12], raw[4:8]) {
		return nil, damaged("version % x in the trailer, % x in the header", trailer[8:12], raw[4:8])
	}
	f, err := parseFooter(body[len(raw):])
	if err != nil {
		return nil, err
	}
	f.header = header
	return f, f.checkSections(file, uint64(len(raw)), end-length)
}

// parseFooter reads what stands behind the header.
func parseFooter(b []byte) (*footer, error) {
	in := &input{rest: b}
	sub := &input{rest: in.take(uint64(in.u16()))}
	f := &footer{counts: counts{frames: sub.u64(), epochs: sub.u32(), blocks: sub.u32(), firstNS: int64(sub.u64()), lastNS: int64(sub.u64())}}
	if sub.err != nil {
		return nil, sub.err
	}
	for range in.u16() {
		s := section{kind: in.u16()}
		if reserved := in.u16(); reserved != 0 {
			in.fail("section %d has %d where 0 belongs", s.kind, reserved)
		}
		s.sum = in.u32()
		s.offset, s.length = in.u64(), in.u64()
		f.sections = append(f.sections, s)
	}
	return f, in.err // what later versions add is left
}

// checkSections makes sure that the sections fill the file from the header to the footer, and have their checksums.
func (f *footer) checkSections(file []byte, from, to uint64) error {
	if from > to {
		return damaged("a header of %d bytes, the footer begins at %d", from, to)
	}
	seen := map[uint16]bool{}
	for _, s := range f.sections {
		if s.offset != from || s.length > to-from {
			return damaged("section %d has %d bytes at %d, not at %d and before %d", s.kind, s.length, s.offset, from, to)
		}
		if seen[s.kind] {
			return damaged("section %d comes twice", s.kind)
		}
		seen[s.kind] = true
		if got := checksum(file[s.offset : s.offset+s.length]); got != s.sum {
			return damaged("CRC %08x of section %d that has %08x", got, s.kind, s.sum)
		}
		from += s.length
	}
	if from != to {
		return damaged("no section has the bytes from %d to %d", from, to)
	}
	if !seen[sectionBlocks] || !seen[sectionIndex] || !seen[sectionTop] {
		return damaged("a section is missing: %v", seen)
	}
	return nil
}
