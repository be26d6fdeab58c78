package sim

import (
	"flag"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/schedule"
	"github.com/gaplessdb/gapless/tests/trial"
)

// More flags are in package trial.
var (
	seed = flag.Uint64("seed", 0, "first seed of TestSwarm (default: from the commit)")
	runs = flag.Int("runs", 0, "how many seeds TestSwarm tries (default: swarmRuns)")
)

const (
	swarmRuns  = 30
	swarmShort = 2 // with -short
)

var level = trial.Level{Name: "sim", Retries: 3, ShrinkRuns: 3, ShrinkFor: 2 * time.Minute}

// TestScenarios runs every kind of fault by itself, with a seed that is known to bite. Each must pass.
func TestScenarios(t *testing.T) {
	var series trial.Series
	t.Cleanup(func() { t.Log(&series) })
	for _, s := range scenarios(t) {
		t.Run(s.name, func(t *testing.T) {
			if testing.Short() && !s.brief {
				t.Skip("without -short")
			}
			t.Parallel()
			level.Prove(t, func() check.Result { return try(t, &series, s.plan) })
		})
	}
}

// TestSwarm runs schedules that nobody has seen: each of a random set of faults. Which seeds depends on the commit.
func TestSwarm(t *testing.T) {
	first, n := trial.FirstSeed(t, *seed), swarmRuns
	if testing.Short() {
		n = swarmShort
	}
	if *runs > 0 {
		n = *runs
	}
	t.Logf("seeds %d to %d", first, first+uint64(n)-1)
	var series trial.Series
	t.Cleanup(func() { series.Sum(t) })
	for i := range n {
		seed := first + uint64(i)
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			try(t, &series, schedule.Generate(seed, swarmOptions(seed)))
		})
	}
}

// swarmOptions vary with the seed: long and calm, short and dense.
func swarmOptions(seed uint64) schedule.Options {
	shapes := []schedule.Options{
		{Length: time.Minute},
		{Length: time.Minute, Density: 24},
		{Length: 2 * time.Minute, Density: 10},
		{Length: 90 * time.Second, Density: 30, Recovery: 8 * time.Second},
	}
	return shapes[seed%uint64(len(shapes))]
}

// TestReplay carries out a saved schedule.
func TestReplay(t *testing.T) {
	trial.Replay(t, func(series *trial.Series, plan *schedule.Schedule, _ string) check.Result {
		return once(t, series, plan)
	})
}

// once simulates a schedule.
func once(t *testing.T, series *trial.Series, plan *schedule.Schedule) check.Result {
	t.Helper()
	begin := time.Now()
	out := Simulate(t, plan, slog.LevelInfo)
	return series.Add(t, plan, out, time.Since(begin))
}

// try simulates a schedule and, when that breaks a promise, smaller ones.
func try(t *testing.T, series *trial.Series, plan *schedule.Schedule) check.Result {
	t.Helper()
	result := once(t, series, plan)
	if result == check.Fail {
		level.Shrink(t, trial.Failure{
			Name: strconv.FormatUint(plan.Seed, 10), Plan: plan, Flags: " -repeat 10",
			Breaks: func(smaller *schedule.Schedule) bool {
				return Simulate(t, smaller, slog.LevelError).Verdict.Result == check.Fail
			},
		})
	}
	return result
}
