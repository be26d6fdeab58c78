package segment

import (
	"cmp"
	"encoding/binary"
	"fmt"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment/column"
)

// The directory of a block says of each column how to read it. Chunks lie back to back in the order of the directory:
//
//	directory = columns x { length uvarint of the entry, entry }
//	entry     = part u8, kind u8, name text, encoding u8, codec u8, validity u8, values uvarint, chunk length uvarint, chunk CRC u32,
//	            with validity 1: { encoding u8, codec u8, length uvarint }, statistics length uvarint, statistics, to be skipped
//	chunk     = with validity 1: which rows have a value; the values of those rows
//
//	part 1 runs            which epochs the rows are of (runs.go)
//	     2 seq             distance from the row before, for all but the first row of each run
//	     3 device time     distance from the row before, for all but the first row of each run, modulo 2^64
//	     4 receive time ms    5 class    6 flags    7 seal    8 Raft index    9 ordinal: a value for each row
//	    10 field           one for each name and kind
//	    11 raw             raw payloads
//
// Columns stand in order of their parts, fields in order of name and kind. A column of another part is skipped.
type part uint8

const (
	partRuns part = iota + 1
	partSeq
	partTime
	partReceive
	partClass
	partFlags
	partSeal
	partIndex
	partOrdinal
	partField
	partRaw
)

const (
	validAll   = 0 // every row has a value
	validMixed = 1 // a list of rows stands before the values

	blockHead = 24
)

// blockColumn is one entry of a directory.
type blockColumn struct {
	part     part
	kind     frame.Kind // of a field
	name     string     // of a field
	chunk    column.Chunk
	mixed    bool
	validity column.Chunk // with mixed
	validLen int          // bytes of the list of rows
	values   int          // how many values the chunk has
	length   int          // bytes of the chunk
	crc      uint32
	stats    []byte

	offset int64 // of the chunk in the file
	place  int32 // in the directory
}

func (c *blockColumn) String() string {
	switch c.part {
	case partField:
		return fmt.Sprintf("column %s (%s)", c.name, c.kind)
	case partRaw:
		return "column of raw payloads"
	}
	if int(c.part) < len(partNames) {
		return "column " + partNames[c.part]
	}
	return fmt.Sprintf("column %d", c.part)
}

var partNames = [...]string{"0", "runs", "seq", "time", "receive time", "class", "flags", "seal", "index", "ordinal"}

// append writes the entry behind its length, through scratch.
func (c *blockColumn) append(dst, scratch []byte) (_, _ []byte) {
	b := append(scratch[:0], byte(c.part), byte(c.kind))
	b = append(binary.AppendUvarint(b, uint64(len(c.name))), c.name...)
	b = append(b, byte(c.chunk.Encoding), byte(c.chunk.Codec), validAll)
	if c.mixed {
		b[len(b)-1] = validMixed
	}
	b = binary.AppendUvarint(b, uint64(c.values))
	b = binary.AppendUvarint(b, uint64(c.length))
	b = binary.LittleEndian.AppendUint32(b, c.crc)
	if c.mixed {
		b = binary.AppendUvarint(append(b, byte(c.validity.Encoding), byte(c.validity.Codec)), uint64(c.validLen))
	}
	b = append(binary.AppendUvarint(b, uint64(len(c.stats))), c.stats...)
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...), b
}

// directory is the head and the directory of a block.
type directory struct {
	offset  int64 // of the block in the file
	length  int64 // of the block
	bytes   int   // of head and directory
	rows    int
	runs    int
	columns []blockColumn
	parts   [partOrdinal + 1]*blockColumn // the columns that every block has
}

// blockSize looks at the head of a block alone: the length of the block and of its directory, which lie in bounds.
func blockSize(b []byte) (length, directory int64, err error) {
	c := cursor{b: b}
	if got := c.take(4); string(got) != blockMagic {
		return 0, 0, damaged("block", 0, fmt.Sprintf("%q", blockMagic), fmt.Sprintf("%q", got))
	}
	length, directory = int64(c.u32()), int64(c.u32())
	if len(b) < blockHead || length > maxBlock || directory > length-blockHead {
		return 0, 0, damaged("block", 4, fmt.Sprintf("a length of %d to %d and a directory inside", blockHead, maxBlock),
			fmt.Sprintf("%d and %d", length, directory))
	}
	return length, directory, nil
}

