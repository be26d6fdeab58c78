package floor

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
)

// A floor file, front to back. Integers are little endian, checksums CRC-32C (Castagnoli).
//
//	0      4   6   8        12    16
//	┌──────┬───┬───┬────────┬─────┬────────┐   ┌───────┬───────┬ ─ ┬───────┬ ─ ┬───────┬─────────┐
//	│"GFLR"│ v │ 0 │ length │ CRC │ header │   │ part  │ chunk │   │ part  │   │ end   │ trailer │
//	└──────┴───┴───┴────────┴─────┴────────┘   └───────┴───────┴ ─ ┴───────┴ ─ ┴───────┴─────────┘
//	                                             blocks                                  48 bytes
//
//	block    kind u8 | 3 zeros | length u32 | CRC u32 | payload
//	trailer  offset of the end block u64 | SHA-256 of everything before the trailer | "GFLE" | CRC u32
const (
	magic        = "GFLR"
	endMagic     = "GFLE"
	version      = 1
	preambleSize = 16
	blockSize    = 12 // of a block without its payload
	trailerSize  = 48
	chunkSize    = 128 << 10 // payload of every chunk of a part but its last, which may be shorter
	maxParts     = 256
	maxPartName  = 64
	maxTable     = 4 + maxParts*(1+maxPartName+16)
	minFileSize  = preambleSize + headerFixedSize + blockSize + 4 + trailerSize
)

// Kinds of blocks.
const (
	kindPart  = 1 // begins a part; its payload is the part's name
	kindChunk = 2 // bytes of the part
	kindEnd   = 3 // the table of the parts
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// partInfo is what the table at the end says of one part.
type partInfo struct {
	name   string
	offset int64 // of its part block in the file
	bytes  int64 // of its contents
}

// contents is what a file was found to hold.
type contents struct {
	header Header
	parts  []partInfo
	hash   [32]byte // SHA-256 of all but the trailer
	bytes  int64    // size of the file
}

// appendPreamble begins a file. header is the encoded one.
func appendPreamble(dst, header []byte) []byte {
	start := len(dst)
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint16(dst, version)
	dst = binary.LittleEndian.AppendUint16(dst, 0)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(header)))
	dst = binary.LittleEndian.AppendUint32(dst, preambleSum(dst[start:], header))
	return append(dst, header...)
}

// preambleSum covers the first 12 bytes and the header.
func preambleSum(preamble, header []byte) uint32 {
	return crc32.Update(crc32.Checksum(preamble[:12], castagnoli), castagnoli, header)
}

// headerLength checks the first 16 bytes of a file and returns how long the header is that follows.
func headerLength(path string, b []byte) (int, error) {
	if string(b[:4]) != magic {
		return 0, &CorruptError{path, 0, fmt.Sprintf("magic %q", magic), fmt.Sprintf("%q", b[:4])}
	}
	n := binary.LittleEndian.Uint32(b[8:])
	if n > maxHeader {
		return 0, &CorruptError{path, 8, fmt.Sprintf("a header of at most %d bytes", maxHeader), fmt.Sprint(n)}
	}
	return int(n), nil
}

// openHeader checks a preamble and the header behind it. The checksum comes before the version: a file of another version is not a
// damaged one, and says so only if it is whole.
func openHeader(path string, b []byte) (Header, error) {
	preamble, header := b[:preambleSize], b[preambleSize:]
	if sum, stored := preambleSum(preamble, header), binary.LittleEndian.Uint32(preamble[12:]); sum != stored {
		return Header{}, &CorruptError{path, 12, crcText(stored), crcText(sum)}
	}
	if v := binary.LittleEndian.Uint16(preamble[4:]); v != version {
		return Header{}, versionError(path, v)
	}
	if preamble[6] != 0 || preamble[7] != 0 {
		return Header{}, &CorruptError{path, 6, "zeros", fmt.Sprintf("%x", preamble[6:8])}
	}
	h, err := parseHeader(header)
	if err != nil {
		return Header{}, &CorruptError{path, preambleSize, "a header", err.Error()}
	}
	return h, nil
}

func crcText(sum uint32) string { return fmt.Sprintf("CRC %08x", sum) }

