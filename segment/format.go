package segment

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment/column"
)

// Segment file, version 1. Integers are little endian; uvarint and varint are those of encoding/binary; text is a uvarint length and that
// many bytes; CRC is CRC32C. docs/format/segment.md is the prose.
//
//	file    = header block... page... top index, unknown sections, footer, trailer
//	header  = "GSEG", major u16, minor u16, length u32, CRC u32 of the rest of the header, incompatible features u64, compatible features
//	          u64, history u64, first Raft index u64, last Raft index u64, partition u32, encoder u16, cluster text, to be skipped
//	block   = "GBLK", length u32, directory length u32, CRC u32 of head and directory, rows u16, runs u16, columns u16, flags
//	          u16 = 0, directory, chunks                                                      (directory.go, runs.go, stats.go)
//	page    = CRC u32 of the rest, entries u16, blocks u16, runs u16, bitmaps u16, flags u16 = 0, columns             (page.go)
//	top     = groups of { pages u16, length u32, columns }                                                             (top.go)
//	footer  = the header again, counts, sections                                                                    (footer.go)
//	trailer = footer length u32, CRC u32 of footer and trailer, major u16, minor u16, "GSEG"
const (
	magic        = "GSEG"
	blockMagic   = "GBLK"
	majorVersion = 1
	minorVersion = 0

	headerFixed  = 62   // up to the cluster's name
	maxHeader    = 4096 // bytes of a header, with what later minor versions append to it
	trailerBytes = 16
	maxFooter    = 1 << 16
	maxCluster   = 256

	// EncoderFast is the set of encoders that a flush uses; see Info.Encoder.
	EncoderFast uint16 = 1

	maxRows      = column.MaxValues // most rows of a block
	sharedRows   = 256              // an epoch with so many rows in a block shares it with no later one
	blockColumns = frame.MaxFields  // most columns of fields in a block
	blockBytes   = 2 << 20          // values of a block, each number counted as 8 bytes; one frame may be larger
	maxBlock     = 32 << 20         // bytes of a block in the file

	pageBytes    = 16 << 10 // most bytes of an index page with more than one entry
	maxPage      = 1 << 20  // bytes of any index page
	entryBlocks  = 256      // most blocks of one entry of the device index; an epoch with more has several
	entryCover   = 12 << 10 // most bytes of coverage, estimated, of an entry with more than one block
	topGroupSize = column.MaxValues
)

// Features that a reader must know (incompatible) or may ignore (compatible). This version knows none.
const (
	knownIncompatible uint64 = 0
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(parts ...[]byte) (crc uint32) {
	for _, p := range parts {
		crc = crc32.Update(crc, castagnoli, p)
	}
	return crc
}

// header is what a file says of itself before anything else.
type header struct {
	minor                    uint16
	incompatible, compatible uint64
	encoder                  uint16
	options                  Options
}

func (h *header) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint16(dst, majorVersion)
	dst = binary.LittleEndian.AppendUint16(dst, h.minor)
	dst = binary.LittleEndian.AppendUint64(dst, 0) // length and CRC
	dst = binary.LittleEndian.AppendUint64(dst, h.incompatible)
	dst = binary.LittleEndian.AppendUint64(dst, h.compatible)
	dst = binary.LittleEndian.AppendUint64(dst, h.options.History)
	dst = binary.LittleEndian.AppendUint64(dst, h.options.FirstIndex)
	dst = binary.LittleEndian.AppendUint64(dst, h.options.LastIndex)
	dst = binary.LittleEndian.AppendUint32(dst, h.options.Partition)
	dst = binary.LittleEndian.AppendUint16(dst, h.encoder)
	dst = binary.AppendUvarint(dst, uint64(len(h.options.Cluster)))
	dst = append(dst, h.options.Cluster...)
	sealHeader(dst[start:])
	return dst
}

// sealHeader fills in the length and the checksum.
func sealHeader(b []byte) {
	binary.LittleEndian.PutUint32(b[8:], uint32(len(b)))
	binary.LittleEndian.PutUint32(b[12:], checksum(b[:12], b[16:]))
}

// parseHeader reads the header at the front of b and returns its length. Another major version or a feature that this program does not
// know is ErrVersion, anything else that is wrong a *CorruptError.
func parseHeader(b []byte) (h header, n int, err error) {
	c := cursor{b: b}
	if got := c.take(4); string(got) != magic {
		return h, 0, damaged("header", 0, fmt.Sprintf("%q", magic), fmt.Sprintf("%q", got))
	}
	major, minor, length, crc := c.u16(), c.u16(), c.u32(), c.u32()
	if c.bad || length < headerFixed || length > maxHeader || int(length) > len(b) {
		return h, 0, damaged("header", 8, fmt.Sprintf("a length of %d to %d", headerFixed, min(len(b), maxHeader)), length)
	}
	if got := checksum(b[:12], b[16:length]); got != crc {
		return h, 0, damagedSum("header", 0, crc, got)
	}
	if err := checkMajor(major); err != nil {
		return h, 0, err
	}
	h.minor, h.incompatible, h.compatible = minor, c.u64(), c.u64()
	if unknown := h.incompatible &^ knownIncompatible; unknown != 0 {
		return h, 0, fmt.Errorf("%w: the file needs features %#x that this program does not know: upgrade it", ErrVersion, unknown)
	}
	o := &h.options
	o.History, o.FirstIndex, o.LastIndex, o.Partition = c.u64(), c.u64(), c.u64(), c.u32()
	h.encoder = c.u16()
	o.Cluster = string(c.text(maxCluster))
	if c.bad || c.i > int(length) {
		return h, 0, damaged("header", headerFixed, "the cluster's name inside of the header", "its end")
	}
	return h, int(length), nil
}

func checkMajor(major uint16) error {
	if major == majorVersion {
		return nil
	}
	return fmt.Errorf("%w: got %d, this program reads %d: upgrade it", ErrVersion, major, majorVersion)
}

func updateSum(crc uint32, b []byte) uint32 { return crc32.Update(crc, castagnoli, b) }
