package slowreader

import "crypto/sha256"

// Hash is a node of a Merkle tree of RFC 6962: SHA-256 of 0x00 and a leaf, or of 0x01 and the two nodes below.
type Hash [sha256.Size]byte

func leafHash(leaf []byte) Hash {
	return sha256.Sum256(append([]byte{0}, leaf...))
}

func nodeHash(left, right Hash) Hash {
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

// split is the largest power of two below n: so many leaves of a tree of n, at least two, are on the left.
func split(n uint64) uint64 {
	k := uint64(1)
	for k < n-k {
		k *= 2
	}
	return k
}

// treeRoot is the root over hashes of leaves.
func treeRoot(leaves []Hash) Hash {
	switch n := uint64(len(leaves)); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	default:
		k := split(n)
		return nodeHash(treeRoot(leaves[:k]), treeRoot(leaves[k:]))
	}
}

// proof is the hashes of a proof, which are used up from the front.
type proof struct {
	hashes []Hash
	err    error
}

func (p *proof) next() Hash {
	if len(p.hashes) == 0 {
		if p.err == nil {
			p.err = damaged("a proof has too few hashes")
		}
		return Hash{}
	}
	h := p.hashes[0]
	p.hashes = p.hashes[1:]
	return h
}

// end reports whether the proof had as many hashes as were needed.
func (p *proof) end() error {
	if p.err == nil && len(p.hashes) > 0 {
		return damaged("a proof has %d hashes too many", len(p.hashes))
	}
	return p.err
}

// rangeRoot is the root of a tree of size leaves that a proof gives for the leaves from first on. The proof has the hashes of the largest
// subtrees with none of them, from left to right.
func rangeRoot(size, first uint64, leaves, hashes []Hash) (Hash, error) {
	if size == 0 && first == 0 && len(leaves)+len(hashes) == 0 {
		return treeRoot(nil), nil
	}
	if len(leaves) == 0 || first > size || uint64(len(leaves)) > size-first {
		return Hash{}, damaged("%d leaves from %d of a tree of %d", len(leaves), first, size)
	}
	p := &proof{hashes: hashes}
	last := first + uint64(len(leaves)) // excluded
	var walk func(from, to uint64) Hash
	walk = func(from, to uint64) Hash {
		switch {
		case to <= first || from >= last:
			return p.next()
		case to-from == 1:
			return leaves[from-first]
		}
		middle := from + split(to-from)
		left := walk(from, middle)
		return nodeHash(left, walk(middle, to))
	}
	root := walk(0, size)
	return root, p.end()
}

// inclusionRoot is the root that the audit path of RFC 6962, 2.1.1, gives for one leaf: hashes of siblings, the lowest first.
func inclusionRoot(size, index uint64, leaf Hash, path []Hash) (Hash, error) {
	if index >= size {
		return Hash{}, damaged("leaf %d of a tree of %d", index, size)
	}
	p := &proof{hashes: path}
	var walk func(index, size uint64) Hash
	walk = func(index, size uint64) Hash {
		if size == 1 {
			return leaf
		}
		if k := split(size); index < k {
			left := walk(index, k)
			return nodeHash(left, p.next())
		} else {
			right := walk(index-k, size-k)
			return nodeHash(p.next(), right)
		}
	}
	root := walk(index, size)
	return root, p.end()
}

// consistencyRoots is the roots of the trees of older and newer leaves that the proof of RFC 6962, 2.1.2, gives, where root is what the
// older one is said to have.
func consistencyRoots(older, newer uint64, root Hash, hashes []Hash) (before, after Hash, err error) {
	if older == 0 || older > newer {
		return before, after, damaged("a proof from a tree of %d to one of %d", older, newer)
	}
	p := &proof{hashes: hashes}
	var walk func(m, n uint64, whole bool) (before, after Hash)
	walk = func(m, n uint64, whole bool) (Hash, Hash) {
		if m == n {
			h := root
			if !whole { // only the whole of the older tree is known without being said
				h = p.next()
			}
			return h, h
		}
		k := split(n)
		if m <= k {
			before, after := walk(m, k, whole)
			return before, nodeHash(after, p.next())
		}
		beforeRight, afterRight := walk(m-k, n-k, false)
		left := p.next()
		return nodeHash(left, beforeRight), nodeHash(left, afterRight)
	}
	before, after = walk(older, newer, true)
	return before, after, p.end()
}
