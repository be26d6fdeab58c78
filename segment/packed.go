package segment

import (
	"encoding/binary"

	"github.com/gaplessdb/gapless/segment/column"
)

// Small tables (the runs of a block, an index page, the top index) are columns one behind the other, in ascending order of their ids:
//
//	column = id u8, encoding u8, codec u8, length uvarint, payload
//
// A column that has no values is left out, and one whose id a reader does not know is skipped.
const maxPacked = 32 // ids that this version knows are below

// packer appends columns to out.
type packer struct {
	enc     *column.Encoder
	out     []byte
	scratch []byte
}

func (p *packer) uints(id uint8, v []uint64) {
	if len(v) > 0 {
		payload, c := p.enc.Uints(p.scratch[:0], v)
		p.put(id, payload, c)
	}
}

func (p *packer) ints(id uint8, v []int64) {
	if len(v) > 0 {
		payload, c := p.enc.Ints(p.scratch[:0], v)
		p.put(id, payload, c)
	}
}

func (p *packer) bytes(id uint8, v [][]byte) {
	if len(v) > 0 {
		payload, c := p.enc.Bytes(p.scratch[:0], v)
		p.put(id, payload, c)
	}
}

func (p *packer) put(id uint8, payload []byte, c column.Chunk) {
	p.scratch = payload
	p.out = append(p.out, id, byte(c.Encoding), byte(c.Codec))
	p.out = binary.AppendUvarint(p.out, uint64(len(payload)))
	p.out = append(p.out, payload...)
}

// unpacker reads a table of columns. The first error stays.
type unpacker struct {
	dec   *column.Decoder
	found [maxPacked]struct {
		chunk column.Chunk
		data  []byte
	}
	err error
}

func newUnpacker(dec *column.Decoder, b []byte) *unpacker {
	u := &unpacker{dec: dec}
	c := cursor{b: b}
	for last := -1; c.left() > 0 && u.err == nil; {
		id, encoding, codec := c.u8(), c.u8(), c.u8()
		data := c.take(c.uvarint())
		switch {
		case c.bad:
			u.err = damaged("table of columns", int64(c.i), "a column", "its end")
		case int(id) <= last:
			u.err = damaged("table of columns", int64(c.i), "ascending ids", id)
		case id < maxPacked:
			u.found[id].chunk = column.Chunk{Encoding: column.Encoding(encoding), Codec: column.Codec(codec)}
			u.found[id].data = data
		}
		last = int(id)
	}
	return u
}

// uints returns n values of a column; n is at most column.MaxValues.
func (u *unpacker) uints(id uint8, n int) (v []uint64) {
	if u.err == nil && n > 0 {
		v, u.err = u.dec.Uints(make([]uint64, 0, n), n, u.found[id].chunk, u.found[id].data)
	}
	return u.fit(v, n)
}

func (u *unpacker) ints(id uint8, n int) (v []int64) {
	if u.err == nil && n > 0 {
		v, u.err = u.dec.Ints(make([]int64, 0, n), n, u.found[id].chunk, u.found[id].data)
	}
	if u.err != nil {
		return make([]int64, n)
	}
	return v
}

func (u *unpacker) bytes(id uint8, n int) (v [][]byte) {
	if u.err == nil && n > 0 {
		v, u.err = u.dec.Bytes(make([][]byte, 0, n), n, u.found[id].chunk, u.found[id].data)
	}
	if u.err != nil {
		return make([][]byte, n)
	}
	return v
}

// fit returns n zeros after an error, so that callers may index what they asked for and ask for the error once.
func (u *unpacker) fit(v []uint64, n int) []uint64 {
	if u.err != nil {
		return make([]uint64, n)
	}
	return v
}
