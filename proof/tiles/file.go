package tiles

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"golang.org/x/mod/sumdb/tlog"
)

// The file: a header, then one slot for each hash, in the order of tlog.StoredHashIndex. Numbers are little endian.
//
//	header  "gapless/tiles\n\x00\x00" (16) | version u32 | zeros (12) | CRC32C of those 32 bytes u32
//	slot i  hash (32) | CRC32C of (i u64, hash) u32
const (
	slotBytes = tlog.HashSize + 4
	version   = 1
)

var (
	magic      = [16]byte([]byte("gapless/tiles\n\x00\x00"))
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// slotOffset is where a slot begins; the header has the length of one.
func slotOffset(slot int64) int64 { return (slot + 1) * slotBytes }

func header() []byte {
	b := make([]byte, slotBytes)
	copy(b, magic[:])
	binary.LittleEndian.PutUint32(b[16:], version)
	binary.LittleEndian.PutUint32(b[32:], crc32.Checksum(b[:32], castagnoli))
	return b
}

// checkHeader refuses a file that is not ours or of another version.
func (s *Store) checkHeader(size int64) error {
	b := make([]byte, slotBytes)
	if n, err := s.file.ReadAt(b, 0); err == io.EOF && n < len(b) {
		return &CorruptionError{s.path, 0, fmt.Sprintf("a header of %d bytes", slotBytes), fmt.Sprintf("%d bytes", size)}
	} else if err != nil && err != io.EOF {
		return err
	}
	want := header()
	got := binary.LittleEndian.Uint32(b[16:])
	if bytes.HasPrefix(b, magic[:]) && crc32.Checksum(b[:32], castagnoli) == binary.LittleEndian.Uint32(b[32:]) && got != version {
		return fmt.Errorf("tiles: %s has version %d, this binary knows %d: upgrade it, or remove the file, which is then made again", s.path, got, version)
	}
	if !bytes.Equal(b, want) {
		return &CorruptionError{s.path, 0, fmt.Sprintf("header %x", want), fmt.Sprintf("%x", b)}
	}
	return nil
}

func appendSlot(b []byte, slot int64, h tlog.Hash) []byte {
	b = append(b, h[:]...)
	return binary.LittleEndian.AppendUint32(b, checksum(slot, h))
}

func checksum(slot int64, h tlog.Hash) uint32 {
	var b [8 + tlog.HashSize]byte
	binary.LittleEndian.PutUint64(b[:], uint64(slot))
	copy(b[8:], h[:])
	return crc32.Checksum(b[:], castagnoli)
}

// decodeSlot returns the hash of a slot if it is the one that was written there. No hash is all zeros, so a hole is no slot.
func decodeSlot(b []byte, slot int64) (h tlog.Hash, want, got uint32, ok bool) {
	copy(h[:], b)
	want, got = checksum(slot, h), binary.LittleEndian.Uint32(b[tlog.HashSize:])
	return h, want, got, want == got && h != tlog.Hash{}
}

// CorruptionError says what is damaged and where. The store is derived data: Remove it and append the log again.
type CorruptionError struct {
	Path      string
	Offset    int64
	Want, Got string
}

func (e *CorruptionError) Error() string {
	return fmt.Sprintf("tiles: %s: damaged at offset %d: want %s, got %s; it can be made again from the log", e.Path, e.Offset, e.Want, e.Got)
}
