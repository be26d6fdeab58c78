package merkle

import (
	"errors"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

func hashesIn(b []byte) (out []Hash) {
	for ; len(b) >= tlog.HashSize; b = b[tlog.HashSize:] {
		out = append(out, Hash(b))
	}
	return out
}

func bytesOf(hashes []Hash) (out []byte) {
	for _, h := range hashes {
		out = append(out, h[:]...)
	}
	return out
}

// Whatever is given as a proof, it is refused or leads to one root; and another leaf, another hash lead to another one.
func FuzzRangeRoot(f *testing.F) {
	leaves := leafHashes(11)
	proof, err := ProveRange(11, 3, 6, treeOf(leaves))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(int64(11), int64(3), bytesOf(leaves[3:6]), bytesOf(proof))
	f.Add(int64(1), int64(0), bytesOf(leaves[:1]), []byte{})
	f.Add(int64(0), int64(0), []byte{}, []byte{})
	f.Add(int64(MaxSize), int64(1<<40+7), bytesOf(leaves[:5]), bytesOf(leafHashes(70)))
	f.Fuzz(func(t *testing.T, size, lo int64, leafBytes, proofBytes []byte) {
		leaves, proof := hashesIn(leafBytes), hashesIn(proofBytes)
		root, err := RangeRoot(size, lo, leaves, proof)
		if err != nil {
			if !errors.Is(err, ErrProof) {
				t.Fatal(err)
			}
			return
		}
		if size < 0 || lo < 0 || lo+int64(len(leaves)) > size || len(proof) > 2*62 {
			t.Fatalf("[%d,+%d) of %d with %d hashes leads to %s", lo, len(leaves), size, len(proof), root)
		}
		for _, list := range [][]Hash{leaves, proof} {
			for i := range list {
				list[i][i%tlog.HashSize] ^= 1
				if other, err := RangeRoot(size, lo, leaves, proof); err != nil || other == root {
					t.Fatalf("hash %d of %d changed: %s, %v", i, len(list), other, err)
				}
				list[i][i%tlog.HashSize] ^= 1
			}
		}
		if len(proof) == 0 && !slices.Equal([]Hash{root}, []Hash{rfcRoot(leaves)}) {
			t.Fatalf("all %d leaves lead to %s", size, root)
		}
	})
}

func FuzzParseHash(f *testing.F) {
	f.Add(EmptyRoot.String())
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if h, err := ParseHash(s); err == nil && h.String() != s {
			t.Fatalf("%q is read as %q", s, h)
		}
	})
}
