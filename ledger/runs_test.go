package ledger

import (
	"math/rand"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// runsOf is the oracle: runs of a set, the slow way.
func runsOf(set map[uint64]bool) []Run {
	numbers := []uint64{}
	for n, in := range set {
		if in {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	runs := []Run{}
	for _, n := range numbers {
		if k := len(runs); k > 0 && runs[k-1].Last+1 == n {
			runs[k-1].Last = n
		} else {
			runs = append(runs, Run{n, n})
		}
	}
	return runs
}

func TestRunsAgainstSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r Runs
		set := map[uint64]bool{}
		const top = 60
		for i := range rapid.IntRange(1, 60).Draw(t, "steps") {
			first := rapid.Uint64Range(0, top).Draw(t, "first")
			last := first
			if rapid.Bool().Draw(t, "range") {
				last = rapid.Uint64Range(first, top).Draw(t, "last")
			}
			want := uint64(0)
			for n := first; n <= last; n++ {
				if !set[n] {
					want++
				}
			}
			splits := r.Len()
			predicted := first == last && r.splits(first)
			if first == last && i%2 == 0 {
				if got := r.Add(first); got != (want == 1) {
					t.Fatalf("Add(%d) is %v, %d absent", first, got, want)
				}
			} else if got := r.AddRange(first, last); got != want {
				t.Fatalf("AddRange(%d, %d) is %d, want %d", first, last, got, want)
			}
			if predicted != (first == last && r.Len() == splits+1) {
				t.Fatalf("splits(%d) is %v, runs went from %d to %d", first, predicted, splits, r.Len())
			}
			for n := first; n <= last; n++ {
				set[n] = true
			}
			compareRuns(t, &r, set, top)
		}
	})
}

func compareRuns(t *rapid.T, r *Runs, set map[uint64]bool, top uint64) {
	want := runsOf(set)
	if got := slices.Collect(r.All(0, MaxSeq)); !slices.Equal(got, want) {
		t.Fatalf("runs %v, want %v", got, want)
	}
	for i, run := range want {
		if r.At(i) != run {
			t.Fatalf("run %d is %v, want %v", i, r.At(i), run)
		}
	}
	count := uint64(0)
	for n := range top + 3 {
		if r.Contains(n) != set[n] {
			t.Fatalf("Contains(%d) is %v in %v", n, r.Contains(n), want)
		}
		if set[n] {
			count++
		}
	}
	if r.Count() != count || r.Len() != len(want) {
		t.Fatalf("count %d of %d runs, want %d of %d", r.Count(), r.Len(), count, len(want))
	}
	from, to := rapid.Uint64Range(0, top).Draw(t, "from"), rapid.Uint64Range(0, top+2).Draw(t, "to")
	holes := map[uint64]bool{}
	for n := from; n <= to; n++ {
		holes[n] = !set[n]
	}
	if got, want := slices.Collect(r.Missing(from, to)), runsOf(holes); !slices.Equal(got, want) {
		t.Fatalf("missing of %d..%d is %v, want %v", from, to, got, want)
	}
}

func TestRunsAtTheEnds(t *testing.T) {
	var r Runs
	if r.AddRange(5, 4) != 0 || r.Len() != 0 || r.Contains(0) || r.Count() != 0 {
		t.Fatal("an empty range is something")
	}
	if _, _, ok := r.Bounds(); ok {
		t.Fatal("the empty set has bounds")
	}
	r.Add(MaxSeq)
	r.Add(0)
	r.Add(MaxSeq - 1)
	if got, want := slices.Collect(r.All(0, MaxSeq)), []Run{{0, 0}, {MaxSeq - 1, MaxSeq}}; !slices.Equal(got, want) {
		t.Fatalf("runs %v, want %v", got, want)
	}
	if first, last, ok := r.Bounds(); !ok || first != 0 || last != MaxSeq {
		t.Fatalf("bounds %d %d %v", first, last, ok)
	}
	r.AddRange(0, MaxSeq)
	if r.Len() != 1 || r.Count() != MaxSeq+1 {
		t.Fatalf("%d runs of %d", r.Len(), r.Count())
	}
}

// The digest depends on the set alone, not on the order in which it was made.
func TestRunsDigestIsCanonical(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	numbers := rng.Perm(500)[:300]
	var a, b, c Runs
	for _, n := range numbers {
		a.Add(uint64(n))
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		b.Add(uint64(n))
	}
	if a.Digest() != b.Digest() {
		t.Fatal("order changed the digest")
	}
	for _, n := range numbers[1:] {
		c.Add(uint64(n))
	}
	if a.Digest() == c.Digest() {
		t.Fatal("another set has the same digest")
	}
}
