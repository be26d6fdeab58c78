package leaves

import (
	"cmp"
	"encoding/binary"
	"fmt"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof/merkle"
	"golang.org/x/mod/sumdb/tlog"
)

// record is a leaf with what stands before it. It points into the bytes it was read from.
type record struct {
	epoch  uint32
	names  [3][]byte // tenant, device, stream
	hashes []byte
	leaf   []byte // nil if only the head was read
}

// scratch is the memory of reads that follow each other.
type scratch struct {
	offsets [2 * offsetSize]byte
	head    []byte
}

// record reads the i-th record: two reads of the file. Without its leaf it lies in room, with it in memory of its own.
func (r *File) record(i int64, room *scratch, withLeaf bool) (rec record, err error) {
	if i < 0 || i >= r.trailer.count {
		return rec, fmt.Errorf("leaves: %s: leaf %d of %d", r.path, i, r.trailer.count)
	}
	from, to, err := r.bounds(i, room)
	if err != nil {
		return rec, err
	}
	var b []byte
	if withLeaf {
		b = make([]byte, to-from)
	} else {
		n := int(min(to-from, int64(maxHead(i))))
		if cap(room.head) < n {
			room.head = make([]byte, n, max(n, 2*cap(room.head)))
		}
		b = room.head[:n]
	}
	if err := r.readAt(b, from); err != nil {
		return rec, err
	}
	headBytes, err := r.parseHead(&rec, i, from, to, b)
	if err != nil || !withLeaf {
		return rec, err
	}
	rec.leaf = b[headBytes:]
	return rec, r.checkLeaf(&rec, from+int64(headBytes))
}

// bounds reads where the i-th record begins and ends.
func (r *File) bounds(i int64, room *scratch) (from, to int64, err error) {
	b, at := room.offsets[:], r.trailer.index+offsetSize*i
	if i == r.trailer.count-1 {
		b = b[:offsetSize] // the last record ends where the offsets begin
	}
	if err := r.readAt(b, at); err != nil {
		return 0, 0, err
	}
	first, next := binary.LittleEndian.Uint64(b), uint64(r.trailer.index)
	if len(b) > offsetSize {
		next = binary.LittleEndian.Uint64(b[offsetSize:])
	}
	if next > uint64(r.trailer.index) || first > next {
		return 0, 0, corrupt(r.path, at, fmt.Sprintf("record %d before byte %d", i, r.trailer.index), fmt.Sprintf("%d to %d", first, next))
	}
	return int64(first), int64(next), nil
}

// parseHead checks what stands before the leaf of the i-th record, which lies at [from, to) and of which b is the beginning: all of it, or as
// much as a head may have. It returns how long the head is.
func (r *File) parseHead(rec *record, i, from, to int64, b []byte) (int, error) {
	bad := func(at int, want, got any) (int, error) { return 0, corrupt(r.path, from+int64(at), want, got) }
	if len(b) < minRecord {
		return bad(0, fmt.Sprintf("record %d", i), fmt.Sprintf("%d bytes", len(b)))
	}
	n := fixedSize
	for k := range rec.names {
		size := int(binary.LittleEndian.Uint16(b[12+2*k:]))
		if size == 0 || size > frame.MaxNameBytes || size > len(b)-n {
			return bad(12+2*k, "the length of a name", size)
		}
		rec.names[k], n = b[n:n+size], n+size
	}
	hashBytes := hashSize * hashesOf(i)
	if hashBytes > len(b)-n {
		return bad(0, fmt.Sprintf("record %d with %d bytes of hashes", i, hashBytes), fmt.Sprintf("%d bytes", len(b)))
	}
	rec.hashes, n = b[n:n+hashBytes], n+hashBytes
	if sum, stored := headSum(r.salt, i, b[:n]), binary.LittleEndian.Uint32(b); sum != stored {
		return 0, corruptSum(r.path, from, stored, sum)
	}
	if size := uint64(binary.LittleEndian.Uint32(b[4:])); size > maxLeaf || size != uint64(to-from)-uint64(n) {
		return bad(4, fmt.Sprintf("a leaf up to byte %d", to), fmt.Sprintf("%d bytes from byte %d", size, from+int64(n)))
	}
	rec.epoch = binary.LittleEndian.Uint32(b[8:])
	return n, nil
}

// checkLeaf holds a leaf, which lies at offset at, against its hash.
func (r *File) checkLeaf(rec *record, at int64) error {
	if got, want := tlog.RecordHash(rec.leaf), rec.hash(0); got != want {
		return corrupt(r.path, at, fmt.Sprintf("a leaf of hash %s", want), got)
	}
	return nil
}

// hash is the root of the perfect subtree of 2^level leaves that ends with this one.
func (rec *record) hash(level int) merkle.Hash { return merkle.Hash(rec.hashes[hashSize*level:]) }

func (rec *record) key() Key {
	return Key{frame.StreamKey{Tenant: string(rec.names[0]), Device: string(rec.names[1]), Stream: string(rec.names[2])}, rec.epoch}
}

// compare is Key.Compare without memory for the names.
func (rec *record) compare(k *Key) int {
	return cmp.Or(compareName(rec.names[0], k.Tenant), compareName(rec.names[1], k.Device), compareName(rec.names[2], k.Stream),
		cmp.Compare(rec.epoch, k.Epoch))
}

func compareName(b []byte, s string) int {
	switch {
	case string(b) == s:
		return 0
	case string(b) < s:
		return -1
	}
	return +1
}
