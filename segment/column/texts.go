package column

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
)

// textTable maps distinct texts to codes: open addressing, at most half full. The order of slots never shows in a result.
type textTable struct {
	slots    []uint16 // code + 1; 0 is free
	entries  [][]byte // by code
	codes    []uint64 // of each value
	distinct int      // bytes of all entries
}

const (
	textProbes   = 4   // the table gives up beyond so many probes per value, which takes bad luck or somebody's intent
	textPatience = 256 // after so many values, and each time after so many more ...
	textNovelty  = 4   // ... it gives up when fewer than one in so many were there before
)

// collect codes v by order of appearance. It reports false where a dictionary is not worth it.
func (t *textTable) collect(v [][]byte) bool {
	size := 1 << bits.Len(uint(2*len(v)))
	t.slots = slices.Grow(t.slots[:0], size)[:size]
	clear(t.slots)
	t.entries, t.codes, t.distinct = t.entries[:0], t.codes[:0], 0
	probes := textProbes * len(v)
	for i, x := range v {
		if i > 0 && i%textPatience == 0 && (i-len(t.entries))*textNovelty < i {
			return false
		}
		slot := int(textHash(x) >> 32 & uint64(size-1))
		for t.slots[slot] != 0 && !bytes.Equal(t.entries[t.slots[slot]-1], x) {
			slot = (slot + 1) & (size - 1)
			probes--
		}
		if probes < 0 {
			return false
		}
		if t.slots[slot] == 0 {
			t.entries = append(t.entries, x)
			t.distinct += len(x)
			t.slots[slot] = uint16(len(t.entries))
		}
		t.codes = append(t.codes, uint64(t.slots[slot]-1))
	}
	return true
}

// forget drops the references to the caller's texts.
func (t *textTable) forget() {
	clear(t.entries)
	t.entries = t.entries[:0]
}

// textHash spreads texts over slots. It is part of what makes bytes equal: a table that gives up depends on it, codes do not.
func textHash(b []byte) uint64 {
	h := uint64(len(b)) * goldenRatio
	for len(b) >= 8 {
		h = (h ^ binary.LittleEndian.Uint64(b)) * goldenRatio
		h ^= h >> 29
		b = b[8:]
	}
	var end [8]byte
	copy(end[:], b)
	h = (h ^ binary.LittleEndian.Uint64(end[:])) * goldenRatio
	return h ^ h>>32
}
