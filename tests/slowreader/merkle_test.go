package slowreader

import (
	"fmt"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// publicTree is a tree of the public library.
type publicTree struct{ hashes []tlog.Hash }

func (p *publicTree) ReadHashes(at []int64) (list []tlog.Hash, err error) {
	for _, i := range at {
		list = append(list, p.hashes[i])
	}
	return list, nil
}

func (p *publicTree) add(t *testing.T, n int64, leaf []byte) {
	t.Helper()
	more, err := tlog.StoredHashes(n, leaf, p)
	if err != nil {
		t.Fatal(err)
	}
	p.hashes = append(p.hashes, more...)
}

func fromPublic(list []tlog.Hash) (hashes []Hash) {
	for _, h := range list {
		hashes = append(hashes, Hash(h))
	}
	return hashes
}

// Roots and proofs of trees of all small sizes are those of golang.org/x/mod/sumdb/tlog.
func TestTreesAgree(t *testing.T) {
	public := &publicTree{}
	var leaves, roots []Hash
	for n := range uint64(40) {
		leaf := fmt.Appendf(nil, "leaf %d", n)
		public.add(t, int64(n), leaf)
		leaves = append(leaves, leafHash(leaf))
		size := n + 1
		want, err := tlog.TreeHash(int64(size), public)
		if err != nil {
			t.Fatal(err)
		}
		roots = append(roots, treeRoot(leaves))
		if roots[n] != Hash(want) {
			t.Fatalf("%d leaves: root %x, want %x", size, roots[n], want)
		}
		for i := range size {
			path, err := tlog.ProveRecord(int64(size), int64(i), public)
			if err != nil {
				t.Fatal(err)
			}
			hashes := fromPublic(path)
			same(t, "inclusion", roots[n], hashes, func(h []Hash) (Hash, error) { return inclusionRoot(size, i, leaves[i], h) })

			steps, err := tlog.ProveTree(int64(size), int64(i+1), public)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "consistency", roots[n], fromPublic(steps), func(h []Hash) (Hash, error) {
				before, after, err := consistencyRoots(i+1, size, roots[i], h)
				if err == nil && before != roots[i] {
					err = damaged("another older root")
				}
				return after, err
			})
		}
	}
}

// same expects a root of a proof, and a fault or another root where the proof is changed.
func same(t *testing.T, what string, root Hash, hashes []Hash, check func([]Hash) (Hash, error)) {
	t.Helper()
	if got, err := check(hashes); err != nil || got != root {
		t.Fatalf("%s: root %x, want %x, %v", what, got, root, err)
	}
	if _, err := check(append(slices.Clone(hashes), Hash{})); err == nil {
		t.Fatalf("%s: a hash too many is not noticed", what)
	}
	for i := range hashes {
		if _, err := check(slices.Delete(slices.Clone(hashes), i, i+1)); err == nil {
			t.Fatalf("%s: hash %d is missing, and nobody notices", what, i)
		}
		changed := slices.Clone(hashes)
		changed[i][i%32] ^= 1
		if got, err := check(changed); err == nil && got == root {
			t.Fatalf("%s: hash %d was changed, and nobody notices", what, i)
		}
	}
}

// A range of leaves has the root of the tree.
func TestRangesHaveTheRoot(t *testing.T) {
	var leaves []Hash
	for n := range 20 {
		leaves = append(leaves, leafHash([]byte{byte(n)}))
		size := len(leaves)
		for from := range size {
			for to := from + 1; to <= size; to++ {
				same(t, "range", treeRoot(leaves), outside(leaves, from, to), func(h []Hash) (Hash, error) {
					return rangeRoot(uint64(size), uint64(from), leaves[from:to], h)
				})
			}
		}
	}
}

// outside is the roots of the largest subtrees without any leaf from..to (excluded).
func outside(leaves []Hash, from, to int) []Hash {
	n := len(leaves)
	if from >= n || to <= 0 {
		return []Hash{treeRoot(leaves)}
	}
	if n == 1 || from <= 0 && to >= n {
		return nil
	}
	k := int(split(uint64(n)))
	left := outside(leaves[:k], from, to)
	return append(left, outside(leaves[k:], from-k, to-k)...)
}
