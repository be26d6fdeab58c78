package merkle

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

// leafHashes are the hashes of n different leaves.
func leafHashes(n int64) []Hash {
	out := make([]Hash, n)
	for i := range out {
		out[i] = tlog.RecordHash(fmt.Append(nil, "leaf ", i))
	}
	return out
}

func treeOf(leaves []Hash) *Tree {
	t := &Tree{}
	for _, h := range leaves {
		t.Append(h)
	}
	return t
}

// rfcRoot is the definition in RFC 6962, 2.1, word for word, from hashes of leaves.
func rfcRoot(d []Hash) Hash {
	switch len(d) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return d[0]
	}
	k := 1
	for 2*k < len(d) {
		k *= 2
	}
	left, right := rfcRoot(d[:k]), rfcRoot(d[k:])
	return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
}

// rfcOutside are the roots of the largest subtrees of d, which begins at leaf from, that have nothing of [lo, hi).
func rfcOutside(d []Hash, from, lo, hi int) []Hash {
	to := from + len(d)
	switch {
	case len(d) == 0 || lo <= from && to <= hi:
		return nil
	case to <= lo || hi <= from:
		return []Hash{rfcRoot(d)}
	}
	k := 1
	for 2*k < len(d) {
		k *= 2
	}
	return append(rfcOutside(d[:k], from, lo, hi), rfcOutside(d[k:], from+k, lo, hi)...)
}

// All ranges of all small trees: the proof is the one that the definition gives, and leads to the root.
func TestEveryRangeOfSmallTrees(t *testing.T) {
	leaves := leafHashes(70)
	for size := range 71 {
		tree := treeOf(leaves[:size])
		root := rfcRoot(leaves[:size])
		if got := tree.Root(); got != root {
			t.Fatalf("root of %d leaves: %s, want %s", size, got, root)
		}
		for lo := range size {
			for hi := lo + 1; hi <= size; hi++ {
				proof, err := ProveRange(int64(size), int64(lo), int64(hi), tree)
				if err != nil || !slices.Equal(proof, rfcOutside(leaves[:size], 0, lo, hi)) {
					t.Fatalf("[%d,%d) of %d: %v, %v", lo, hi, size, proof, err)
				}
				if got, err := RangeRoot(int64(size), int64(lo), leaves[lo:hi], proof); err != nil || got != root {
					t.Fatalf("[%d,%d) of %d leads to %s, %v, want %s", lo, hi, size, got, err, root)
				}
			}
		}
	}
}

// auditPath brings the proof of leaf i into the order of RFC 6962: from the leaf up.
func auditPath(size, i int64, proof []Hash) []Hash {
	if size == 1 {
		return nil
	}
	if k := split(size); i < k {
		last := len(proof) - 1
		return append(auditPath(k, i, proof[:last]), proof[last])
	} else {
		return append(auditPath(size-k, i-k, proof[1:]), proof[0])
	}
}

// The proof of one leaf is tlog's, in another order.
func TestOneLeafIsARecordProof(t *testing.T) {
	leaves := leafHashes(130)
	for size := int64(1); size <= 130; size++ {
		tree := treeOf(leaves[:size])
		for i := range size {
			proof, err := ProveRange(size, i, i+1, tree)
			if err != nil {
				t.Fatal(err)
			}
			path := auditPath(size, i, proof)
			if want, err := tlog.ProveRecord(size, i, tree); err != nil || !slices.Equal(path, want) {
				t.Fatalf("leaf %d of %d: %v, want %v, %v", i, size, path, want, err)
			}
			if err := tlog.CheckRecord(path, size, tree.Root(), i, leaves[i]); err != nil {
				t.Fatalf("leaf %d of %d: %v", i, size, err)
			}
		}
	}
}

// Nothing but the leaves, where they are, and the proof leads to the root.
func TestWrongProofsAreRefused(t *testing.T) {
	leaves := leafHashes(20)
	other := tlog.RecordHash([]byte("another leaf"))
	for size := int64(1); size <= 20; size++ {
		tree := treeOf(leaves[:size])
		root := tree.Root()
		for lo := range size {
			for hi := lo + 1; hi <= size; hi++ {
				proof, err := ProveRange(size, lo, hi, tree)
				if err != nil {
					t.Fatal(err)
				}
				refused := func(what string, lo int64, leaves, proof []Hash) {
					t.Helper()
					if got, err := RangeRoot(size, lo, leaves, proof); err == nil && got == root || err != nil && !errors.Is(err, ErrProof) {
						t.Fatalf("[%d,%d) of %d with %s: %s, %v", lo, hi, size, what, got, err)
					}
				}
				for i := range proof {
					for _, bit := range []int{0, 7, 128, 255} {
						p := slices.Clone(proof)
						p[i][bit/8] ^= 1 << (bit % 8)
						refused(fmt.Sprintf("bit %d of hash %d flipped", bit, i), lo, leaves[lo:hi], p)
					}
					refused("a hash missing", lo, leaves[lo:hi], slices.Delete(slices.Clone(proof), i, i+1))
					if i > 0 {
						p := slices.Clone(proof)
						p[i], p[i-1] = p[i-1], p[i]
						refused("two hashes exchanged", lo, leaves[lo:hi], p)
					}
				}
				for i := range len(proof) + 1 {
					refused("a hash too many", lo, leaves[lo:hi], slices.Insert(slices.Clone(proof), i, other))
				}
				for i := range hi - lo {
					d := slices.Clone(leaves[lo:hi])
					d[i] = other
					refused("a leaf changed", lo, d, proof)
					refused("a leaf missing", lo, slices.Delete(slices.Clone(leaves[lo:hi]), int(i), int(i)+1), proof)
					if i > 0 {
						d[i], d[i-1] = leaves[lo+i-1], leaves[lo+i]
						refused("two leaves exchanged", lo, d, proof)
					}
				}
				for shift := -size; shift <= size; shift++ {
					if shift != 0 {
						refused(fmt.Sprintf("leaves shifted by %d", shift), lo+shift, leaves[lo:hi], proof)
					}
				}
			}
		}
	}
}

