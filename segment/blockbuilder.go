package segment

import (
	"encoding/binary"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/segment/column"
)

// blockBuilder collects the rows of one block by column and encodes it.
type blockBuilder struct {
	enc    column.Encoder
	pack   packer
	fields fieldSet

	rows, bytes int
	runs        []run
	seq         []uint64
	time        []int64
	receive     []int64
	class       []uint64
	flags       []uint64
	seal        []uint64
	index       []uint64
	ordinal     []uint64

	front   frontCoder
	scratch runScratch
	entry   []byte // of the directory
	dir     []byte // head and directory
	chunks  []byte
	columns int
}

// run is the rows of one epoch in a block.
type run struct {
	key          []byte
	ordinal      uint32
	first, rows  int // rows of the block
	minNS, maxNS int64
}

func newBlockBuilder() *blockBuilder {
	b := &blockBuilder{fields: newFieldSet()}
	b.pack.enc = &b.enc
	for _, v := range []*[]uint64{&b.seq, &b.class, &b.flags, &b.seal, &b.index, &b.ordinal} {
		*v = make([]uint64, 0, maxRows)
	}
	b.time, b.receive = make([]int64, 0, maxRows), make([]int64, 0, maxRows)
	return b
}

// begin starts the rows of an epoch. The key must not change until the block is done.
func (b *blockBuilder) begin(key []byte, ordinal uint32) {
	b.runs = append(b.runs, run{key: key, ordinal: ordinal, first: b.rows})
}

// add adds a row with the fields that were resolved last. There is room for it.
func (b *blockBuilder) add(row *Row, fields []frame.Field, raw []byte, size int) {
	b.seq = append(b.seq, row.Seq)
	b.time = append(b.time, row.TimeNS)
	b.receive = append(b.receive, row.ReceiveMS)
	b.class = append(b.class, uint64(row.Class))
	b.flags = append(b.flags, uint64(row.Flags))
	b.seal = append(b.seal, uint64(max(row.Seal, 1)))
	b.index = append(b.index, row.Index)
	b.ordinal = append(b.ordinal, uint64(row.Ordinal))
	b.fields.add(b.rows, fields, raw)
	r := &b.runs[len(b.runs)-1]
	ns := row.FiledNS()
	if r.rows == 0 {
		r.minNS, r.maxNS = ns, ns
	}
	r.minNS, r.maxNS = min(r.minNS, ns), max(r.maxNS, ns)
	r.rows++
	b.rows++
	b.bytes += size
}

// last is the run at hand.
func (b *blockBuilder) last() *run { return &b.runs[len(b.runs)-1] }

// full reports whether the block must be closed before a frame of that size with so many new columns.
func (b *blockBuilder) full(fresh, size int) bool {
	return b.rows == maxRows || b.rows > 0 && (b.bytes+size > blockBytes || len(b.fields.active)+fresh > blockColumns)
}

// encode returns the block in two pieces, valid until reset.
func (b *blockBuilder) encode() (head, chunks []byte) {
	b.dir, b.chunks, b.columns = append(b.dir[:0], make([]byte, blockHead)...), b.chunks[:0], 0
	b.encodeRuns()
	b.encodeSteps()
	b.ints(partReceive, b.receive, b.intBounds(b.receive))
	b.uints(partClass, b.class, nil)
	b.uints(partFlags, b.flags, nil)
	b.uints(partSeal, b.seal, nil)
	b.uints(partIndex, b.index, b.uintBounds(b.index))
	b.uints(partOrdinal, b.ordinal, nil)
	for _, c := range b.fields.sorted() {
		b.values(partField, c)
	}
	if b.fields.raw.count > 0 {
		b.values(partRaw, &b.fields.raw)
	}
	b.finish()
	return b.dir, b.chunks
}

