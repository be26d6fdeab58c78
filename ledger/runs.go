package ledger

import (
	"iter"
	"slices"
)

// Run is a range of numbers, both ends included.
type Run struct {
	First, Last uint64
}

// span is a run as it is kept: the end is excluded, so the zero span is empty.
type span struct {
	first, end uint64
}

func (s span) empty() bool   { return s.first >= s.end }
func (s span) count() uint64 { return s.end - s.first }
func (s span) run() Run      { return Run{s.first, s.end - 1} }

// clip is the part of s inside [first, end).
func (s span) clip(first, end uint64) span { return span{max(s.first, first), min(s.end, end)} }

// Runs is a set of numbers up to MaxSeq as sorted runs that neither overlap nor touch. The zero value is empty. The last run is kept apart,
// so that appending the next number touches one cache line. Not for concurrent writers.
type Runs struct {
	older []span // ascending, all below tail, none touching the next
	tail  span   // empty only when the set is
}

// Add puts n into the set and reports whether it was absent.
func (r *Runs) Add(n uint64) bool {
	t := &r.tail
	if n == t.end && !t.empty() {
		t.end++
		return true
	}
	if n > t.end || t.empty() {
		r.push(span{n, n + 1})
		return true
	}
	if n >= t.first {
		return false
	}
	return r.insert(span{n, n + 1}) == 1
}

// AddRange puts first..last into the set and returns how many of them were absent. It does nothing when last < first.
func (r *Runs) AddRange(first, last uint64) uint64 {
	s := span{first, last + 1}
	switch t := &r.tail; {
	case s.empty():
		return 0
	case t.empty() || first > t.end:
		r.push(s)
		return s.count()
	case first >= t.first:
		old := t.end
		t.end = max(t.end, s.end)
		return t.end - old
	}
	return r.insert(s)
}

// push makes s the newest run. It lies beyond the tail and does not touch it.
func (r *Runs) push(s span) {
	if !r.tail.empty() {
		r.older = append(r.older, r.tail)
	}
	r.tail = s
}

// insert adds a span that begins below the tail, merges it with what it overlaps or touches, and returns how many numbers are new.
func (r *Runs) insert(s span) uint64 {
	i := 0
	if s.first > 0 {
		i = r.search(s.first - 1) // a run that ends at s.first touches it
	}
	merged, had, j := s, uint64(0), i
	for ; j < r.Len() && r.at(j).first <= s.end; j++ {
		old := r.at(j)
		had += old.count()
		merged = span{min(merged.first, old.first), max(merged.end, old.end)}
	}
	added := merged.count() - had
	if j <= len(r.older) {
		r.older = slices.Replace(r.older, i, j, merged)
		return added
	}
	r.older = r.older[:i] // merged swallowed the tail
	r.tail = merged
	return added
}

// search is the position of the first run that ends after n, Len() when there is none.
func (r *Runs) search(n uint64) int {
	i, _ := slices.BinarySearchFunc(r.older, n, func(s span, n uint64) int {
		if s.end <= n {
			return -1
		}
		return 1
	})
	if i == len(r.older) && r.tail.end <= n {
		return r.Len()
	}
	return i
}

// at is the i'th run, ascending.
func (r *Runs) at(i int) span {
	if i == len(r.older) {
		return r.tail
	}
	return r.older[i]
}

// Len is the number of runs.
func (r *Runs) Len() int {
	if r.tail.empty() {
		return 0
	}
	return len(r.older) + 1
}

// At is the i'th run, ascending, 0 <= i < Len().
func (r *Runs) At(i int) Run { return r.at(i).run() }

// Contains reports whether n is in the set.
func (r *Runs) Contains(n uint64) bool {
	if n >= r.tail.first {
		return n < r.tail.end
	}
	i := r.search(n)
	return i < r.Len() && r.at(i).first <= n
}

// splits reports whether adding n would make one run more.
func (r *Runs) splits(n uint64) bool {
	if r.Contains(n) {
		return false
	}
	return !r.Contains(n+1) && (n == 0 || !r.Contains(n-1))
}

// Count adds up the lengths of all runs. It is O(Len()): the ledger keeps a counter of its own beside it, so that each can prove the other.
func (r *Runs) Count() uint64 {
	total := r.tail.end - r.tail.first
	for _, s := range r.older {
		total += s.count()
	}
	return total
}

// Bounds are the lowest and the highest number, false when the set is empty.
func (r *Runs) Bounds() (first, last uint64, ok bool) {
	if r.tail.empty() {
		return 0, 0, false
	}
	return r.at(0).first, r.tail.end - 1, true
}

// Missing yields the runs of numbers in first..last that are absent, ascending.
func (r *Runs) Missing(first, last uint64) iter.Seq[Run] {
	return func(yield func(Run) bool) {
		for h := range r.holes(first, last+1) {
			if !yield(h.run()) {
				return
			}
		}
	}
}

// holes yields the absent parts of [first, end), ascending.
func (r *Runs) holes(first, end uint64) iter.Seq[span] {
	return func(yield func(span) bool) {
		at := first
		for i := r.search(first); i < r.Len() && at < end; i++ {
			s := r.at(i)
			if at < s.first && !yield(span{at, min(s.first, end)}) {
				return
			}
			at = s.end
		}
		if at < end {
			yield(span{at, end})
		}
	}
}

// All yields the runs that reach into first..last, whole, ascending.
func (r *Runs) All(first, last uint64) iter.Seq[Run] {
	return func(yield func(Run) bool) {
		for i := r.search(first); i < r.Len() && r.at(i).first <= last; i++ {
			if !yield(r.At(i)) {
				return
			}
		}
	}
}
