package slowreader

import (
	"fmt"

	"github.com/golang/snappy"
)

// packed is one column as docs/format/column.md has it: its bytes, and the three things without which they cannot be read.
type packed struct {
	values   int
	encoding byte
	codec    byte
	payload  []byte
}

// maxValues is how many values a column has at most.
const maxValues = 4096

// kindOf says of which kind an encoding is.
var kindOf = map[byte]string{
	1: "int", 2: "int", 3: "int", 4: "int", 5: "int", 6: "int",
	16: "float", 17: "float", 18: "float", 19: "float", 20: "float", 21: "float", 22: "float",
	32: "bool", 33: "bool", 34: "bool",
	48: "bytes", 49: "bytes", 50: "bytes",
}

// open checks what stands beside a column and undoes its codec. It returns nil for a column of no values.
func (p packed) open(kind string) (*input, error) {
	if p.values == 0 {
		if p.encoding != 0 || p.codec != 0 || len(p.payload) != 0 {
			return nil, damaged("a column of no values has encoding %d, codec %d and %d bytes", p.encoding, p.codec, len(p.payload))
		}
		return nil, nil
	}
	if p.values < 0 || p.values > maxValues {
		return nil, damaged("a column of %d values", p.values)
	}
	known := kindOf[p.encoding]
	switch {
	case known == "" || p.codec > 1:
		return nil, fmt.Errorf("encoding %d, codec %d: %w", p.encoding, p.codec, ErrVersion)
	case known != kind:
		return nil, damaged("encoding %d is of kind %s, the column of kind %s", p.encoding, known, kind)
	case p.codec == 1:
		return p.unsnap(kind)
	}
	return &input{rest: p.payload}, nil
}

// unsnap undoes Snappy, once the size that it claims is one that it can have.
func (p packed) unsnap(kind string) (*input, error) {
	size, err := snappy.DecodedLen(p.payload)
	if err != nil {
		return nil, damaged("snappy: %v", err)
	}
	if size > 22*len(p.payload) || kind != "bytes" && size > 256+64*p.values {
		return nil, damaged("snappy: %d bytes claim to be %d, of %d values", len(p.payload), size, p.values)
	}
	plain, err := snappy.Decode(nil, p.payload)
	if err != nil {
		return nil, damaged("snappy: %v", err)
	}
	return &input{rest: plain}, nil
}
