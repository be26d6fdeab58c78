package slowreader

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode"
	"unicode/utf8"
)

// LeafFile is a file of leaves: docs/format/leaves.md.
type LeafFile struct {
	Kind   byte // 1 strips, 2 a census
	Number uint64
	Root   Hash
	Leaves []Leaf
}

// Leaf is one leaf, and the key that stands beside it.
type Leaf struct {
	Key   Key // the epoch is 0 in a census
	Bytes []byte
}

const (
	leavesMagic   = "GLVS"
	leavesEnd     = "GLVE"
	leavesHeader  = 20
	leavesTrailer = 60
	leavesRecord  = 18 // bytes before the names
	maxLeaf       = 1 << 30
	maxName       = 256

	kindStrips = 1
	kindCensus = 2
)

// ReadLeaves reads a whole file of leaves, and makes the tree of the leaves anew.
func ReadLeaves(file []byte) (*LeafFile, error) {
	if len(file) < leavesHeader+leavesTrailer {
		return nil, damaged("a file of %d bytes", len(file))
	}
	f, err := readLeavesHeader(file)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	trailer := file[len(file)-leavesTrailer:]
	in := &input{rest: trailer}
	index, n := in.u64(), in.u64()
	copy(f.Root[:], in.fixed(len(f.Root)))
	offsetsSum, end, sum := in.u32(), in.fixed(4), in.u32()
	if got := checksum(file[:16], trailer[:56]); got != sum || string(end) != leavesEnd {
		return nil, damaged("trailer: CRC %08x and not %08x, or the end %q", got, sum, end)
	}
	size := uint64(len(file))
	if n > size/8 || index < leavesHeader || index > size || index+8*n+leavesTrailer != size {
		return nil, damaged("trailer: %d offsets at %d of a file of %d bytes", n, index, size)
	}
	offsets := file[index : index+8*n]
	if got := checksum(offsets); got != offsetsSum {
		return nil, damaged("offsets: CRC %08x, the trailer says %08x", got, offsetsSum)
	}
	return f, f.readRecords(file, index, offsets)
}

func readLeavesHeader(file []byte) (*LeafFile, error) {
	in := &input{rest: file}
	magic, version, kind, zero, number := in.fixed(4), in.u16(), in.u8(), in.u8(), in.u64()
	if sum := in.u32(); string(magic) != leavesMagic || checksum(file[:16]) != sum {
		return nil, damaged("magic %q, CRC %08x and not %08x", magic, checksum(file[:16]), sum)
	}
	if version != 1 {
		return nil, ErrVersion
	}
	if kind != kindStrips && kind != kindCensus || zero != 0 {
		return nil, damaged("kind %d, and %d where 0 belongs", kind, zero)
	}
	return &LeafFile{Kind: kind, Number: number}, nil
}

// readRecords reads the records, which lie back to back from the header to the offsets.
func (f *LeafFile) readRecords(file []byte, index uint64, offsets []byte) error {
	next := uint64(leavesHeader)
	var hashes []Hash
	for i := range uint64(len(offsets) / 8) {
		to := index
		if 8*i+8 < uint64(len(offsets)) {
			to = binary.LittleEndian.Uint64(offsets[8*i+8:])
		}
		if from := binary.LittleEndian.Uint64(offsets[8*i:]); from != next || to < from || to > index {
			return damaged("record %d lies from %d to %d, the one before ends at %d", i, from, to, next)
		}
		leaf, perfect, err := f.readRecord(file[:16], i, file[next:to])
		if err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
		if i > 0 && f.Leaves[i-1].Key.Compare(leaf.Key) >= 0 {
			return damaged("record %d is of %v, the one before of %v", i, leaf.Key, f.Leaves[i-1].Key)
		}
		f.Leaves, hashes = append(f.Leaves, leaf), append(hashes, leafHash(leaf.Bytes))
		for level, hash := range perfect {
			if is := treeRoot(hashes[i+1-1<<level:]); is != hash {
				return damaged("record %d has %x as hash %d, the leaves %x", i, hash, level, is)
			}
		}
		next = to
	}
	if next != index {
		return damaged("the records end at %d, the offsets begin at %d", next, index)
	}
	if root := treeRoot(hashes); root != f.Root {
		return damaged("root %x, the leaves have %x", f.Root, root)
	}
	return nil
}

// readRecord reads record i, and the hashes of the perfect subtrees that end with it.
func (f *LeafFile) readRecord(head []byte, i uint64, b []byte) (leaf Leaf, hashes []Hash, err error) {
	in := &input{rest: b}
	sum, length := in.u32(), in.u32()
	leaf.Key.Epoch = in.u32()
	lengths := []uint16{in.u16(), in.u16(), in.u16()}
	names := []*string{&leaf.Key.Tenant, &leaf.Key.Device, &leaf.Key.Stream}
	for k, name := range names {
		*name = in.name(uint64(lengths[k]))
	}
	for range 1 + bits.TrailingZeros64(i+1) {
		hashes = append(hashes, Hash(in.fixed(len(Hash{}))))
	}
	covered := len(b) - len(in.rest)
	leaf.Bytes = in.take(uint64(length))
	if (leaf.Key.Epoch == 0) != (f.Kind == kindCensus) || length > maxLeaf {
		in.fail("epoch %d, a leaf of %d bytes", leaf.Key.Epoch, length)
	}
	if err := in.end(); err != nil {
		return leaf, nil, err
	}
	number := binary.LittleEndian.AppendUint64(nil, i)
	if got := checksum(head, number, b[4:covered]); got != sum {
		return leaf, nil, damaged("CRC %08x, it has %08x", got, sum)
	}
	return leaf, hashes, nil
}

// name reads the name of a tenant, a device or a stream.
func (in *input) name(length uint64) string {
	name := string(in.take(length))
	if in.err == nil && !isName(name) {
		in.fail("%q is no name", name)
	}
	return name
}

func isName(name string) bool {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) {
		return false
	}
	for _, r := range name {
		if unicode.IsControl(r) {
			return false
		}
	}
	return true
}
