package merkle

import (
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// MaxSize bounds the size of a tree, so that the number of its hashes is a number, too.
const MaxSize = 1 << 62

// ErrProof says that a proof cannot be one of the range: its bounds are outside of the tree, or it has too few hashes or too many.
var ErrProof = errors.New("merkle: not a proof of this range")

// ProveRange is the proof that leaves [lo, hi) are in the tree of size leaves whose hashes r reads: the roots of the largest subtrees that
// lie outside of the range, from left to right. The empty tree has one range, [0, 0); all others have a leaf at least.
func ProveRange(size, lo, hi int64, r tlog.HashReader) ([]Hash, error) {
	if err := checkRange(size, lo, hi); err != nil {
		return nil, err
	}
	var need []int64
	var outside []int // how many hashes each subtree needs
	walk(0, size, lo, hi, func(from, to int64) {
		n := len(need)
		need = perfectSubtrees(from, to, need)
		outside = append(outside, len(need)-n)
	})
	if len(need) == 0 {
		return nil, nil
	}
	hashes, err := r.ReadHashes(need)
	if err != nil {
		return nil, fmt.Errorf("merkle: leaves [%d,%d) of %d: %w", lo, hi, size, err)
	}
	if len(hashes) != len(need) {
		return nil, fmt.Errorf("merkle: leaves [%d,%d) of %d: asked for %d hashes, got %d", lo, hi, size, len(need), len(hashes))
	}
	proof := make([]Hash, len(outside))
	for i, n := range outside {
		proof[i], hashes = join(hashes[:n]), hashes[n:]
	}
	return proof, nil
}

// RangeRoot is the root of the tree of size leaves that has these hashes of leaves from lo on and to which this proof belongs. It is an error
// that wraps ErrProof if no such tree can be. The caller compares the root with one that he trusts.
func RangeRoot(size, lo int64, leaves []Hash, proof []Hash) (Hash, error) {
	n := int64(len(leaves))
	if n > size-lo {
		return Hash{}, fmt.Errorf("%w: %d leaves from %d on in a tree of %d", ErrProof, n, lo, size)
	}
	if err := checkRange(size, lo, lo+n); err != nil {
		return Hash{}, err
	}
	if want := proofLength(size, lo, lo+n); len(proof) != want {
		return Hash{}, fmt.Errorf("%w: leaves [%d,%d) of %d need %d hashes, got %d", ErrProof, lo, lo+n, size, want, len(proof))
	}
	if size == 0 {
		return EmptyRoot, nil
	}
	f := folder{lo: lo, hi: lo + n, leaves: leaves, proof: proof}
	return f.subtree(0, size), nil
}

func checkRange(size, lo, hi int64) error {
	if lo < 0 || lo > hi || hi > size || size > MaxSize || lo == hi && size > 0 {
		return fmt.Errorf("%w: bounds [%d,%d) in a tree of %d", ErrProof, lo, hi, size)
	}
	return nil
}

// proofLength is how many hashes prove a range.
func proofLength(size, lo, hi int64) int {
	n := 0
	walk(0, size, lo, hi, func(int64, int64) { n++ })
	return n
}

// walk visits the largest subtrees of [from, to) that lie outside of [lo, hi), from left to right.
func walk(from, to, lo, hi int64, outside func(from, to int64)) {
	switch {
	case lo <= from && to <= hi:
	case to <= lo || hi <= from:
		outside(from, to)
	default:
		middle := from + split(to-from)
		walk(from, middle, lo, hi, outside)
		walk(middle, to, lo, hi, outside)
	}
}

// split is how many of n > 1 leaves are in the left subtree: the largest power of two below n.
func split(n int64) int64 { return 1 << (bits.Len64(uint64(n-1)) - 1) }

// perfectSubtrees appends where tlog stores the hashes of the perfect subtrees that [from, to), a subtree itself, consists of.
func perfectSubtrees(from, to int64, dst []int64) []int64 {
	for from < to {
		level := bits.Len64(uint64(to-from)) - 1
		dst = append(dst, tlog.StoredHashIndex(level, from>>level))
		from += 1 << level
	}
	return dst
}

// folder computes a root from the leaves of a range and the hashes of what is outside, which it takes in order.
type folder struct {
	lo, hi        int64
	leaves, proof []Hash
}

func (f *folder) subtree(from, to int64) Hash {
	switch {
	case to <= f.lo || f.hi <= from:
		h := f.proof[0]
		f.proof = f.proof[1:]
		return h
	case to-from == 1:
		return f.leaves[from-f.lo]
	}
	middle := from + split(to-from)
	left := f.subtree(from, middle)
	return tlog.NodeHash(left, f.subtree(middle, to))
}
