package trial

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/schedule"
)

var (
	saved  = flag.String("schedule", "", "file of the schedule that TestReplay carries out")
	repeat = flag.Int("repeat", 1, "how often TestReplay does")
	shrink = flag.Bool("shrink", true, "look for the smallest schedule that fails")
)

// shrinkBudget is how many candidates there are at most for the smallest schedule.
const shrinkBudget = 20

// Level is a folder of tests, and how patient it is.
type Level struct {
	Name       string        // of the folder, and of the one below bin for what its runs leave
	Retries    int           // of a pinned run that proves nothing: whether a fault bites depends on more than its schedule
	ShrinkRuns int           // of each candidate for the smallest schedule
	ShrinkFor  time.Duration // for all of them
}

// Bin is the folder for what runs leave, as tests of the level see it.
func (l Level) Bin() string { return filepath.Join("..", "..", "bin", l.Name) }

// Command is what carries out a saved schedule.
func (l Level) Command(file string) string {
	return "go test ./tests/" + l.Name + " -run TestReplay -v -args -schedule " + file
}

// Prove tries until a run proves something, or too often.
func (l Level) Prove(t *testing.T, try func() check.Result) {
	t.Helper()
	for range l.Retries + 1 {
		if try() != check.Inconclusive || t.Failed() {
			return
		}
	}
	t.Fatalf("proves nothing, %d times in a row", l.Retries+1)
}

// Replay tries a saved schedule, as often and from which file the flags say.
func Replay(t *testing.T, try func(s *Series, plan *schedule.Schedule, file string) check.Result) {
	t.Helper()
	if *saved == "" {
		return // nothing to do; not a skip, because nothing is missing
	}
	plan, err := schedule.Load(*saved)
	if err != nil {
		t.Fatal(err)
	}
	var s Series
	for range *repeat {
		if try(&s, plan, *saved) == check.Inconclusive {
			t.Error("the run proves nothing")
		}
	}
	t.Log(&s)
}

// Failure is a schedule that broke a promise.
type Failure struct {
	Name   string // of the file for the smallest one
	Plan   *schedule.Schedule
	Flags  string                                // more of the command that replays it
	Breaks func(smaller *schedule.Schedule) bool // carries it out, and reports whether it breaks a promise, too
}

// Shrink looks for the smallest schedule that still breaks a promise, saves it, and says how to replay it.
func (l Level) Shrink(t *testing.T, f Failure) {
	t.Helper()
	if !*shrink {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), l.ShrinkFor)
	defer cancel()
	small := schedule.Shrink(ctx, f.Plan, func(plan *schedule.Schedule) bool {
		for range l.ShrinkRuns {
			if f.Breaks(plan) {
				return true
			}
		}
		return false
	}, shrinkBudget)
	path := filepath.Join(l.Bin(), f.Name+".json")
	if err := os.MkdirAll(l.Bin(), 0o755); err != nil {
		t.Error(err)
		return
	}
	if err := small.Save(path); err != nil {
		t.Error(err)
		return
	}
	t.Errorf("smallest schedule that fails:\n%s\nreplay: %s%s", small, l.Command(path), f.Flags)
}
