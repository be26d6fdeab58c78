package merkle

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// chunkHashes is how many hashes of a Tree lie together: a tree that grows copies no more than these.
const chunkHashes = 4096

// Tree is a tree with all of its hashes in memory: 64 bytes a leaf. The zero value is the empty tree.
type Tree struct {
	edge   Edge
	chunks [][]Hash // in the order of tlog.StoredHashIndex; all are full but the last
	room   []Hash   // of Append
}

// Append adds a leaf.
func (t *Tree) Append(leaf Hash) {
	t.room = t.edge.Grow(leaf, t.room[:0])
	for _, h := range t.room {
		t.store(h)
	}
}

func (t *Tree) store(h Hash) {
	last := len(t.chunks) - 1
	switch {
	case last < 0:
		t.chunks, last = append(t.chunks, nil), 0 // most trees are small: their only chunk grows
	case len(t.chunks[last]) == chunkHashes:
		t.chunks = append(t.chunks, make([]Hash, 0, chunkHashes))
		last++
	}
	t.chunks[last] = append(t.chunks[last], h)
}

// Size is the number of leaves.
func (t *Tree) Size() int64 { return t.edge.Size }

// Root is the root of the tree.
func (t *Tree) Root() Hash { return t.edge.Root() }

// ReadHashes makes a Tree a tlog.HashReader.
func (t *Tree) ReadHashes(indexes []int64) ([]Hash, error) {
	out := make([]Hash, len(indexes))
	for i, at := range indexes {
		if n := tlog.StoredHashCount(t.edge.Size); at < 0 || at >= n {
			return nil, fmt.Errorf("merkle: hash %d of a tree of %d leaves, which has %d hashes", at, t.edge.Size, n)
		}
		out[i] = t.chunks[at/chunkHashes][at%chunkHashes]
	}
	return out, nil
}

var _ tlog.HashReader = (*Tree)(nil)
