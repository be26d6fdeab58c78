package wal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/hashicorp/raft"
)

// recordHeaderSize is also the size of an end marker.
const recordHeaderSize = 52

// kind tells an entry from an end marker. 0 is none, so that zeros are never a record.
type kind uint8

const (
	kindEntry kind = 1
	kindEnd   kind = 2
)

// recordHeader stands before the extensions and the data of every record.
//
//	0      4      8      12     16      24      32      40     44      48   49   50  52
//	┌──────┬──────┬──────┬──────┬───────┬───────┬───────┬──────┬───────┬────┬────┬───┬────────────┬──────┐
//	│header│ body │ data │ ext  │ index │ term  │  sec  │ nsec │ place │type│kind│ 0 │ extensions │ data │
//	│ CRC  │ CRC  │length│length│       │       │       │      │       │    │    │   │            │      │
//	└──────┴──────┴──────┴──────┴───────┴───────┴───────┴──────┴───────┴────┴────┴───┴────────────┴──────┘
//
// The header's CRC is salted and covers the body's, so a header that is valid tells where its record ends, however
// damaged the body is, and a search for headers never has to read the body of a false one.
type recordHeader struct {
	crc     uint32 // of generation and the header after this field
	bodyCRC uint32 // of extensions and data
	dataLen uint32
	extLen  uint32
	index   uint64
	term    uint64
	sec     int64
	nsec    uint32
	place   uint32 // records of the same write before this one
	typ     uint8
	kind    kind
	zero    uint16
}

// size is the length of the whole record in bytes.
func (h *recordHeader) size() int64 { return recordHeaderSize + int64(h.extLen) + int64(h.dataLen) }

// base is the index that the write of this record began with: everything below it had been synced when the record was written.
func (h *recordHeader) base() uint64 { return h.index - uint64(h.place) }

// recordSize is the length of the record that holds l.
func recordSize(l *raft.Log) int64 {
	return recordHeaderSize + int64(len(l.Extensions)) + int64(len(l.Data))
}

// appendEntry appends the record of l, the place'th of its write, whose lengths fit 32 bits.
func appendEntry(dst []byte, seed uint32, l *raft.Log, place int) []byte {
	h := recordHeader{
		dataLen: uint32(len(l.Data)), extLen: uint32(len(l.Extensions)), place: uint32(place),
		index: l.Index, term: l.Term, sec: l.AppendedAt.Unix(), nsec: uint32(l.AppendedAt.Nanosecond()),
		typ: uint8(l.Type), kind: kindEntry,
	}
	h.bodyCRC = crc32.Update(crc32.Checksum(l.Extensions, castagnoli), castagnoli, l.Data)
	dst = h.append(dst, seed)
	return append(append(dst, l.Extensions...), l.Data...)
}

// appendEnd appends the marker that ends a write of n records; next is the index after the last one.
func appendEnd(dst []byte, seed uint32, next uint64, n int) []byte {
	h := recordHeader{index: next, place: uint32(n), kind: kindEnd}
	return h.append(dst, seed)
}

func (h *recordHeader) append(dst []byte, seed uint32) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, 0) // the CRC, below
	dst = binary.LittleEndian.AppendUint32(dst, h.bodyCRC)
	dst = binary.LittleEndian.AppendUint32(dst, h.dataLen)
	dst = binary.LittleEndian.AppendUint32(dst, h.extLen)
	dst = binary.LittleEndian.AppendUint64(dst, h.index)
	dst = binary.LittleEndian.AppendUint64(dst, h.term)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(h.sec))
	dst = binary.LittleEndian.AppendUint32(dst, h.nsec)
	dst = binary.LittleEndian.AppendUint32(dst, h.place)
	dst = append(dst, h.typ, byte(h.kind), 0, 0)
	binary.LittleEndian.PutUint32(dst[start:], crc32.Update(seed, castagnoli, dst[start+4:]))
	return dst
}

