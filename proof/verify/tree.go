package verify

import (
	"sort"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/gaplessdb/gapless/proof/certificate"
	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/merkle"
)

// shownTree is the leaves that a certificate shows of one tree, after their proofs held.
type shownTree struct {
	where string // for messages
	size  int64
	keys  []leaves.Key
	index []int64
	bytes [][]byte
}

// openTree checks that every range leads to the root, and reads keys, which must ascend.
func openTree(where string, ranges []certificate.Range, size int64, rootText string, keyOf func([]byte) (leaves.Key, error)) (*shownTree, error) {
	root, err := merkle.ParseHash(rootText)
	if err != nil {
		return nil, tampered("%s: root: %w", where, err)
	}
	t := &shownTree{where: where, size: size}
	if size == 0 {
		if len(ranges) > 0 || root != merkle.EmptyRoot {
			return nil, tampered("%s: %d ranges of an empty tree with root %s", where, len(ranges), root)
		}
		return t, nil
	}
	for i := range ranges {
		g := &ranges[i]
		if i > 0 && g.First <= t.index[len(t.index)-1]+1 {
			return nil, tampered("%s: range %d begins at leaf %d, the one before goes to %d", where, i, g.First, t.index[len(t.index)-1])
		}
		hashes := make([]merkle.Hash, len(g.Leaves))
		for j, leaf := range g.Leaves {
			hashes[j] = tlog.RecordHash(leaf)
		}
		got, err := merkle.RangeRoot(size, g.First, hashes, g.Proof)
		if err != nil {
			return nil, tampered("%s: range %d: %w", where, i, err)
		}
		if got != root {
			return nil, tampered("%s: the %d leaves from %d on lead to root %s, the log has %s", where, len(g.Leaves), g.First, got, root)
		}
		for j, leaf := range g.Leaves {
			if err := t.add(g.First+int64(j), leaf, keyOf); err != nil {
				return nil, err
			}
		}
	}
	return t, nil
}

func (t *shownTree) add(index int64, leaf []byte, keyOf func([]byte) (leaves.Key, error)) error {
	key, err := keyOf(leaf)
	if err != nil {
		return tampered("%s: leaf %d: %w", t.where, index, err)
	}
	if n := len(t.keys); n > 0 && t.keys[n-1].Compare(key) >= 0 {
		return tampered("%s: leaf %d is %s, behind %s: the tree is not sorted", t.where, index, key, t.keys[n-1])
	}
	t.keys, t.index, t.bytes = append(t.keys, key), append(t.index, index), append(t.bytes, leaf)
	return nil
}

// within is the places of all leaves of the tree whose keys are in a span. It fails unless the leaves that are shown follow each other from one below
// the span, or the tree's first, to one above it, or the tree's last: then there is no other.
func (t *shownTree) within(s *certificate.Span) (from, to int, err error) {
	from = sort.Search(len(t.keys), func(i int) bool { return t.keys[i].Compare(s.First) >= 0 })
	to = from + sort.Search(len(t.keys)-from, func(i int) bool { return t.keys[from+i].Compare(s.End) >= 0 })
	next := int64(0) // index that has to come next
	if from > 0 {
		next = t.index[from-1] + 1
	}
	for i := from; i <= to; i++ {
		got := t.size
		if i < len(t.index) {
			got = t.index[i]
		}
		if got != next {
			return 0, 0, tampered("%s: leaves %d to %d are not shown, and may be of the scope", t.where, next, got-1)
		}
		next++
	}
	return from, to, nil
}
