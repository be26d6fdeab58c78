package slowreader

import "fmt"

// block is one block with its rows, and where it lies: the index says the same.
type block struct {
	offset, length uint64
	runs           []run
	rows           []Row
}

// run is the rows of one epoch in a block.
type run struct {
	Key
	first, rows int // place of the first row in the block, and how many there are
}

const (
	blockMagic = "GBLK"
	blockHead  = 24
)

// readBlocks reads the section of blocks, which lies at an offset of the file.
func readBlocks(b []byte, offset uint64) ([]*block, error) {
	var list []*block
	for len(b) > 0 {
		one, err := readBlock(b)
		if err != nil {
			return nil, fmt.Errorf("block at %d: %w", offset, err)
		}
		one.offset = offset
		list = append(list, one)
		offset += one.length
		b = b[one.length:]
	}
	return list, nil
}

// readBlock reads one block from the front of b.
func readBlock(b []byte) (*block, error) {
	in := &input{rest: b}
	if got := in.fixed(4); string(got) != blockMagic {
		in.fail("magic %q", got)
	}
	length, directoryLength, sum := in.u32(), in.u32(), in.u32()
	rows, runs, columns, flags := in.u16(), in.u16(), in.u16(), in.u16()
	directory := in.take(uint64(directoryLength))
	if in.err == nil && uint64(length) > uint64(len(b)) {
		in.fail("%d bytes, %d are left", length, len(b))
	}
	if in.err == nil && uint64(length) < blockHead+uint64(directoryLength) {
		in.fail("%d bytes, and a directory of %d", length, directoryLength)
	}
	if in.err != nil {
		return nil, in.err
	}
	if got := checksum(b[:12], b[16:blockHead], directory); got != sum {
		return nil, damaged("CRC %08x of head and directory that have %08x", got, sum)
	}
	if rows < 1 || rows > maxValues || runs < 1 || runs > rows || flags != 0 {
		return nil, damaged("%d rows, %d runs, flags %#x", rows, runs, flags)
	}
	entries, err := readDirectory(directory, int(columns))
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	out := &block{length: uint64(length)}
	chunks := &input{rest: b[blockHead+uint64(directoryLength) : length]}
	return out, out.readChunks(chunks, entries, int(rows), int(runs))
}

// readChunks reads the columns of a block, one behind the other.
func (b *block) readChunks(in *input, entries []*entry, rows, runs int) error {
	for _, e := range entries {
		e.chunk = in.take(e.chunkLength)
		if in.err == nil && checksum(e.chunk) != e.sum {
			in.fail("%v: CRC %08x of a chunk that has %08x", e, checksum(e.chunk), e.sum)
		}
	}
	if err := in.end(); err != nil {
		return err
	}
	t := &rowTable{entries: entries, rows: make([]Row, rows), runCount: runs}
	if err := t.read(); err != nil {
		return err
	}
	b.rows, b.runs = t.rows, t.runs
	return nil
}
