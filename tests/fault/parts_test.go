//go:build linux

package fault

import (
	"errors"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/tests/schedule"
)

// TestFit: where a part is missing, what needs it is left out and said, and the rest is run.
func TestFit(t *testing.T) {
	why := errors.New("needs something")
	step := func(f schedule.Fault) schedule.Step { return schedule.Step{Fault: f} }
	clock, strobe, kill := step(schedule.Clock), step(schedule.Strobe), step(schedule.Kill)
	for name, tc := range map[string]struct {
		steps  []schedule.Step
		memory uint64
		lacks  Lacks
		left   int
		skips  int
		ok     bool
	}{
		"nothing is missing":         {[]schedule.Step{clock, kill}, 1, Lacks{}, 2, 0, true},
		"no clocks":                  {[]schedule.Step{clock, kill, strobe}, 0, Lacks{Clocks: why}, 1, 2, true},
		"no clocks, for nothing":     {[]schedule.Step{kill}, 0, Lacks{Clocks: why}, 1, 0, true},
		"no clocks, all about them":  {[]schedule.Step{clock}, 0, Lacks{Clocks: why}, 0, 1, false},
		"no clocks, no steps at all": {nil, 0, Lacks{Clocks: why}, 0, 0, true},
		"no limits":                  {[]schedule.Step{kill}, 1, Lacks{Limits: why}, 1, 1, false},
		"no limits, none wanted":     {[]schedule.Step{kill}, 0, Lacks{Limits: why}, 1, 0, true},
	} {
		s := Scenario{Plan: &schedule.Schedule{Steps: tc.steps}}
		s.Setup.Limits.MemoryBytes = tc.memory
		fit, skips, ok := s.Fit(tc.lacks)
		if len(fit.Plan.Steps) != tc.left || len(skips) != tc.skips || ok != tc.ok || len(s.Plan.Steps) != len(tc.steps) {
			t.Errorf("%s: %d steps, skips %q, %v", name, len(fit.Plan.Steps), skips, ok)
		}
		for _, skip := range skips {
			if !strings.HasPrefix(skip, "SKIP ") || !strings.HasSuffix(skip, why.Error()) {
				t.Errorf("%s: %q", name, skip)
			}
		}
	}
}
