package segment

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"sort"

	"github.com/gaplessdb/gapless/segment/column"
)

// The top index has the first entry of each page, pages lying back to back from the start of the section:
//
//	top    = groups of { pages u16, length u32 of the columns, columns }
//	column = 0 bytes of the key shared with the page before in the group   1 the rest of the key   2 epoch   3 first seq   4 page length
const (
	topShared uint8 = iota
	topSuffix
	topEpoch
	topSeq
	topLength
)

// topEntry is the first entry of a page, and where the page is.
type topEntry struct {
	key     []byte
	ordinal uint32
	seq     uint64
	length  uint32
	offset  int64
}

// compare orders entries of the index, (key, ordinal, first seq).
func (t *topEntry) compare(key []byte, ordinal uint32, seq uint64) int {
	return cmp.Or(bytes.Compare(t.key, key), cmp.Compare(t.ordinal, ordinal), cmp.Compare(t.seq, seq))
}

func appendTop(dst []byte, w *packer, top []topEntry) []byte {
	for len(top) > 0 {
		group := top[:min(len(top), topGroupSize)]
		top = top[len(group):]
		var front frontCoder
		var epoch, seq, length []uint64
		for i := range group {
			front.add(group[i].key)
			epoch = append(epoch, uint64(group[i].ordinal))
			seq = append(seq, group[i].seq)
			length = append(length, uint64(group[i].length))
		}
		w.out = w.out[:0]
		w.uints(topShared, front.shared)
		w.bytes(topSuffix, front.suffixes)
		w.uints(topEpoch, epoch)
		w.uints(topSeq, seq)
		w.uints(topLength, length)
		dst = binary.LittleEndian.AppendUint16(dst, uint16(len(group)))
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(w.out)))
		dst = append(dst, w.out...)
	}
	return dst
}

// parseTop reads the top index of pages that lie at offset and have so many bytes together.
func parseTop(dec *column.Decoder, b []byte, offset, length int64) (top []topEntry, err error) {
	c := cursor{b: b}
	at := offset
	for c.left() > 0 {
		n := int(c.u16())
		table := c.take(uint64(c.u32()))
		if c.bad || n < 1 || n > topGroupSize {
			return nil, damaged("top index", int64(c.i), fmt.Sprintf("a group of 1 to %d pages", topGroupSize), n)
		}
		u := newUnpacker(dec, table)
		shared, suffixes := u.uints(topShared, n), u.bytes(topSuffix, n)
		epoch, seq, lengths := u.uints(topEpoch, n), u.uints(topSeq, n), u.uints(topLength, n)
		if u.err != nil {
			return nil, u.err
		}
		keys, ok := frontDecode(shared, suffixes)
		for i := range keys {
			e := topEntry{key: keys[i], ordinal: uint32(epoch[i]), seq: seq[i], length: uint32(lengths[i]), offset: at}
			if lengths[i] < pageHead || lengths[i] > maxPage || epoch[i] > math.MaxUint32 || int64(e.length) > offset+length-at {
				return nil, damaged("top index", int64(c.i), "pages inside of their section", fmt.Sprintf("one of %d bytes", lengths[i]))
			}
			if len(top) > 0 && top[len(top)-1].compare(e.key, e.ordinal, e.seq) >= 0 {
				return nil, damaged("top index", int64(c.i), "ascending keys", fmt.Sprintf("%q after %q", e.key, top[len(top)-1].key))
			}
			top = append(top, e)
			at += int64(e.length)
		}
		if !ok {
			return nil, damaged("top index", int64(c.i), "keys", "one that is too long or shares more than there is")
		}
	}
	if at != offset+length || len(top) == 0 {
		return nil, damaged("top index", 0, fmt.Sprintf("pages of %d bytes", length), at-offset)
	}
	return top, nil
}

// firstPage returns the first page that can have entries of the key at or above the ordinal.
func firstPage(top []topEntry, key []byte, ordinal uint32) int {
	i := sort.Search(len(top), func(i int) bool { return top[i].compare(key, ordinal, 0) >= 0 })
	return max(i-1, 0)
}
