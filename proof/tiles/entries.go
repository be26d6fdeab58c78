package tiles

import (
	"encoding/binary"
	"fmt"
	"math"
)

// MaxEntry is the longest record that a bundle can hold.
const MaxEntry = math.MaxUint16

// EncodeEntries makes a bundle of records: each behind its length, u16 big endian.
func EncodeEntries(records [][]byte) ([]byte, error) {
	if len(records) > Width {
		return nil, fmt.Errorf("tiles: %d records, a bundle has at most %d", len(records), Width)
	}
	var b []byte
	for i, r := range records {
		if len(r) > MaxEntry {
			return nil, fmt.Errorf("tiles: record %d of the bundle has %d bytes, the limit is %d", i, len(r), MaxEntry)
		}
		b = binary.BigEndian.AppendUint16(b, uint16(len(r)))
		b = append(b, r...)
	}
	return b, nil
}

// DecodeEntries takes a bundle apart. The records are parts of b.
func DecodeEntries(b []byte) ([][]byte, error) {
	var records [][]byte
	for at := 0; at < len(b); {
		rest := b[at:]
		if len(rest) < 2 || len(rest)-2 < int(binary.BigEndian.Uint16(rest)) {
			return nil, fmt.Errorf("tiles: the bundle ends inside record %d, which begins at byte %d", len(records), at)
		}
		if len(records) == Width {
			return nil, fmt.Errorf("tiles: the bundle has more than %d records", Width)
		}
		n := 2 + int(binary.BigEndian.Uint16(rest))
		records = append(records, rest[2:n:n])
		at += n
	}
	return records, nil
}
