//go:build linux

package fault

import (
	"testing"

	"github.com/gaplessdb/gapless/tests/schedule"
)

// TestTortureVaries: one seed in four is beyond the budget, no other swaps disks, and no seed has all faults.
func TestTortureVaries(t *testing.T) {
	seen, swaps := map[schedule.Fault]int{}, 0
	const seeds = 400
	for seed := range uint64(seeds) {
		opt := tortureOptions(seed)
		plan := schedule.Generate(seed, opt)
		if plan.Beyond != (seed%beyondEvery == 0) {
			t.Fatalf("seed %d: beyond is %v", seed, plan.Beyond)
		}
		kinds := map[schedule.Fault]bool{}
		for _, step := range plan.Steps {
			kinds[step.Fault] = true
			if step.Fault == schedule.Swap {
				swaps++
				if !plan.Beyond {
					t.Fatalf("seed %d swaps disks within the budget", seed)
				}
			}
		}
		for f := range kinds {
			seen[f]++
		}
	}
	if swaps == 0 {
		t.Error("no disks are ever swapped")
	}
	for _, f := range tortureOptions(1).Faults {
		if n := seen[f]; n == 0 || n > seeds*6/10 {
			t.Errorf("%s comes in %d of %d seeds", f, n, seeds)
		}
	}
}
