package certificate

import (
	"sort"

	"github.com/gaplessdb/gapless/proof/leaves"
	"github.com/gaplessdb/gapless/proof/merkle"
)

// Leaves is the sorted leaves of one tree. *leaves.File is one. A selection uses it from one goroutine.
type Leaves interface {
	Count() int64
	Root() merkle.Hash
	Key(i int64) (leaves.Key, error)
	Leaf(i int64) ([]byte, error)
	Prove(lo, hi int64) ([]merkle.Hash, error)
}

// selection finds ranges of leaves.
type selection struct {
	in  Leaves
	err error
}

// selectRanges takes the leaves of some ascending spans, and the neighbours on both sides of each: they prove that nothing was left out. Where ranges
// would touch they are one, with one proof.
func selectRanges(in Leaves, spans []Span) ([]Range, error) {
	s := &selection{in: in}
	ranges := []Range{}
	from, to := int64(0), int64(0) // the range that may still grow
	at := int64(0)
	for _, span := range spans {
		lo := s.search(at, span.First)
		hi := s.search(lo, span.End)
		at = hi
		lo, hi = max(lo-1, 0), min(hi+1, in.Count())
		if to > 0 && lo > to {
			ranges = append(ranges, s.read(from, to))
			from = lo
		} else if to == 0 {
			from = lo
		}
		to = hi
	}
	if to > 0 {
		ranges = append(ranges, s.read(from, to))
	}
	return ranges, s.err
}

// search is the first leaf from one on whose key is not below k. Leaves of a scope lie close together, so it looks near first.
func (s *selection) search(from int64, k leaves.Key) int64 {
	step, lo := int64(1), from
	for lo < s.in.Count() && s.below(lo, k) {
		from = lo + 1
		lo += step
		step *= 2
	}
	n := min(lo, s.in.Count()) - from
	return from + int64(sort.Search(int(n), func(i int) bool { return !s.below(from+int64(i), k) }))
}

func (s *selection) below(i int64, k leaves.Key) bool {
	if s.err != nil {
		return false
	}
	got, err := s.in.Key(i)
	if err != nil {
		s.err = err
		return false
	}
	return got.Compare(k) < 0
}

func (s *selection) read(from, to int64) Range {
	r := Range{First: from, Leaves: make([][]byte, 0, to-from)}
	for i := from; i < to && s.err == nil; i++ {
		leaf, err := s.in.Leaf(i)
		s.err = err
		r.Leaves = append(r.Leaves, leaf)
	}
	if s.err == nil {
		r.Proof, s.err = s.in.Prove(from, to)
	}
	if r.Proof == nil {
		r.Proof = []merkle.Hash{}
	}
	return r
}
