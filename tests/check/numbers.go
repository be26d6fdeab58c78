package check

import (
	"fmt"
	"iter"
	"slices"
	"sort"
	"strings"
)

// Span is consecutive numbers, both ends included.
type Span struct{ First, Last uint64 }

// Count is how many numbers there are.
func (s Span) Count() uint64 { return s.Last - s.First + 1 }

func (s Span) String() string {
	if s.First == s.Last {
		return fmt.Sprint(s.First)
	}
	return fmt.Sprintf("%d..%d", s.First, s.Last)
}

// Numbers is a set of numbers below 2^63, kept as ascending spans that do not touch. The zero value is empty.
type Numbers struct{ spans []Span }

// NumbersOf is the set of what lies in any of the spans, which may overlap and have any order. It keeps the slice.
func NumbersOf(spans ...Span) Numbers {
	slices.SortFunc(spans, func(a, b Span) int {
		if a.First < b.First {
			return -1
		}
		return 1
	})
	merged := spans[:0]
	for _, s := range spans {
		if n := len(merged); n > 0 && s.First <= merged[n-1].Last+1 {
			merged[n-1].Last = max(merged[n-1].Last, s.Last)
			continue
		}
		merged = append(merged, s)
	}
	return Numbers{merged}
}

// numbersOf is the set of the numbers in a list.
func numbersOf(list []uint64) (out Numbers) {
	for _, n := range list {
		out.Add(n)
	}
	return out
}

// Spans yields the spans, ascending.
func (n Numbers) Spans() iter.Seq[Span] { return slices.Values(n.spans) }

// Empty reports whether there is no number.
func (n Numbers) Empty() bool { return len(n.spans) == 0 }

// Count is how many numbers there are.
func (n Numbers) Count() (total uint64) {
	for _, s := range n.spans {
		total += s.Count()
	}
	return total
}

// Min is the lowest number, false when there is none.
func (n Numbers) Min() (uint64, bool) {
	if n.Empty() {
		return 0, false
	}
	return n.spans[0].First, true
}

// Max is the highest number, false when there is none.
func (n Numbers) Max() (uint64, bool) {
	if n.Empty() {
		return 0, false
	}
	return n.spans[len(n.spans)-1].Last, true
}

// at is the first span that ends at or after v.
func (n Numbers) at(v uint64) int {
	if last := len(n.spans) - 1; last >= 0 && v > n.spans[last].Last {
		return last + 1
	}
	return sort.Search(len(n.spans), func(i int) bool { return n.spans[i].Last >= v })
}

// Has reports whether v is in the set.
func (n Numbers) Has(v uint64) bool {
	i := n.at(v)
	return i < len(n.spans) && n.spans[i].First <= v
}

// Add puts v in and reports whether it was new. Ascending numbers take constant time.
func (n *Numbers) Add(v uint64) bool {
	i := n.at(v)
	if i < len(n.spans) && n.spans[i].First <= v {
		return false
	}
	left := i > 0 && n.spans[i-1].Last+1 == v
	right := i < len(n.spans) && n.spans[i].First == v+1
	switch {
	case left && right:
		n.spans[i-1].Last = n.spans[i].Last
		n.spans = slices.Delete(n.spans, i, i+1)
	case left:
		n.spans[i-1].Last = v
	case right:
		n.spans[i].First = v
	default:
		n.spans = slices.Insert(n.spans, i, Span{v, v})
	}
	return true
}

// Minus is what is in n and not in m.
func (n Numbers) Minus(m Numbers) (out Numbers) {
	j := 0
	for _, s := range n.spans {
		for j < len(m.spans) && m.spans[j].Last < s.First {
			j++
		}
		first, rest := s.First, true
		for k := j; k < len(m.spans) && m.spans[k].First <= s.Last; k++ {
			if first < m.spans[k].First {
				out.spans = append(out.spans, Span{first, m.spans[k].First - 1})
			}
			if rest = m.spans[k].Last < s.Last; !rest {
				break
			}
			first = m.spans[k].Last + 1
		}
		if rest && first <= s.Last {
			out.spans = append(out.spans, Span{first, s.Last})
		}
	}
	return out
}

// And is what is in both.
func (n Numbers) And(m Numbers) (out Numbers) {
	i, j := 0, 0
	for i < len(n.spans) && j < len(m.spans) {
		a, b := n.spans[i], m.spans[j]
		if first, last := max(a.First, b.First), min(a.Last, b.Last); first <= last {
			out.spans = append(out.spans, Span{first, last})
		}
		if a.Last < b.Last {
			i++
		} else {
			j++
		}
	}
	return out
}

// Or is what is in either.
func (n Numbers) Or(m Numbers) Numbers { return NumbersOf(slices.Concat(n.spans, m.spans)...) }

// Equal reports whether both have the same numbers.
func (n Numbers) Equal(m Numbers) bool { return slices.Equal(n.spans, m.spans) }

// String shows the first few and the count.
func (n Numbers) String() string {
	const few = 5
	parts := make([]string, 0, few+1)
	for i, s := range n.spans {
		if i == few {
			parts = append(parts, "...")
			break
		}
		parts = append(parts, s.String())
	}
	if count := n.Count(); count > 1 {
		return fmt.Sprintf("%s (%d numbers)", strings.Join(parts, ", "), count)
	}
	return strings.Join(parts, ", ")
}
