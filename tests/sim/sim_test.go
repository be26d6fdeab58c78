package sim

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/schedule"
)

var (
	replay  = flag.String("schedule", "", "file of the schedule that TestReplay carries out")
	repeat  = flag.Int("repeat", 1, "how often TestReplay does")
	seed    = flag.Uint64("seed", 0, "first seed of TestSwarm (default: from the commit)")
	runs    = flag.Int("runs", 0, "how many seeds TestSwarm tries (default: swarmRuns)")
	shrink  = flag.Bool("shrink", true, "look for the smallest schedule that fails")
	verbose = flag.Bool("journal", false, "show what the nodes logged, also of runs that pass")
)

const (
	swarmRuns      = 30
	swarmShort     = 2  // with -short
	shrinkBudget   = 20 // candidates
	shrinkRepeat   = 3  // runs of a candidate
	unknownRetries = 3  // of a pinned run that proves nothing: whether a fault bites depends on the order of goroutines, too
)

// tally sums up the runs of a test for its last line.
type tally struct {
	mu      sync.Mutex
	runs    int
	results map[check.Result]int
	virtual time.Duration
	real    time.Duration
	acked   uint64
	merges  int64
}

func (y *tally) add(out Outcome) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.results == nil {
		y.results = map[check.Result]int{}
	}
	y.runs++
	y.results[out.Verdict.Result]++
	y.virtual += out.Virtual
	y.real += out.Real
	y.acked += out.Acked
	y.merges += out.Merges
}

func (y *tally) String() string {
	return fmt.Sprintf("%d runs: %d PASS, %d UNKNOWN, %d FAIL; %s of virtual time in %s of real time, %d frames acknowledged, %d merges", y.runs,
		y.results[check.Pass], y.results[check.Inconclusive], y.results[check.Fail], y.virtual.Round(time.Second), y.real.Round(time.Second), y.acked, y.merges)
}

// TestScenarios runs every kind of fault by itself, with a seed that is known to bite. Each must pass.
func TestScenarios(t *testing.T) {
	var sum tally
	t.Cleanup(func() { t.Log(&sum) })
	for _, s := range scenarios(t) {
		t.Run(s.name, func(t *testing.T) {
			if testing.Short() && !s.brief {
				t.Skip("without -short")
			}
			t.Parallel()
			for try := 0; ; try++ {
				out := Simulate(t, s.plan, slog.LevelInfo)
				sum.add(out)
				report(t, s.plan, out)
				if out.Verdict.Result != check.Inconclusive || t.Failed() {
					return
				}
				if try == unknownRetries {
					t.Fatalf("proves nothing, %d times in a row: %s", try+1, out.Verdict)
				}
			}
		})
	}
}

// TestSwarm runs schedules that nobody has seen: each of a random set of faults. Which seeds depends on the commit.
func TestSwarm(t *testing.T) {
	first, n := swarmSeed(t), swarmRuns
	if testing.Short() {
		n = swarmShort
	}
	if *runs > 0 {
		n = *runs
	}
	t.Logf("seeds %d to %d", first, first+uint64(n)-1)
	var sum tally
	t.Cleanup(func() {
		t.Log(&sum)
		if pass := sum.results[check.Pass]; pass*2 < sum.runs {
			t.Errorf("only %d of %d runs prove anything", pass, sum.runs)
		}
	})
	for i := range n {
		seed := first + uint64(i)
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			plan := schedule.Generate(seed, swarmOptions(seed))
			out := Simulate(t, plan, slog.LevelInfo)
			sum.add(out)
			report(t, plan, out)
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

// swarmSeed is another one for every commit.
func swarmSeed(t *testing.T) uint64 {
	t.Helper()
	if *seed != 0 {
		return *seed
	}
	out, err := exec.Command("git", "rev-parse", "HEAD").Output()
	if err == nil && len(out) >= 12 {
		if n, err := strconv.ParseUint(string(out[:12]), 16, 64); err == nil {
			return n
		}
	}
	t.Logf("the commit is not known (%v): the seeds are those of every tree without one", err)
	return 1
}

// TestReplay carries out a saved schedule: go test ./tests/sim -run TestReplay -schedule FILE -repeat 10
func TestReplay(t *testing.T) {
	if *replay == "" {
		return // nothing to do; not a skip, because nothing is missing
	}
	plan, err := schedule.Load(*replay)
	if err != nil {
		t.Fatal(err)
	}
	var sum tally
	for range *repeat {
		out := Simulate(t, plan, slog.LevelInfo)
		sum.add(out)
		if out.Verdict.Result != check.Pass {
			t.Errorf("%s\n%s", out.Verdict, out.Journal)
		} else if *verbose {
			t.Logf("%s\n%s", out.Verdict, out.Journal)
		}
	}
	t.Log(&sum)
}

// report fails the test when the run broke a promise: with the smallest schedule that does, and how to replay it.
func report(t *testing.T, plan *schedule.Schedule, out Outcome) {
	t.Helper()
	if *verbose {
		t.Logf("%s\n%s", out.Verdict, out.Journal)
	}
	if out.Verdict.Result == check.Inconclusive {
		t.Logf("UNKNOWN: %v", out.Verdict.Why)
	}
	if out.Verdict.Result != check.Fail {
		return
	}
	t.Errorf("%s\n%s\n%s", out.Verdict, plan, out.Journal)
	if !*shrink {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	small := schedule.Shrink(ctx, plan, func(s *schedule.Schedule) bool {
		for range shrinkRepeat {
			if Simulate(t, s, slog.LevelError).Verdict.Result == check.Fail {
				return true
			}
		}
		return false
	}, shrinkBudget)
	path := filepath.Join("..", "..", "bin", "sim", fmt.Sprintf("%d.json", plan.Seed))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Error(err)
	}
	if err := small.Save(path); err != nil {
		t.Error(err)
		return
	}
	t.Errorf("smallest schedule that fails:\n%s\nreplay: go test ./tests/sim -run TestReplay -schedule %s -repeat 10", small, path)
}
