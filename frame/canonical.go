package frame

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
)

// Canonical content, version 1: what two copies of a frame must share to be the same frame. Integers are little endian.
//
//	content = fields u32, fields x { name length u16, name }, ascending by name
//	          flags u8 (bit 0 snapshot, bit 1 no device time), time ns i64 (0 without device time)
//	          fields x { kind u8, 8 bytes of float, int, uint or bool | length u32, bytes of string or bytes }
//	          raw, to the end
//
// The names come first, so that the CRC over them is computed once per shape. The decimal hint, the receive time and the sequence
// number are not content: a frame sent again has the same fingerprint.

// Fingerprint is the CRC32C of the canonical content. Fields may be in any order. It tells identical duplicates from conflicts; it is
// no protection against an attacker.
func Fingerprint(f *Frame) uint32 {
	var buf [512]byte
	return crc32.Checksum(appendContent(buf[:0], f), castagnoli)
}

// leafDomain separates frame leaves from all other hashed things.
const leafDomain = "gapless/frame/v1"

// AppendCanonical appends the canonical leaf of a stored frame: its stream, the server's ordinal of the epoch, the unwrapped number,
// and the content. It has no Raft index and nothing local to a node, so a frame has one leaf for ever.
//
//	leaf = "gapless/frame/v1", 3 x { length u16, tenant | device | stream }, epoch u32, seq u64, content
func AppendCanonical(dst []byte, key StreamKey, epochOrdinal uint32, seq uint64, f *Frame) []byte {
	dst = append(dst, leafDomain...)
	dst = appendCanonicalName(dst, key.Tenant)
	dst = appendCanonicalName(dst, key.Device)
	dst = appendCanonicalName(dst, key.Stream)
	dst = binary.LittleEndian.AppendUint32(dst, epochOrdinal)
	dst = binary.LittleEndian.AppendUint64(dst, seq)
	return appendContent(dst, f)
}

func appendCanonicalName(dst []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint16(dst, uint16(len(s))), s...)
}

func appendContent(dst []byte, f *Frame) []byte {
	fields := f.Fields
	if !slices.IsSortedFunc(fields, compareFields) {
		fields = slices.Clone(fields)
		slices.SortStableFunc(fields, compareFields)
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(fields)))
	for i := range fields {
		dst = appendCanonicalName(dst, fields[i].Name)
	}
	dst = appendContentHead(dst, f.Class, f.NoTime, f.TimeNS)
	for i := range fields {
		dst = appendContentValue(dst, &fields[i].Value)
	}
	return append(dst, f.Raw...)
}

// appendContentHead appends what follows the names.
func appendContentHead(dst []byte, class Class, noTime bool, timeNS int64) []byte {
	if noTime {
		timeNS = 0
	}
	dst = append(dst, frameFlags(class, noTime))
	return binary.LittleEndian.AppendUint64(dst, uint64(timeNS))
}

func appendContentValue(dst []byte, v *Value) []byte {
	dst = append(dst, byte(v.Kind))
	if v.Kind == KindString || v.Kind == KindBytes {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(v.Str)))
		return append(dst, v.Str...)
	}
	return binary.LittleEndian.AppendUint64(dst, v.Num)
}

func frameFlags(class Class, noTime bool) byte {
	flags := byte(0)
	if class == ClassSnapshot {
		flags |= frameSnapshot
	}
	if noTime {
		flags |= frameNoTime
	}
	return flags
}

// shapeCRC is the state of the CRC after the names.
func shapeCRC(names []string) uint32 {
	var buf [512]byte
	dst := binary.LittleEndian.AppendUint32(buf[:0], uint32(len(names)))
	for _, name := range names {
		dst = appendCanonicalName(dst, name)
	}
	return crc32.Checksum(dst, castagnoli)
}
