package leaves

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/merkle"
	"golang.org/x/mod/sumdb/tlog"
)

// A file of leaves, front to back. Integers are little endian, checksums CRC-32C (Castagnoli).
//
//	0        20                                   index             index+8n  +60
//	┌────────┬──────────┬──────────┬ ─ ┬──────────┬─────────────────┬─────────┐
//	│ header │ record 0 │ record 1 │   │ record   │ n offsets of    │ trailer │
//	│        │          │          │   │   n-1    │ records, u64    │         │
//	└────────┴──────────┴──────────┴ ─ ┴──────────┴─────────────────┴─────────┘
//
//	header   "GLVS" | version u16 | kind u8 | 0 | number u64 | CRC u32 of these 16 bytes
//	record   CRC u32 | leaf bytes u32 | epoch u32 | tenant, device, stream bytes u16, u16, u16 | tenant | device | stream | hashes | leaf
//	trailer  index u64 | n u64 | root [32] | CRC u32 of the offsets | "GLVE" | CRC u32 of the header's 16 bytes and the 56 before
//
// Record i has the hashes of the perfect subtrees that end with leaf i, the leaf's own first: as many as i+1 has zero bits at its end, and one
// more. Its CRC is that of the header's 16 bytes, i as u64, and the record from behind the CRC to the end of the hashes. The first hash covers
// the leaf.
const (
	magic       = "GLVS"
	endMagic    = "GLVE"
	version     = 1
	headerSize  = 20
	fixedSize   = 18 // of a record: all before the names
	offsetSize  = 8
	trailerSize = 60
	hashSize    = tlog.HashSize
	maxKey      = 3 * frame.MaxNameBytes
	maxLeaf     = 1 << 30
	minRecord   = fixedSize + 3 + hashSize
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is what a file says of itself at its start.
type header struct {
	kind   Kind
	number uint64
}

func (h header) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, magic...)
	dst = binary.LittleEndian.AppendUint16(dst, version)
	dst = append(dst, byte(h.kind), 0)
	dst = binary.LittleEndian.AppendUint64(dst, h.number)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// parseHeader checks the first bytes of a file. The checksum comes before the version, and lies there in every version: a file of another
// version is not a damaged one, and says so only if it is whole.
func parseHeader(path place, b []byte) (h header, err error) {
	if string(b[:4]) != magic {
		return h, corrupt(path, 0, fmt.Sprintf("magic %q", magic), fmt.Sprintf("%q", b[:4]))
	}
	if sum, stored := crc32.Checksum(b[:16], castagnoli), binary.LittleEndian.Uint32(b[16:]); sum != stored {
		return h, corruptSum(path, 16, stored, sum)
	}
	if v := binary.LittleEndian.Uint16(b[4:]); v != version {
		return h, fmt.Errorf("%w: %s has version %d, this program reads %d: start the newer program", ErrVersion, path, v, version)
	}
	h = header{Kind(b[6]), binary.LittleEndian.Uint64(b[8:])}
	if !h.kind.known() || b[7] != 0 {
		return h, corrupt(path, 6, "kind 1 or 2 and a zero", fmt.Sprintf("%x", b[6:8]))
	}
	return h, nil
}

// hashesOf is how many hashes the record of leaf i has.
func hashesOf(i int64) int { return 1 + bits.TrailingZeros64(uint64(i)+1) }

// maxHead is how long the record of leaf i can be without the leaf.
func maxHead(i int64) int { return fixedSize + maxKey + hashSize*hashesOf(i) }

// appendHead writes a record without its leaf. salt is the checksum of the file's header, which is continued.
func appendHead(dst []byte, salt uint32, i int64, key Key, leafBytes int, hashes []merkle.Hash) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(leafBytes))
	dst = binary.LittleEndian.AppendUint32(dst, key.Epoch)
	names := []string{key.Tenant, key.Device, key.Stream}
	for _, name := range names {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(len(name)))
	}
	for _, name := range names {
		dst = append(dst, name...)
	}
	for i := range hashes {
		dst = append(dst, hashes[i][:]...)
	}
	binary.LittleEndian.PutUint32(dst[start:], headSum(salt, i, dst[start:]))
	return dst
}

// headSum is the checksum of a record's head. It covers which leaf of which file it is: one from elsewhere is found where it stands.
func headSum(salt uint32, i int64, head []byte) uint32 {
	var place [8]byte
	binary.LittleEndian.PutUint64(place[:], uint64(i))
	return crc32.Update(crc32.Update(salt, castagnoli, place[:]), castagnoli, head[4:])
}

// trailer is the end of a file.
type trailer struct {
	index  int64 // where the offsets begin
	count  int64
	root   merkle.Hash
	offSum uint32 // checksum of the offsets
}

func (t trailer) append(dst []byte, salt uint32) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(t.index))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(t.count))
	dst = append(dst, t.root[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, t.offSum)
	dst = append(dst, endMagic...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Update(salt, castagnoli, dst[start:]))
}

// parseTrailer checks the last bytes of a file, which begin at offset at.
func parseTrailer(path place, at int64, salt uint32, b []byte) (t trailer, err error) {
	if string(b[52:56]) != endMagic {
		return t, corrupt(path, at+52, fmt.Sprintf("magic %q", endMagic), fmt.Sprintf("%q", b[52:56]))
	}
	if sum, stored := crc32.Update(salt, castagnoli, b[:56]), binary.LittleEndian.Uint32(b[56:]); sum != stored {
		return t, corruptSum(path, at+56, stored, sum)
	}
	index, count := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	if index < headerSize || index > uint64(at) || count > (index-headerSize)/minRecord || index+offsetSize*count != uint64(at) {
		return t, corrupt(path, at, fmt.Sprintf("records and their offsets up to byte %d", at), fmt.Sprintf("%d records up to byte %d", count, index))
	}
	return trailer{int64(index), int64(count), merkle.Hash(b[16:48]), binary.LittleEndian.Uint32(b[48:])}, nil
}
