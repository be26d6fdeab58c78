package check

import (
	"math/rand/v2"
	"testing"
)

// TestNumbers holds the sets against maps.
func TestNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		a, inA := randomNumbers(rng)
		b, inB := randomNumbers(rng)
		for _, op := range []struct {
			name string
			got  Numbers
			want func(n uint64) bool
		}{
			{"a", a, func(n uint64) bool { return inA[n] }},
			{"minus", a.Minus(b), func(n uint64) bool { return inA[n] && !inB[n] }},
			{"and", a.And(b), func(n uint64) bool { return inA[n] && inB[n] }},
			{"or", a.Or(b), func(n uint64) bool { return inA[n] || inB[n] }},
		} {
			var want Numbers
			for n := range uint64(130) {
				if op.want(n) {
					want.Add(n)
				}
				if op.got.Has(n) != op.want(n) {
					t.Fatalf("%s: %v and %v: has %d is %v", op.name, a, b, n, op.got.Has(n))
				}
			}
			if !op.got.Equal(want) || op.got.Count() != want.Count() {
				t.Fatalf("%s: %v and %v: %v, want %v", op.name, a, b, op.got, want)
			}
		}
	}
}

// randomNumbers adds numbers one by one, in any order and some twice, and in spans.
func randomNumbers(rng *rand.Rand) (Numbers, map[uint64]bool) {
	var n Numbers
	in := map[uint64]bool{}
	for range rng.IntN(60) {
		v := rng.Uint64N(120)
		if n.Add(v) == in[v] {
			panic("Add does not know what is new")
		}
		in[v] = true
	}
	var spans []Span
	for range rng.IntN(5) {
		first := rng.Uint64N(110)
		s := Span{first, first + rng.Uint64N(10)}
		spans = append(spans, s)
		for v := s.First; v <= s.Last; v++ {
			in[v] = true
		}
	}
	return n.Or(NumbersOf(spans...)), in
}