func TestBounds(t *testing.T) {
	tree := treeOf(leafHashes(5))
	for _, c := range [][3]int64{
		{5, -1, 2}, {5, 2, 2}, {5, 0, 0}, {5, 5, 5}, {5, 3, 2}, {5, 0, 6}, {5, 5, 6}, {-1, 0, 0}, {-1, -1, 0}, {0, 0, 1}, {0, 1, 1},
		{MaxSize + 1, 0, 1}, {math.MaxInt64, math.MaxInt64 - 1, math.MaxInt64}, {5, math.MinInt64, 1}, {5, 0, math.MaxInt64},
	} {
		if p, err := ProveRange(c[0], c[1], c[2], tree); !errors.Is(err, ErrProof) {
			t.Errorf("ProveRange(%d, %d, %d): %v, %v", c[0], c[1], c[2], p, err)
		}
	}
	for _, c := range []struct {
		size, lo int64
		leaves   int64
	}{{5, -1, 2}, {5, 2, 0}, {5, 4, 2}, {5, 6, 1}, {-1, 0, 1}, {-1, 0, 0}, {0, 0, 1}, {0, 1, 0}, {MaxSize + 1, 0, 1}, {math.MinInt64, 1, 1},
		{5, math.MaxInt64, 1}, {5, math.MinInt64, 1}} {
		if h, err := RangeRoot(c.size, c.lo, leafHashes(c.leaves), leafHashes(3)); !errors.Is(err, ErrProof) {
			t.Errorf("RangeRoot(%d, %d, %d leaves): %s, %v", c.size, c.lo, c.leaves, h, err)
		}
	}
	proof, err := ProveRange(0, 0, 0, tree)
	if err != nil || len(proof) != 0 {
		t.Errorf("the range of the empty tree: %v, %v", proof, err)
	}
	if root, err := RangeRoot(0, 0, nil, nil); err != nil || root != rfcRoot(nil) {
		t.Errorf("the root of the empty tree: %s, %v", root, err)
	}
	if root, err := RangeRoot(0, 0, nil, leafHashes(1)); !errors.Is(err, ErrProof) {
		t.Errorf("a hash for the empty tree: %s, %v", root, err)
	}
}

// The sizes of real trees, of which a proof has no more than two hashes a level.
func TestLargeTrees(t *testing.T) {
	leaves := leafHashes(9000)
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(1, int64(len(leaves))).Draw(t, "size")
		lo := rapid.Int64Range(0, size-1).Draw(t, "lo")
		hi := rapid.Int64Range(lo+1, size).Draw(t, "hi")
		tree := treeOf(leaves[:size])
		proof, err := ProveRange(size, lo, hi, tree)
		if err != nil || len(proof) > 2*14 {
			t.Fatalf("%d hashes, %v", len(proof), err)
		}
		want, err := tlog.TreeHash(size, tree)
		if err != nil || want != tree.Root() {
			t.Fatal(want, tree.Root(), err)
		}
		if got, err := RangeRoot(size, lo, leaves[lo:hi], proof); err != nil || got != want {
			t.Fatalf("%s, %v, want %s", got, err, want)
		}
	})
}

// A reader that fails, or gives less than it was asked for, is no proof.
func TestReaderFails(t *testing.T) {
	sick := errors.New("input/output error")
	for name, read := range map[string]tlog.HashReaderFunc{
		"fails":         func([]int64) ([]Hash, error) { return nil, sick },
		"gives less":    func(at []int64) ([]Hash, error) { return make([]Hash, len(at)-1), nil },
		"gives more":    func(at []int64) ([]Hash, error) { return make([]Hash, len(at)+1), nil },
		"gives nothing": func([]int64) ([]Hash, error) { return nil, nil },
	} {
		if proof, err := ProveRange(5, 1, 2, read); err == nil || name == "fails" && !errors.Is(err, sick) {
			t.Errorf("a reader that %s: %v, %v", name, proof, err)
		}
	}
}