// parseRecordHeader returns the header that b begins with, of a record that room bytes are left for, or what is wrong with it.
func parseRecordHeader(seed uint32, b []byte, room int64) (recordHeader, *CorruptError) {
	if len(b) < recordHeaderSize {
		return recordHeader{}, corrupt("a record header of 52 bytes", fmt.Sprintf("%d bytes", len(b)))
	}
	h := recordHeader{
		crc:     binary.LittleEndian.Uint32(b[0:]),
		bodyCRC: binary.LittleEndian.Uint32(b[4:]),
		dataLen: binary.LittleEndian.Uint32(b[8:]),
		extLen:  binary.LittleEndian.Uint32(b[12:]),
		index:   binary.LittleEndian.Uint64(b[16:]),
		term:    binary.LittleEndian.Uint64(b[24:]),
		sec:     int64(binary.LittleEndian.Uint64(b[32:])),
		nsec:    binary.LittleEndian.Uint32(b[40:]),
		place:   binary.LittleEndian.Uint32(b[44:]),
		typ:     b[48],
		kind:    kind(b[49]),
		zero:    binary.LittleEndian.Uint16(b[50:]),
	}
	if !validHeader(seed, b) {
		sum := crc32.Update(seed, castagnoli, b[4:recordHeaderSize])
		return h, corrupt(fmt.Sprintf("record header CRC %08x", sum), fmt.Sprintf("%08x", h.crc))
	}
	return h, h.check(room)
}

// validHeader says whether b begins with a record header of the generation of this seed.
func validHeader(seed uint32, b []byte) bool {
	return crc32.Update(seed, castagnoli, b[4:recordHeaderSize]) == binary.LittleEndian.Uint32(b)
}

// check says what breaks the rules of the format in a header whose CRC is right.
func (h *recordHeader) check(room int64) *CorruptError {
	switch {
	case h.kind != kindEntry && h.kind != kindEnd:
		return corrupt("a record of kind 1 or 2", fmt.Sprintf("kind %d", h.kind))
	case h.zero != 0 || h.nsec >= 1e9 || h.index == 0 || uint64(h.place) >= h.index:
		return corrupt("a record header", fmt.Sprintf("index %d, place %d, nsec %d, reserved %d", h.index, h.place, h.nsec, h.zero))
	case h.kind == kindEnd && h.size() != recordHeaderSize:
		return corrupt("an end marker of 52 bytes", fmt.Sprintf("%d bytes", h.size()))
	case h.size() > room:
		return corrupt(fmt.Sprintf("a record of at most %d bytes", room), fmt.Sprintf("%d bytes", h.size()))
	}
	return nil
}

// checkBody says what is wrong with the extensions and data of the record b whose header is h.
func (h *recordHeader) checkBody(b []byte) *CorruptError {
	if sum := crc32.Checksum(b[recordHeaderSize:h.size()], castagnoli); sum != h.bodyCRC {
		return corrupt(fmt.Sprintf("record body CRC %08x", sum), fmt.Sprintf("%08x", h.bodyCRC))
	}
	return nil
}

// checkEntry returns the header of the entry with this index whose record is exactly b, or what is wrong with it.
func checkEntry(seed uint32, b []byte, index uint64) (recordHeader, *CorruptError) {
	h, err := parseRecordHeader(seed, b, int64(len(b)))
	if err != nil {
		return h, err
	}
	if h.kind != kindEntry || h.index != index || h.size() != int64(len(b)) {
		got := fmt.Sprintf("index %d, kind %d, %d bytes", h.index, h.kind, h.size())
		return h, corrupt(fmt.Sprintf("entry %d in %d bytes", index, len(b)), got)
	}
	return h, h.checkBody(b)
}

// decodeInto fills out from the record b, whose header is h and which is valid. Data and Extensions point into b.
func decodeInto(out *raft.Log, h *recordHeader, b []byte) {
	body := b[recordHeaderSize:h.size()]
	*out = raft.Log{
		Index: h.index, Term: h.term, Type: raft.LogType(h.typ),
		Data: sub(body[h.extLen:]), Extensions: sub(body[:h.extLen]),
		AppendedAt: time.Unix(h.sec, int64(h.nsec)).UTC(),
	}
}

// sub closes b at its end, so that an append by the reader copies. Empty is nil, as raft itself has it.
func sub(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return b[:len(b):len(b)]
}
