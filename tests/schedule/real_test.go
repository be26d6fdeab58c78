package schedule

import (
	"slices"
	"testing"
	"time"
)

// TestRealSwarm: a swarm for real processes reaches every fault and every rare way, leaves each fault out of about half of the seeds, and keeps
// to what it may draw from.
func TestRealSwarm(t *testing.T) {
	const seeds = 1_000
	ways, runs := map[string]int{}, map[Fault]int{}
	for seed := range uint64(seeds) {
		opt := Options{Density: 20, Length: 2 * time.Minute, Real: true}
		s := Generate(seed, opt)
		if err := s.Budget(); err != nil {
			t.Fatal(err)
		}
		seen := map[Fault]bool{}
		for _, u := range s.Steps {
			ways[string(u.Fault)+"/"+u.How]++
			seen[u.Fault] = true
		}
		for f := range seen {
			runs[f]++
		}
		opt.Faults = []Fault{Kill, Hang}
		for _, u := range Generate(seed, opt).Steps {
			if !slices.Contains(opt.Faults, u.Fault) {
				t.Fatalf("seed %d draws %s", seed, u)
			}
		}
	}
	for _, k := range kinds {
		if n := runs[k.Fault]; k.Fault != Swap && (n < seeds/30 || n > seeds*6/10) { // there is no swap within the budget of three nodes
			t.Errorf("%s comes in %d of %d runs", k.Fault, n, seeds)
		}
		for _, way := range k.Rare {
			if ways[string(k.Fault)+"/"+way] == 0 {
				t.Errorf("%s %q never comes", k.Fault, way)
			}
		}
	}
}
