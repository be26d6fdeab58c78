package report

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestPackNeverOverlaps: whatever there is to say, no words and no bar that has words lie on another one, and none leaves the picture.
func TestPackNeverOverlaps(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for round := range 300 {
		var tags []tag
		for range rng.IntN(60) {
			from := left + px(rng.Int64N(int64(right-left)))
			tags = append(tags, tag{From: from, To: from + px(rng.IntN(3000)), Text: strings.Repeat("x", rng.IntN(35))})
		}
		most := 1 + rng.IntN(20)
		lanes := pack(tags, most)
		type extent struct{ from, to px }
		taken := map[int][]extent{}
		for _, g := range tags {
			if g.Lane < 0 || g.Lane >= lanes || g.Lane > most {
				t.Fatalf("round %d: lane %d of %d, at most %d", round, g.Lane, lanes, most)
			}
			if g.Lane == most && g.Text != "" {
				t.Fatalf("round %d: words in the lane that is shared", round)
			}
			from, to := g.place()
			if from < 0 || to > right {
				t.Fatalf("round %d: %+v takes %s to %s", round, g, from, to)
			}
			for _, o := range taken[g.Lane] {
				if g.Lane < most && from < o.to && o.from < to {
					t.Fatalf("round %d: %+v lies on %v", round, g, o)
				}
			}
			taken[g.Lane] = append(taken[g.Lane], extent{from, to})
		}
	}
}
