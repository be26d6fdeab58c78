//go:build linux

package fault

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/cluster"
	"github.com/gaplessdb/gapless/tests/fault/host"
	"github.com/gaplessdb/gapless/tests/fault/skew"
	"github.com/gaplessdb/gapless/tests/schedule"
	"github.com/gaplessdb/gapless/tests/trial"
)

// More flags are in package trial.
var (
	like     = flag.String("like", "", "scenario whose clients, limits and fence_after TestReplay takes")
	which    = flag.String("scenarios", "none", "TestScenarios runs none, some (those that are part of make test) or all")
	duration = flag.Duration("torture", 0, "how long TestTorture goes on")
	seed     = flag.Uint64("seed", 0, "first seed of TestTorture (default: from the commit)")
)

var level = trial.Level{Name: "fault", Retries: 1, ShrinkRuns: 2, ShrinkFor: 15 * time.Minute}

func TestMain(m *testing.M) {
	host.Main()
	skew.Main()
	flag.Parse()
	if Needs() == nil {
		if err := Sweep(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	os.Exit(cluster.Main(m))
}

// needs skips the test where there can be no world.
func needs(t *testing.T) Setup {
	t.Helper()
	if err := Needs(); err != nil {
		t.Skipf("SKIP tests/fault: %v", err)
	}
	return Setup{Binary: cluster.Static(t)}
}

// TestScenarios runs every kind of trouble by itself. Each must pass.
func TestScenarios(t *testing.T) {
	if *which == "none" {
		return // make fault and make torture have it, alone on the machine; not a skip, because nothing is missing
	}
	setup := needs(t)
	var series trial.Series
	t.Cleanup(func() { t.Log(&series) })
	for _, s := range scenarios(setup) {
		if !s.always && *which == "some" {
			continue // make torture has it
		}
		t.Run(s.Name, func(t *testing.T) {
			if _, skips, ok := s.Fit(LacksHere()); !ok {
				t.Skip(strings.Join(skips, "\n"))
			}
			level.Prove(t, func() check.Result {
				return try(t, &series, s.Scenario, "go test ./tests/fault -run 'TestScenarios/"+s.Name+"$' -v -args -scenarios all")
			})
		})
	}
}

// TestTorture runs schedules that nobody has seen, until its time is over.
func TestTorture(t *testing.T) {
	if *duration == 0 {
		return // nothing to do; not a skip, because nothing is missing
	}
	setup := needs(t)
	end := time.Now().Add(*duration)
	var series trial.Series
	for n := trial.FirstSeed(t, *seed); time.Now().Before(end); n++ {
		plan := schedule.Generate(n, tortureOptions(n))
		s := Scenario{Name: fmt.Sprintf("seed-%d", n), Plan: plan, Setup: setup, Level: slog.LevelInfo}
		try(t, &series, s, fmt.Sprintf("go test ./tests/fault -run TestTorture -args -torture 1s -seed %d", n))
	}
	series.Sum(t)
}

// TestReplay carries out a saved schedule.
func TestReplay(t *testing.T) {
	trial.Replay(t, func(series *trial.Series, plan *schedule.Schedule, file string) check.Result {
		s, err := replayed(plan, needs(t), *like)
		if err != nil {
			t.Fatal(err)
		}
		return try(t, series, s, level.Command(file)+likeFlag(*like))
	})
}

// replayed is a schedule with everything else of the scenario that it is like, "" for none. What that one has to prove besides is of its own
// schedule.
func replayed(plan *schedule.Schedule, setup Setup, like string) (Scenario, error) {
	s := Scenario{Setup: setup, Level: slog.LevelInfo}
	if like != "" {
		pinned := scenarios(setup)
		at := slices.IndexFunc(pinned, func(s scenario) bool { return s.Name == like })
		if at < 0 {
			return s, fmt.Errorf("-like %s: there is no such scenario", like)
		}
		s = pinned[at].Scenario
	}
	s.Name, s.Plan, s.Proof = "replay", plan, nil
	return s, nil
}

// likeFlag is how a replay is told what a run was like: its scenario or, where name is none, the one that it was like itself.
func likeFlag(name string) string {
	if !slices.ContainsFunc(scenarios(Setup{}), func(s scenario) bool { return s.Name == name }) {
		name = *like
	}
	if name == "" {
		return ""
	}
	return " -like " + name
}

// try runs a scenario, writes its report and, when a promise was broken, runs smaller schedules.
func try(t *testing.T, series *trial.Series, s Scenario, replay string) check.Result {
	t.Helper()
	s, skips, _ := s.Fit(LacksHere())
	for _, skip := range skips {
		t.Log(skip)
	}
	begin := time.Now()
	out, err := Run(s)
	if out == nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Error(err)
	}
	path, err := Save(level.Bin(), s, out, About{Commit: commit() + tags(" (%s)"), Replay: tags("GOFLAGS=%s ") + replay, Skips: skips})
	if err != nil {
		t.Error(err)
	}
	took := time.Since(begin)
	t.Logf("%s: %s, %d frames acknowledged, %d merges, %s of %s, report in %s", s.Name, out.Verdict.Result, out.Acked, out.Merges,
		out.Took.Round(time.Second), took.Round(time.Second), path)
	result := series.Add(t, s.Plan, out.Outcome, took)
	if result == check.Fail {
		level.Shrink(t, trial.Failure{Name: s.Name, Plan: s.Plan, Flags: likeFlag(s.Name), Breaks: s.breaks})
	}
	return result
}

// breaks reports whether a run with a smaller schedule breaks a promise, too.
func (s Scenario) breaks(smaller *schedule.Schedule) bool {
	s.Plan = smaller
	out, _ := Run(s) // one that could not be run is none
	return out != nil && out.Verdict.Result == check.Fail
}

// commit is what is tested.
func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty", "--tags").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// tags says with which of them the nodes are built, "" for none: a run with a planted bug must not pass for one without.
func tags(format string) string {
	for flag := range strings.FieldsSeq(os.Getenv("GOFLAGS")) {
		if strings.HasPrefix(flag, "-tags=") {
			return fmt.Sprintf(format, flag)
		}
	}
	return ""
}
