package segment

import "github.com/gaplessdb/gapless/segment/column"

// sealRooms is the memory of a walk. What a block is read and decoded with is there once, for whichever source is at it. The decoded blocks are
// lent to the sources that have rows ahead in one: so there are as many as inputs overlap, however many inputs there are.
type sealRooms struct {
	dec    column.Decoder
	serial uint64 // of the block that was decoded last

	buf   []byte     // the block that is read, as far as it was
	dir   *directory // of it
	room  []byte     // for a column of seal ordinals that lies behind buf
	seal  []uint32   // its seal ordinals; see SealedBlock
	wide  []uint64
	steps []int64

	free []*SealedBlock // nobody has rows ahead in them. What was handed out last may be one of them: it is written to when the walk goes on
}

func newSealRooms() *sealRooms { return &sealRooms{dec: column.Decoder{MaxBytes: maxBlock}} }

// take lends a block.
func (r *sealRooms) take() *SealedBlock {
	n := len(r.free)
	if n == 0 {
		return &SealedBlock{}
	}
	b := r.free[n-1]
	r.free = r.free[:n-1]
	return b
}

// give takes a block back.
func (r *sealRooms) give(b *SealedBlock) { r.free = append(r.free, b) }
