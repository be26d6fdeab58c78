package wal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

const (
	fileMagic      = "GWAL"
	fileVersion    = 1
	fileHeaderSize = 64
	fileHeaderCRC  = 60 // offset of the CRC, in every version
)

// fileHeader opens every log file.
//
//	0       4   6   8        16       24       32                  60      64
//	┌───────┬───┬───┬────────┬────────┬────────┬────────────────────┬───────┐
//	│ "GWAL"│ v │ 0 │ number │  salt  │ first  │ zeros              │  CRC  │
//	└───────┴───┴───┴────────┴────────┴────────┴────────────────────┴───────┘
type fileHeader struct {
	generation
	first uint64 // index of the first record
}

func (h fileHeader) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, fileHeaderSize)...)
	b := dst[start:]
	copy(b, fileMagic)
	binary.LittleEndian.PutUint16(b[4:], fileVersion)
	binary.LittleEndian.PutUint64(b[8:], h.number)
	binary.LittleEndian.PutUint64(b[16:], h.salt)
	binary.LittleEndian.PutUint64(b[24:], h.first)
	binary.LittleEndian.PutUint32(b[fileHeaderCRC:], crc32.Checksum(b[:fileHeaderCRC], castagnoli))
	return dst
}

// parseFileHeader reads the header of the file at path. A *CorruptError says that there is none, ErrVersion that there is one we cannot read.
func parseFileHeader(path string, b []byte) (fileHeader, error) {
	if len(b) < fileHeaderSize {
		return fileHeader{}, corrupt("a file header of 64 bytes", fmt.Sprintf("%d bytes", len(b))).at(path, 0)
	}
	b = b[:fileHeaderSize]
	if string(b[:4]) != fileMagic {
		return fileHeader{}, corrupt(fmt.Sprintf("magic %q", fileMagic), fmt.Sprintf("%q", b[:4])).at(path, 0)
	}
	sum := crc32.Checksum(b[:fileHeaderCRC], castagnoli)
	if stored := binary.LittleEndian.Uint32(b[fileHeaderCRC:]); stored != sum {
		return fileHeader{}, corrupt(fmt.Sprintf("header CRC %08x", sum), fmt.Sprintf("%08x", stored)).at(path, 0)
	}
	if v := binary.LittleEndian.Uint16(b[4:]); v != fileVersion {
		return fileHeader{}, versionError(path, v, fileVersion)
	}
	h := fileHeader{first: binary.LittleEndian.Uint64(b[24:])}
	h.number = binary.LittleEndian.Uint64(b[8:])
	h.salt = binary.LittleEndian.Uint64(b[16:])
	if h.first == 0 {
		return fileHeader{}, corrupt("a first index above 0", "0").at(path, 0)
	}
	return h, nil
}
