package merkle

import (
	"crypto/sha256"
	"math/bits"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is the hash of a leaf, of a subtree or of a tree. That of a leaf is tlog.RecordHash of its bytes.
type Hash = tlog.Hash

// EmptyRoot is the root of the tree without leaves.
var EmptyRoot Hash = sha256.Sum256(nil)

// Edge is the right edge of a tree that grows: the roots of the perfect subtrees it consists of, the largest first. Size has a bit for
// each of them, so len(Hashes) is the number of ones in Size. The zero value is the empty tree.
type Edge struct {
	Size   int64
	Hashes []Hash
}

// Valid reports whether an edge has as many hashes as its size asks for. One that was read from somewhere must be, before it is used.
func (e *Edge) Valid() bool { return e.Size >= 0 && len(e.Hashes) == bits.OnesCount64(uint64(e.Size)) }

// Append adds a leaf.
func (e *Edge) Append(leaf Hash) { e.grow(leaf, nil) }

// Grow adds a leaf and appends to dst the roots of the perfect subtrees that end with it, the leaf itself first: the hashes that
// tlog.StoredHashes gives for it.
func (e *Edge) Grow(leaf Hash, dst []Hash) []Hash {
	e.grow(leaf, &dst)
	return dst
}

func (e *Edge) grow(h Hash, done *[]Hash) {
	note := func() {
		if done != nil {
			*done = append(*done, h)
		}
	}
	note()
	for n := e.Size; n&1 == 1; n >>= 1 {
		last := len(e.Hashes) - 1
		h, e.Hashes = tlog.NodeHash(e.Hashes[last], h), e.Hashes[:last]
		note()
	}
	e.Hashes = append(e.Hashes, h)
	e.Size++
}

// Root is the root of the tree.
func (e *Edge) Root() Hash {
	if len(e.Hashes) == 0 {
		return EmptyRoot
	}
	return join(e.Hashes)
}

// Clone is a copy that grows on its own.
func (e *Edge) Clone() Edge { return Edge{e.Size, slices.Clone(e.Hashes)} }

// join is the root of a tree out of the roots of its perfect subtrees, the largest first. There is at least one.
func join(perfect []Hash) Hash {
	h := perfect[len(perfect)-1]
	for _, left := range slices.Backward(perfect[:len(perfect)-1]) {
		h = tlog.NodeHash(left, h)
	}
	return h
}
