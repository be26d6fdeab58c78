package wal

import (
	"encoding/binary"
	"hash/crc32"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// generation is one life of a log file, from the moment meta names it until it is dropped. Its number is in the file's name and never
// used twice in a log; its salt is random, so that not even bytes of another log can look valid.
type generation struct {
	number uint64
	salt   uint64
}

// seed is the CRC that the checksum of each record of this generation continues.
func (g generation) seed() uint32 {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[0:], g.number)
	binary.LittleEndian.PutUint64(b[8:], g.salt)
	return crc32.Checksum(b[:], castagnoli)
}
