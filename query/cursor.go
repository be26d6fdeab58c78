package query

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/http"
)

// cursor says where the next page starts. Outside it is opaque text; inside:
//
//	version 1 byte │ digest 4 │ asOf: partition, history, index uvarint, timeMS varint │ device, stream text │
//	epoch, seq uvarint │ flags 1 byte: 1 = completeness follows, 2 = devices │ [ verdict 1 byte, expected, stored uvarint,
//	  complete-through flags 1 byte, epoch, seq uvarint, time varint ] │ [ devices 4 ] │ CRC32C of all before, 4 bytes little endian
//
// A text is a uvarint of its length and its bytes. Everything a page needs travels in the cursor: the server keeps nothing, so that any
// node can give the next page and a restart breaks none. The checksum finds damage, not malice: a forged cursor selects only what the
// asking tenant may see anyway.
type cursor struct {
	digest         uint32 // of the selection (params.digest)
	asOf           AsOf   // the state that all pages show, where the listing can hold on to one
	device, stream string
	epoch          uint32
	seq            uint64
	completeness   *completeness // of that state, so that every page says the same
	devices        uint32        // checksum of the devices that matched in that state (selection.matched), 0 where none had to
}

const (
	cursorVersion  = 1
	maxCursorBytes = 4096 // of text: four names of 256 bytes and a dozen numbers need less
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	cursorText = base64.RawURLEncoding.Strict()
)

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// String encodes the cursor.
func (c *cursor) String() string {
	b := binary.LittleEndian.AppendUint32([]byte{cursorVersion}, c.digest)
	b = binary.AppendUvarint(b, uint64(c.asOf.Partition))
	b = binary.AppendUvarint(b, c.asOf.History)
	b = binary.AppendUvarint(b, c.asOf.Index)
	b = binary.AppendVarint(b, c.asOf.TimeMS)
	b = appendText(appendText(b, c.device), c.stream)
	b = binary.AppendUvarint(b, uint64(c.epoch))
	b = binary.AppendUvarint(b, c.seq)
	flags := len(b)
	b = append(b, 0)
	if c.completeness != nil {
		b[flags] |= 1
		b = c.completeness.append(b)
	}
	if c.devices != 0 {
		b[flags] |= 2
		b = binary.LittleEndian.AppendUint32(b, c.devices)
	}
	return sealCursor(b)
}

func sealCursor(b []byte) string {
	return cursorText.EncodeToString(binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli)))
}

// parseCursor reads what String wrote. It refuses a cursor of another version and one of another selection with errors of their own.
func parseCursor(text string, digest uint32) (*cursor, error) {
	if len(text) > maxCursorBytes {
		return nil, badCursor(fmt.Sprintf("it has %d bytes, at most %d are possible", len(text), maxCursorBytes))
	}
	b, err := cursorText.DecodeString(text)
	if err != nil || len(b) < 1+4+4 {
		return nil, badCursor("it is not one that an answer gave")
	}
	if b[0] != cursorVersion {
		return nil, badCursor(fmt.Sprintf("it is of version %d, this server reads %d", b[0], cursorVersion))
	}
	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, badCursor("its checksum does not match: it was cut or changed")
	}
	d := decoder{b: body[1:]}
	c := &cursor{digest: d.uint32()}
	if c.digest != digest {
		return nil, &Error{
			Status:  http.StatusBadRequest,
			Code:    "foreign_cursor",
			Message: "this cursor belongs to a question with other parameters",
			Hint:    "repeat the parameters of the first page; only limit, consistency, after and require may change",
		}
	}
	c.asOf = AsOf{Partition: d.uvarint32(), History: d.uvarint(), Index: d.uvarint(), TimeMS: d.varint()}
	c.device, c.stream = d.text(), d.text()
	c.epoch, c.seq = d.uvarint32(), d.uvarint()
	flags := d.byte()
	if flags&1 != 0 {
		c.completeness = d.completeness()
	}
	if flags&2 != 0 {
		c.devices = d.uint32()
		d.bad = d.bad || c.devices == 0
	}
	if d.bad || flags > 3 || len(d.b) > 0 {
		return nil, badCursor("it does not have the form of version 1")
	}
	return c, nil
}

func badCursor(why string) error {
	return &Error{
		Status:  http.StatusBadRequest,
		Code:    "bad_cursor",
		Message: "the cursor cannot be used: " + why,
		Hint:    "pass `next` of the page before exactly as it was, or start again without a cursor",
	}
}

// decoder reads the parts of a cursor. After a part that is not there it is bad, and everything more it gives is zero.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) take(n uint64) []byte {
	if d.bad || n > uint64(len(d.b)) {
		d.bad = true
		return nil
	}
	part := d.b[:n]
	d.b = d.b[n:]
	return part
}

func (d *decoder) uint32() uint32 {
	if part := d.take(4); part != nil {
		return binary.LittleEndian.Uint32(part)
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.take(uint64(n))
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.take(uint64(n))
	return v
}

func (d *decoder) uvarint32() uint32 {
	v := d.uvarint()
	d.bad = d.bad || v > 1<<32-1
	return uint32(v)
}

func (d *decoder) text() string { return string(d.take(d.uvarint())) }

func (d *decoder) byte() byte {
	if part := d.take(1); part != nil {
		return part[0]
	}
	return 0
}
