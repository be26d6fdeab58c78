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

// selection finds leaves of a tree, and makes ranges of them.
type selection struct {
	in   Leaves
	room *room
	err  error

	ranges []Range // those behind each other; the last one has no proof yet
}

// selectRanges takes the leaves of some ascending spans, and the neighbours on both sides of each: they prove that nothing was left out. Where ranges
// would touch they are one, with one proof.
func selectRanges(in Leaves, spans []Span, room *room) ([]Range, error) {
	s := &selection{in: in, room: room}
	for at, taken := int64(0), int64(0); len(spans) > 0; spans = spans[1:] {
		lo := s.search(at, spans[0].First)
		at = s.search(lo, spans[0].End)
		for i := max(lo-1, taken); i < min(at+1, in.Count()) && s.err == nil; i++ {
			s.add(i, s.leaf(i))
			taken = i + 1
		}
	}
	return s.end()
}

// search is the first leaf from one on whose key is not below k. Leaves of a scope lie close together, so it looks near first.
func (s *selection) search(from int64, k leaves.Key) int64 {
	if s.err == nil {
		s.err = s.room.take(0)
	}
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

// leaf reads one, nil after an error.
func (s *selection) leaf(i int64) (b []byte) {
	if s.err == nil {
		b, s.err = s.in.Leaf(i)
	}
	return b
}

// add takes the next leaf into the ranges.
func (s *selection) add(i int64, leaf []byte) {
	if s.err == nil {
		s.err = s.room.leaf(leaf)
	}
	if s.err != nil {
		return
	}
	n := len(s.ranges)
	if n == 0 || s.ranges[n-1].First+int64(len(s.ranges[n-1].Leaves)) != i {
		s.prove()
		s.ranges = append(s.ranges, Range{First: i})
		n = len(s.ranges)
	}
	s.ranges[n-1].Leaves = append(s.ranges[n-1].Leaves, leaf)
}

// prove proves the last range.
func (s *selection) prove() {
	if len(s.ranges) == 0 || s.err != nil {
		return
	}
	r := &s.ranges[len(s.ranges)-1]
	proof, err := s.in.Prove(r.First, r.First+int64(len(r.Leaves)))
	if err == nil {
		err = s.room.proof(proof)
	}
	r.Proof, s.err = append([]merkle.Hash{}, proof...), err
}

// end is the ranges.
func (s *selection) end() ([]Range, error) {
	s.prove()
	return append([]Range{}, s.ranges...), s.err
}