// encodeSteps writes the distances between the rows of each run. Those of times wrap, and wrap back when they are added up.
func (b *blockBuilder) encodeSteps() {
	s := &b.scratch
	s.steps, s.times = s.steps[:0], s.times[:0]
	for i := range b.runs {
		r := &b.runs[i]
		for row := r.first + 1; row < r.first+r.rows; row++ {
			s.steps = append(s.steps, b.seq[row]-b.seq[row-1])
			s.times = append(s.times, b.time[row]-b.time[row-1])
		}
	}
	b.uints(partSeq, s.steps, b.uintBounds(b.seq))
	b.ints(partTime, s.times, b.intBounds(b.time))
}

// uintBounds and intBounds are the statistics of numbers that every row has. They are valid until the next ones.
func (b *blockBuilder) uintBounds(v []uint64) []byte {
	lo, hi := bounds(v)
	b.pack.scratch = binary.AppendUvarint(binary.AppendUvarint(b.pack.scratch[:0], lo), hi-lo)
	return b.pack.scratch
}

func (b *blockBuilder) intBounds(v []int64) []byte {
	lo, hi := bounds(v)
	b.pack.scratch = binary.AppendUvarint(binary.AppendVarint(b.pack.scratch[:0], lo), uint64(hi)-uint64(lo))
	return b.pack.scratch
}

func bounds[T int64 | uint64](v []T) (lo, hi T) {
	lo, hi = v[0], v[0]
	for _, x := range v {
		lo, hi = min(lo, x), max(hi, x)
	}
	return lo, hi
}

func (b *blockBuilder) uints(p part, v []uint64, stats []byte) {
	col := blockColumn{part: p, values: len(v), stats: stats}
	start := len(b.chunks)
	if len(v) > 0 {
		b.chunks, col.chunk = b.enc.Uints(b.chunks, v)
	}
	b.put(&col, start)
}

func (b *blockBuilder) ints(p part, v []int64, stats []byte) {
	col := blockColumn{part: p, values: len(v), stats: stats}
	start := len(b.chunks)
	if len(v) > 0 {
		b.chunks, col.chunk = b.enc.Ints(b.chunks, v)
	}
	b.put(&col, start)
}

// values writes a column of a field or of raw payloads.
func (b *blockBuilder) values(p part, c *fieldColumn) {
	col := blockColumn{part: p, name: c.name, kind: c.kind, values: c.count}
	start := len(b.chunks)
	if present := c.validity(b.rows); present != nil {
		b.chunks, col.validity = b.enc.Validity(b.chunks, present)
		col.mixed, col.validLen = true, len(b.chunks)-start
	}
	var stats FieldStats
	b.chunks, col.chunk, stats = c.encode(&b.enc, b.chunks)
	if p == partField {
		b.pack.scratch = stats.append(b.pack.scratch[:0])
		col.stats = b.pack.scratch
	}
	b.put(&col, start)
}

// put makes the entry of a column whose chunk begins at start.
func (b *blockBuilder) put(col *blockColumn, start int) {
	chunk := b.chunks[start:]
	col.length, col.crc = len(chunk), checksum(chunk)
	b.dir, b.entry = col.append(b.dir, b.entry)
	b.columns++
}

func (b *blockBuilder) finish() {
	d := b.dir
	copy(d, blockMagic)
	binary.LittleEndian.PutUint32(d[4:], uint32(len(d)+len(b.chunks)))
	binary.LittleEndian.PutUint32(d[8:], uint32(len(d)-blockHead))
	binary.LittleEndian.PutUint16(d[16:], uint16(b.rows))
	binary.LittleEndian.PutUint16(d[18:], uint16(len(b.runs)))
	binary.LittleEndian.PutUint16(d[20:], uint16(b.columns))
	binary.LittleEndian.PutUint32(d[12:], checksum(d[:12], d[16:]))
}

// reset begins a new block.
func (b *blockBuilder) reset() {
	b.fields.reset()
	b.rows, b.bytes, b.runs = 0, 0, b.runs[:0]
	for _, v := range []*[]uint64{&b.seq, &b.class, &b.flags, &b.seal, &b.index, &b.ordinal} {
		*v = (*v)[:0]
	}
	b.time, b.receive = b.time[:0], b.receive[:0]
}