// appendBlock writes what stands before a payload. The checksum also covers the offset of the block, so that one that is
// missing, doubled or moved is found where it happened.
func appendBlock(dst []byte, kind byte, offset int64, payload []byte) []byte {
	start := len(dst)
	dst = append(dst, kind, 0, 0, 0)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	return binary.LittleEndian.AppendUint32(dst, blockSum(dst[start:], offset, payload))
}

func blockSum(block []byte, offset int64, payload []byte) uint32 {
	var place [8]byte
	binary.LittleEndian.PutUint64(place[:], uint64(offset))
	sum := crc32.Checksum(place[:], castagnoli)
	return crc32.Update(crc32.Update(sum, castagnoli, block[:8]), castagnoli, payload)
}

// blockLength checks a block without its payload, which stands at offset, and returns its kind and the length of the payload.
func blockLength(path string, offset int64, b []byte) (kind byte, n int, err error) {
	limits := [...]uint32{kindPart: maxPartName, kindChunk: chunkSize, kindEnd: maxTable}
	kind = b[0]
	if kind < kindPart || kind > kindEnd || b[1]|b[2]|b[3] != 0 {
		return 0, 0, &CorruptError{path, offset, "a block", fmt.Sprintf("kind %x", b[:4])}
	}
	length := binary.LittleEndian.Uint32(b[4:])
	if length > limits[kind] {
		return 0, 0, &CorruptError{path, offset + 4, fmt.Sprintf("at most %d bytes in a block of kind %d", limits[kind], kind), fmt.Sprint(length)}
	}
	return kind, int(length), nil
}

// openBlock checks a whole block against its checksum and returns its payload.
func openBlock(path string, offset int64, b []byte) ([]byte, error) {
	payload := b[blockSize:]
	if sum, stored := blockSum(b, offset, payload), binary.LittleEndian.Uint32(b[8:]); sum != stored {
		return nil, &CorruptError{path, offset + 8, crcText(stored), crcText(sum)}
	}
	return payload, nil
}

// appendTable writes
//
//	parts u32, then of each: length of the name u8 | name | offset u64 | bytes u64
func appendTable(dst []byte, parts []partInfo) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(parts)))
	for _, p := range parts {
		dst = append(dst, byte(len(p.name)))
		dst = append(dst, p.name...)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(p.offset))
		dst = binary.LittleEndian.AppendUint64(dst, uint64(p.bytes))
	}
	return dst
}

// checkPart holds the name of a part against the limits and the parts before it.
func checkPart(name string, before []partInfo) error {
	if len(name) == 0 || len(name) > maxPartName {
		return fmt.Errorf("the name of a part has %d bytes, want 1 to %d", len(name), maxPartName)
	}
	if i := slices.IndexFunc([]byte(name), func(c byte) bool { return c <= ' ' || c > '~' }); i >= 0 {
		return fmt.Errorf("the name %q of a part is not printable ASCII", name)
	}
	if len(before) >= maxParts {
		return fmt.Errorf("more than %d parts", maxParts)
	}
	if slices.ContainsFunc(before, func(p partInfo) bool { return p.name == name }) {
		return fmt.Errorf("a second part %q", name)
	}
	return nil
}

// appendTrailer ends a file whose end block stands at end.
func appendTrailer(dst []byte, end int64, hash [32]byte) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(end))
	dst = append(dst, hash[:]...)
	dst = append(dst, endMagic...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// openTrailer checks the trailer b, which stands at offset.
func openTrailer(path string, offset int64, b []byte) (end int64, hash [32]byte, err error) {
	if sum, stored := crc32.Checksum(b[:44], castagnoli), binary.LittleEndian.Uint32(b[44:]); sum != stored {
		return 0, hash, &CorruptError{path, offset + 44, crcText(stored), crcText(sum)}
	}
	if string(b[40:44]) != endMagic {
		return 0, hash, &CorruptError{path, offset + 40, fmt.Sprintf("magic %q", endMagic), fmt.Sprintf("%q", b[40:44])}
	}
	at := binary.LittleEndian.Uint64(b)
	if at < preambleSize || at > uint64(offset) {
		return 0, hash, &CorruptError{path, offset, fmt.Sprintf("an end block before %d", offset), fmt.Sprint(at)}
	}
	return int64(at), [32]byte(b[8:40]), nil
}
