//go:build linux

package fault

import (
	"fmt"

	"github.com/gaplessdb/gapless/tests/fault/host"
	"github.com/gaplessdb/gapless/tests/fault/skew"
	"github.com/gaplessdb/gapless/tests/schedule"
)

// Lacks is what a world cannot have here, and why; nil for what it can. What it can do without nothing else of is left out, aloud (Fit).
type Lacks struct {
	Clocks error // wall clocks that a fault moves
	Limits error // of memory
}

// LacksHere is what this machine lacks.
func LacksHere() Lacks { return Lacks{Clocks: skew.Check(), Limits: host.CheckLimits()} }

// Fit is the scenario without what cannot be had, and what that is. It is not worth a run (ok is false) when nothing is left of what it is for.
func (s Scenario) Fit(lacks Lacks) (fit Scenario, skips []string, ok bool) {
	if lacks.Limits != nil && s.Setup.Limits.MemoryBytes > 0 {
		return s, []string{fmt.Sprintf("SKIP tests/fault: no limit of memory: %v", lacks.Limits)}, false
	}
	if lacks.Clocks == nil {
		return s, nil, true
	}
	plan := s.Plan.Clone()
	plan.Steps = nil
	for _, step := range s.Plan.Steps {
		if kind, _ := schedule.KindOf(step.Fault); kind.Area == schedule.Time {
			skips = append(skips, fmt.Sprintf("SKIP tests/fault: no step %q: %v", step, lacks.Clocks))
		} else {
			plan.Steps = append(plan.Steps, step)
		}
	}
	s.Plan = plan
	return s, skips, len(plan.Steps) > 0 || len(skips) == 0
}
