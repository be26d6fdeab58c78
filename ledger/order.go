package ledger

import (
	"iter"
	"slices"
	"sort"

	"github.com/gaplessdb/gapless/frame"
)

// orderChunk is how many ids a chunk of an order holds at most: small enough to move on insert, large enough that few chunks exist.
const orderChunk = 512

// order is a list of stream ids sorted by their names, in chunks, so that an insert moves little.
type order struct {
	chunks [][]frame.StreamID // none empty
}

// insert puts id in its place. Names that come in ascending order fill chunk after chunk.
func (o *order) insert(id frame.StreamID, compare func(a, b frame.StreamID) int) {
	if len(o.chunks) == 0 {
		o.chunks = [][]frame.StreamID{o.newChunk(id)}
		return
	}
	c := max(sort.Search(len(o.chunks), func(i int) bool { return compare(o.chunks[i][0], id) > 0 })-1, 0)
	chunk := o.chunks[c]
	at, _ := slices.BinarySearchFunc(chunk, id, compare)
	if len(chunk) < orderChunk {
		o.chunks[c] = slices.Insert(chunk, at, id)
		return
	}
	if at == orderChunk && c == len(o.chunks)-1 {
		o.chunks = append(o.chunks, o.newChunk(id))
		return
	}
	const half = orderChunk / 2
	upper := o.newChunk(chunk[half:]...)
	o.chunks[c] = chunk[:half]
	o.chunks = slices.Insert(o.chunks, c+1, upper)
	if at <= half {
		o.chunks[c] = slices.Insert(o.chunks[c], at, id)
	} else {
		o.chunks[c+1] = slices.Insert(upper, at-half, id)
	}
}

func (o *order) newChunk(ids ...frame.StreamID) []frame.StreamID {
	return append(make([]frame.StreamID, 0, orderChunk), ids...)
}

// place is a position in an order.
type place struct{ chunk, at int }

// search is the first position whose id satisfies ok. As with sort.Search, ok is false for a prefix and true for the rest.
func (o *order) search(ok func(frame.StreamID) bool) place {
	c := sort.Search(len(o.chunks), func(i int) bool { return ok(o.chunks[i][len(o.chunks[i])-1]) })
	if c == len(o.chunks) {
		return place{chunk: c}
	}
	return place{c, sort.Search(len(o.chunks[c]), func(i int) bool { return ok(o.chunks[c][i]) })}
}

// all yields every id in order.
func (o *order) all() iter.Seq[frame.StreamID] { return o.from(place{}) }

// from yields the ids in order from p on.
func (o *order) from(p place) iter.Seq[frame.StreamID] {
	return func(yield func(frame.StreamID) bool) {
		at := p.at
		for c := p.chunk; c < len(o.chunks); c++ {
			for ; at < len(o.chunks[c]); at++ {
				if !yield(o.chunks[c][at]) {
					return
				}
			}
			at = 0
		}
	}
}
