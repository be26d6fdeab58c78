package segment

import "sort"

// BlockPlace is where the rows of some numbers of an epoch lie in the file.
type BlockPlace struct {
	Block             int   // of the blocks that have rows of the epoch, from 1
	Offset            int64 // of the block in the file
	Bytes             uint32
	FirstSeq, LastSeq uint64 // rows of the epoch that the block has
}

// Place finds the block that has, or would have, the row of a number. It is false when no block reaches over it. It reads nothing.
func (e *Epoch) Place(seq uint64) (BlockPlace, bool) {
	i := sort.Search(len(e.refs), func(i int) bool { return e.refs[i].lastSeq >= seq })
	if i == len(e.refs) || e.refs[i].firstSeq > seq {
		return BlockPlace{}, false
	}
	r := &e.refs[i]
	return BlockPlace{Block: i + 1, Offset: r.offset, Bytes: r.length, FirstSeq: r.firstSeq, LastSeq: r.lastSeq}, true
}