// parseDirectory reads the front of a block, which has the given bytes and lies at offset.
func parseDirectory(b []byte, offset int64) (*directory, error) {
	length, size, err := blockSize(b)
	if err != nil {
		return nil, err
	}
	if int64(len(b)) < blockHead+size {
		return nil, damaged("block directory", 8, fmt.Sprintf("%d bytes", size), len(b)-blockHead)
	}
	b = b[:blockHead+size]
	if want, got := binary.LittleEndian.Uint32(b[12:]), checksum(b[:12], b[16:]); want != got {
		return nil, damagedSum("block directory", 0, want, got)
	}
	c := cursor{b: b, i: 16}
	d := &directory{offset: offset, length: length, bytes: len(b)}
	d.rows, d.runs = int(c.u16()), int(c.u16())
	columns := int(c.u16())
	flags := c.u16()
	if d.rows < 1 || d.rows > maxRows || d.runs < 1 || d.runs > d.rows {
		return nil, damaged("block directory", 16, fmt.Sprintf("1 to %d rows and as many runs at most", maxRows), fmt.Sprintf("%d and %d", d.rows, d.runs))
	}
	if flags != 0 {
		return nil, fmt.Errorf("%w: block with flags %#x: upgrade this program", ErrVersion, flags)
	}
	if int64(columns) > size {
		return nil, damaged("block directory", 20, "columns that fit", columns)
	}
	return d, d.parseColumns(&c, columns)
}

func (d *directory) parseColumns(c *cursor, columns int) error {
	names := string(c.b) // one allocation for all names
	d.columns = make([]blockColumn, columns)
	at := d.offset + int64(d.bytes)
	for i := range d.columns {
		col := &d.columns[i]
		start := c.i
		entry := cursor{b: c.take(c.uvarint())}
		base := c.i - len(entry.b)
		if !c.bad {
			col.parse(&entry, names[base:c.i])
		}
		col.offset, col.place = at, int32(i)
		at += int64(col.length)
		if c.bad || entry.bad || at > d.offset+d.length || col.values > d.rows {
			return damaged("block directory", int64(start), "an entry whose chunk lies in the block", fmt.Sprintf("entry %d, %s, with %d values and %d bytes", i, col, col.values, col.length))
		}
		if i > 0 && !d.columns[i-1].before(col) {
			return damaged("block directory", int64(start), "columns in order", fmt.Sprintf("%s after %s", col, &d.columns[i-1]))
		}
		if col.part <= partOrdinal {
			d.parts[col.part] = col
		}
	}
	if c.left() != 0 || at != d.offset+d.length {
		return damaged("block directory", int64(c.i), fmt.Sprintf("chunks up to byte %d", d.length), fmt.Sprintf("%d, and %d bytes too many", at-d.offset, c.left()))
	}
	return d.checkParts()
}

// before reports whether the columns stand in order; only fields may have equal parts.
func (c *blockColumn) before(o *blockColumn) bool {
	if c.part != o.part || c.part != partField {
		return c.part < o.part
	}
	return cmp.Or(cmp.Compare(c.name, o.name), cmp.Compare(c.kind, o.kind)) < 0
}

// checkParts makes sure that the columns that every block has are there, with a value for each row.
func (d *directory) checkParts() error {
	want := [partOrdinal + 1]int{partRuns: d.runs, partSeq: d.rows - d.runs, partTime: d.rows - d.runs}
	for p := partRuns; p <= partOrdinal; p++ {
		if p > partTime {
			want[p] = d.rows
		}
		if c := d.parts[p]; c == nil || c.values != want[p] || c.mixed {
			return damaged("block directory", 0, fmt.Sprintf("column %s with %d values", partNames[p], want[p]), "none")
		}
	}
	return nil
}

func (col *blockColumn) parse(c *cursor, text string) {
	col.part, col.kind = part(c.u8()), frame.Kind(c.u8())
	name := c.text(frame.MaxNameBytes)
	col.name = text[c.i-len(name) : c.i]
	col.chunk = column.Chunk{Encoding: column.Encoding(c.u8()), Codec: column.Codec(c.u8())}
	validity := c.u8()
	values, length := c.uvarint(), c.uvarint()
	col.crc = c.u32()
	if values > maxRows || length > maxBlock || validity > validMixed {
		c.bad = true
		return
	}
	col.values, col.length, col.mixed = int(values), int(length), validity == validMixed
	if col.mixed {
		col.validity = column.Chunk{Encoding: column.Encoding(c.u8()), Codec: column.Codec(c.u8())}
		n := c.uvarint()
		if n > length {
			c.bad = true
			return
		}
		col.validLen = int(n)
	}
	col.stats = []byte(nil)
	if b := c.take(c.uvarint()); len(b) > 0 {
		col.stats = append(col.stats, b...)
	}
}

func (c *blockColumn) end() int64 { return c.offset + int64(c.length) }

// size is what the directory takes in memory.
func (d *directory) size() int64 {
	n := int64(256) + int64(d.bytes)
	for i := range d.columns {
		n += 160 + int64(len(d.columns[i].stats))
	}
	return n
}
