package slowreader

import "fmt"

// shown is the leaves of one tree that a certificate shows.
type shown struct {
	size   uint64
	leaves []shownLeaf
}

type shownLeaf struct {
	index uint64
	key   Key
	bytes []byte
}

// readRanges leads the leaves of all ranges to a root, and reads their keys.
func readRanges(root Hash, size uint64, ranges []leafRange, key func([]byte) (Key, error)) (*shown, error) {
	s := &shown{size: size}
	if size == 0 && (len(ranges) > 0 || root != treeRoot(nil)) {
		return nil, damaged("%d ranges of a tree without leaves, of root %x", len(ranges), root)
	}
	next := uint64(0)
	for i, r := range ranges {
		if len(r.Leaves) == 0 || i > 0 && r.First <= next {
			return nil, damaged("range %d has %d leaves from %d, the one before ends at %d", i, len(r.Leaves), r.First, next)
		}
		var hashes []Hash
		for _, leaf := range r.Leaves {
			hashes = append(hashes, leafHash(leaf))
		}
		got, err := rangeRoot(size, r.First, hashes, r.Proof)
		if err != nil || got != root {
			return nil, damaged("range %d leads to %x, not to %x, %v", i, got, root, err)
		}
		for k, leaf := range r.Leaves {
			one := shownLeaf{index: r.First + uint64(k), bytes: leaf}
			if one.key, err = key(leaf); err != nil {
				return nil, fmt.Errorf("leaf %d: %w", one.index, err)
			}
			if n := len(s.leaves); n > 0 && s.leaves[n-1].key.Compare(one.key) >= 0 {
				return nil, damaged("leaf %d is of %v, the one before of %v", one.index, one.key, s.leaves[n-1].key)
			}
			s.leaves = append(s.leaves, one)
		}
		next = r.First + uint64(len(r.Leaves))
	}
	return s, nil
}

// whole makes sure that no leaf of a span is left out: those that are shown from the last one below it to the first one above follow each
// other.
func (s *shown) whole(of span) error {
	if s.size == 0 {
		return nil
	}
	from, to := 0, 0 // the first leaf that is not below the span, and the first that is behind it
	for _, leaf := range s.leaves {
		if leaf.key.Compare(of.first) < 0 {
			from++
		}
		if leaf.key.Compare(of.end) < 0 {
			to++
		}
	}
	n := len(s.leaves)
	if n == 0 || from == 0 && s.leaves[0].index != 0 || to == n && s.leaves[n-1].index != s.size-1 {
		return damaged("the neighbours of %v are not shown", of)
	}
	for i := max(0, from-1); i < min(to, n-1); i++ {
		if s.leaves[i+1].index != s.leaves[i].index+1 {
			return damaged("behind leaf %d stands leaf %d, within %v", s.leaves[i].index, s.leaves[i+1].index, of)
		}
	}
	return nil
}

// inScope are the leaves of streams in scope, once none of them is left out.
func (s *shown) inScope(scope *Scope) (list []shownLeaf, err error) {
	for _, of := range scope.spans() {
		if err := s.whole(of); err != nil {
			return nil, err
		}
	}
	for _, leaf := range s.leaves {
		if scope.holds(leaf.key) {
			list = append(list, leaf)
		}
	}
	return list, nil
}
