package merkle

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// Edge and Tree have what tlog would have stored, across the places where chunks of memory end.
func TestGrowIsStoredHashes(t *testing.T) {
	leaves := leafHashes(3 * chunkHashes / 2)
	var stored []Hash
	reader := tlog.HashReaderFunc(func(at []int64) ([]Hash, error) {
		out := make([]Hash, len(at))
		for i := range at {
			out[i] = stored[at[i]]
		}
		return out, nil
	})
	var edge, plain Edge
	var tree Tree
	for i, leaf := range leaves {
		want, err := tlog.StoredHashesForRecordHash(int64(i), leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, want...)
		if got := edge.Grow(leaf, []Hash{EmptyRoot}); !slices.Equal(got[1:], want) || got[0] != EmptyRoot {
			t.Fatalf("leaf %d completes %v, want %v", i, got, want)
		}
		plain.Append(leaf)
		tree.Append(leaf)
		if i%97 == 0 || i < 40 {
			root, err := tlog.TreeHash(int64(i)+1, reader)
			if err != nil || edge.Root() != root || plain.Root() != root || tree.Root() != root || tree.Size() != int64(i)+1 {
				t.Fatalf("roots of %d leaves: %s %s %s, want %s, %v", i+1, edge.Root(), plain.Root(), tree.Root(), root, err)
			}
		}
	}
	all := make([]int64, len(stored))
	for i := range all {
		all[i] = int64(i)
	}
	if got, err := tree.ReadHashes(all); err != nil || !slices.Equal(got, stored) {
		t.Errorf("the hashes of a tree are not those that tlog stores: %v", err)
	}
	for _, at := range []int64{-1, int64(len(stored))} {
		if h, err := tree.ReadHashes([]int64{0, at}); err == nil {
			t.Errorf("hash %d of %d: %v", at, len(stored), h)
		}
	}
}

func TestEmptyTree(t *testing.T) {
	var e Edge
	var tree Tree
	const want = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" // sha256sum of nothing, in base64
	if e.Root().String() != want || tree.Root().String() != want || EmptyRoot.String() != want {
		t.Errorf("roots %s, %s, %s, want %s", e.Root(), tree.Root(), EmptyRoot, want)
	}
	if h, err := tree.ReadHashes([]int64{0}); err == nil {
		t.Errorf("a hash of the empty tree: %v", h)
	}
}

// A clone and what it was made of grow apart, in whichever order.
func TestClone(t *testing.T) {
	leaves := leafHashes(9)
	for size := range 8 {
		var e Edge
		for _, h := range leaves[:size] {
			e.Append(h)
		}
		if !e.Valid() {
			t.Errorf("the edge of %d leaves is not valid", size)
		}
		c := e.Clone()
		e.Append(leaves[7])
		c.Append(leaves[8])
		with := func(leaf Hash) Hash { return rfcRoot(append(slices.Clone(leaves[:size]), leaf)) }
		if e.Root() != with(leaves[7]) || c.Root() != with(leaves[8]) {
			t.Errorf("of %d leaves: %s and %s", size, e.Root(), c.Root())
		}
	}
}

func TestValid(t *testing.T) {
	one := leafHashes(3)
	for _, e := range []Edge{{Size: 1}, {Size: 0, Hashes: one[:1]}, {Size: 3, Hashes: one[:1]}, {Size: 4, Hashes: one[:2]}, {Size: -1, Hashes: one}} {
		if e.Valid() {
			t.Errorf("%d hashes of %d leaves are valid", len(e.Hashes), e.Size)
		}
	}
}

func TestParseHash(t *testing.T) {
	h := leafHashes(1)[0]
	s := h.String()
	if got, err := ParseHash(s); err != nil || got != h {
		t.Fatal(got, err)
	}
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	last := strings.IndexByte(digits, s[42])
	for _, bad := range []string{
		"", s[:40], s + s, s[:43], s + "=", s[:43] + "\n", s[:4] + "\n" + s[4:], s + "\n", s[:43] + "A", strings.Repeat("*", 44),
		s[:42] + digits[last^1:last^1+1] + "=", // a bit behind the last byte
	} {
		if got, err := ParseHash(bad); err == nil {
			t.Errorf("%q is read as %s", bad, got)
		}
	}
	// Every text of one character changed is refused, or another hash.
	for i := range s {
		for _, c := range []byte(digits + "=\n-_") {
			changed := s[:i] + string(c) + s[i+1:]
			if got, err := ParseHash(changed); err == nil && got == h && changed != s {
				t.Fatalf("%q is read as %q", changed, s)
			}
		}
	}
}
