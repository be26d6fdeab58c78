package ledger

import "iter"

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
	older *list[span] // all below tail, none touching the next; nil until there is one
	tail  span        // empty only when the set is
}

// fork is the same set. From now on only the fork may be written, and what is read through r stays as it is.
func (r *Runs) fork() Runs {
	f := Runs{tail: r.tail}
	if r.older != nil {
		older := r.older.fork()
		f.older = &older
	}
	return f
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
		r.ended().push(r.tail)
	}
	r.tail = s
}

// ended is the list of the older runs, to be written.
func (r *Runs) ended() *list[span] {
	if r.older == nil {
		r.older = &list[span]{}
	}
	return r.older
}

// insert adds a span that begins below the tail, merges it with what it overlaps or touches, and returns how many numbers are new.
func (r *Runs) insert(s span) uint64 {
	older := r.ended()
	from := older.search(func(run span) bool { return run.end >= s.first }) // one that ends at s.first touches it
	merged, had, to := s, uint64(0), from
	for {
		run, any := older.at(to)
		if !any || run.first > s.end {
			break
		}
		had += run.count()
		merged = span{min(merged.first, run.first), max(merged.end, run.end)}
		to = older.next(to)
	}
	if _, more := older.at(to); more || r.tail.first > s.end {
		older.replace(from, to, merged)
		return merged.count() - had
	}
	older.replace(from, to)
	had += r.tail.count()
	r.tail = span{min(merged.first, r.tail.first), max(merged.end, r.tail.end)}
	return r.tail.count() - had
}

// from yields the runs that end after n, ascending.
func (r *Runs) from(n uint64) iter.Seq[span] {
	return func(yield func(span) bool) {
		if r.older != nil && n < r.tail.first {
			for s := range r.older.from(r.older.search(func(s span) bool { return s.end > n })) {
				if !yield(s) {
					return
				}
			}
		}
		if r.tail.end > n {
			yield(r.tail)
		}
	}
}

// around is the run that n is in, or else the hole, as far as it lies inside in, which n does.
func (r *Runs) around(n uint64, in span) (s span, stored bool) {
	for run := range r.from(n) {
		if run.first <= n {
			return run, true
		}
		in.end = min(in.end, run.first)
		break
	}
	if before, any := r.before(n); any {
		in.first = max(in.first, before.end)
	}
	return in, false
}

// before is the last run that ends at or before n, false when there is none.
func (r *Runs) before(n uint64) (span, bool) {
	if !r.tail.empty() && r.tail.end <= n {
		return r.tail, true
	}
	if r.older == nil {
		return span{}, false
	}
	return r.older.before(r.older.search(func(s span) bool { return s.end > n }))
}

// first is the lowest run, empty when the set is.
func (r *Runs) first() span {
	if r.older != nil && r.older.count > 0 {
		s, _ := r.older.at(spot{})
		return s
	}
	return r.tail
}

// Len is the number of runs.
func (r *Runs) Len() int {
	switch {
	case r.tail.empty():
		return 0
	case r.older == nil:
		return 1
	}
	return r.older.count + 1
}

// At is the i'th run, ascending, 0 <= i < Len(). It counts through the list: All is the way to see many.
func (r *Runs) At(i int) Run {
	for s := range r.from(0) {
		if i--; i < 0 {
			return s.run()
		}
	}
	return Run{} // there is none
}

// Contains reports whether n is in the set.
func (r *Runs) Contains(n uint64) bool {
	if n >= r.tail.first {
		return n < r.tail.end
	}
	if r.older == nil {
		return false
	}
	s, any := r.older.at(r.older.search(func(s span) bool { return s.end > n }))
	return any && s.first <= n
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
	total := uint64(0)
	for s := range r.from(0) {
		total += s.count()
	}
	return total
}

// Bounds are the lowest and the highest number, false when the set is empty.
func (r *Runs) Bounds() (first, last uint64, ok bool) {
	if r.tail.empty() {
		return 0, 0, false
	}
	return r.first().first, r.tail.end - 1, true
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
		for s := range r.from(first) {
			if at >= end {
				return
			}
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
		for s := range r.from(first) {
			if s.first > last || !yield(s.run()) {
				return
			}
		}
	}
}
