package segment

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The footer repeats the header, so that a reader needs only the end of a file, and says what is where:
//
//	footer  = header, counts length u16, counts, sections u16, sections
//	counts  = frames u64, epochs u32, blocks u32, least FiledNS i64, greatest FiledNS i64, to be skipped
//	section = kind u16, 0 u16, CRC u32, offset u64, length u64
//
// Sections lie back to back between header and footer. One of an unknown kind is skipped.
type sectionKind uint16

const (
	sectionBlocks sectionKind = 1
	sectionPages  sectionKind = 2
	sectionTop    sectionKind = 3

	countsBytes  = 32
	sectionBytes = 24
	maxSections  = 64
)

type section struct {
	kind           sectionKind
	crc            uint32
	offset, length int64
}

func (s section) end() int64 { return s.offset + s.length }

func (s section) String() string {
	switch s.kind {
	case sectionBlocks:
		return "blocks"
	case sectionPages:
		return "device index"
	case sectionTop:
		return "top index"
	}
	return fmt.Sprintf("section of kind %d", s.kind)
}

type footer struct {
	header           header
	headerBytes      []byte
	frames           uint64
	epochs, blocks   uint32
	minNS, maxNS     int64
	sections         []section
	body, pages, top section
}

// append writes footer and trailer.
func (f *footer) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, f.headerBytes...)
	dst = binary.LittleEndian.AppendUint16(dst, countsBytes)
	dst = binary.LittleEndian.AppendUint64(dst, f.frames)
	dst = binary.LittleEndian.AppendUint32(dst, f.epochs)
	dst = binary.LittleEndian.AppendUint32(dst, f.blocks)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(f.minNS))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(f.maxNS))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(f.sections)))
	for _, s := range f.sections {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(s.kind))
		dst = binary.LittleEndian.AppendUint16(dst, 0)
		dst = binary.LittleEndian.AppendUint32(dst, s.crc)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(s.offset))
		dst = binary.LittleEndian.AppendUint64(dst, uint64(s.length))
	}
	return appendTrailer(dst, start)
}

// appendTrailer ends the footer that begins at start.
func appendTrailer(dst []byte, start int) []byte {
	n := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(n-start))
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	dst = binary.LittleEndian.AppendUint16(dst, majorVersion)
	dst = binary.LittleEndian.AppendUint16(dst, minorVersion)
	dst = append(dst, magic...)
	binary.LittleEndian.PutUint32(dst[n+4:], footerSum(dst[start:]))
	return dst
}

// footerSum is the checksum of footer and trailer without its own four bytes.
func footerSum(b []byte) uint32 {
	n := len(b) - trailerBytes
	return checksum(b[:n+4], b[n+8:])
}

// footerLength reads the trailer: how long the footer before it is. The checksum is not looked at yet.
func footerLength(trailer []byte) (int64, error) {
	if got := string(trailer[12:]); got != magic {
		return 0, damaged("trailer", 12, fmt.Sprintf("%q", magic), fmt.Sprintf("%q", got))
	}
	n := int64(binary.LittleEndian.Uint32(trailer))
	if n > maxFooter {
		return 0, damaged("trailer", 0, fmt.Sprintf("a footer of %d bytes at most", maxFooter), n)
	}
	return n, nil
}

// parseFooter reads footer and trailer, which begin at offset in the file.
func parseFooter(b []byte, offset int64) (*footer, error) {
	n := len(b) - trailerBytes
	if want, got := binary.LittleEndian.Uint32(b[n+4:]), footerSum(b); want != got {
		return nil, damagedSum("footer", 0, want, got)
	}
	if err := checkMajor(binary.LittleEndian.Uint16(b[n+8:])); err != nil {
		return nil, err
	}
	f := &footer{}
	h, size, err := parseHeader(b[:n])
	if err != nil {
		return nil, err
	}
	f.header, f.headerBytes = h, b[:size]
	c := cursor{b: b[:n], i: size}
	counts := cursor{b: c.take(uint64(c.u16()))}
	f.frames, f.epochs, f.blocks = counts.u64(), counts.u32(), counts.u32()
	f.minNS, f.maxNS = int64(counts.u64()), int64(counts.u64())
	sections := int(c.u16())
	if c.bad || counts.bad || sections > maxSections || f.minNS > f.maxNS {
		return nil, damaged("footer", int64(size), "counts and sections", fmt.Sprintf("%d sections in %d bytes", sections, n))
	}
	return f, f.parseSections(&c, sections, int64(size), offset)
}

// parseSections reads where the sections lie: one behind the other from the header's end to the footer.
func (f *footer) parseSections(c *cursor, n int, from, to int64) error {
	at := from
	for range n {
		s := section{kind: sectionKind(c.u16())}
		c.u16()
		s.crc = c.u32()
		offset, length := c.u64(), c.u64()
		if c.bad || offset != uint64(at) || length > math.MaxInt64 || int64(length) > to-at {
			return damaged("footer", int64(c.i), fmt.Sprintf("a section at byte %d that ends by %d", at, to), fmt.Sprintf("%s at %d with %d bytes", s, offset, length))
		}
		s.offset, s.length = at, int64(length)
		at = s.end()
		f.sections = append(f.sections, s)
		switch s.kind {
		case sectionBlocks:
			f.body = s
		case sectionPages:
			f.pages = s
		case sectionTop:
			f.top = s
		}
	}
	if at != to || f.body.length == 0 || f.pages.length == 0 || f.top.length == 0 || f.top.length > math.MaxInt32 {
		return damaged("footer", int64(c.i), fmt.Sprintf("blocks, device index and top index up to byte %d", to), fmt.Sprintf("sections %v up to %d", f.sections, at))
	}
	return nil
}

// info is what a manifest says of the file.
func (f *footer) info(name Name, size int64) Info {
	o := &f.header.options
	return Info{
		Name: name, Bytes: size, Frames: f.frames, Streams: f.epochs, Blocks: f.blocks, FirstIndex: o.FirstIndex, LastIndex: o.LastIndex,
		FirstNS: f.minNS, LastNS: f.maxNS, Encoder: f.header.encoder,
	}
}
