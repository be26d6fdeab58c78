//go:build linux

package fault

import (
	"errors"
	"maps"
	"os"
	"path/filepath"

	"github.com/gaplessdb/gapless/tests/drive"
	"github.com/gaplessdb/gapless/tests/fault/report"
)

// About is what a report says of where it comes from.
type About struct {
	Commit string
	Replay string // the command that repeats the run
	Skips  []string
}

// Save writes the report of a run into a directory, under the name of the scenario, and returns its path.
func Save(dir string, s Scenario, out *Outcome, about About) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(dir, s.Name+".html")
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	r := report.Report{
		Title: s.Name, Commit: about.Commit, Replay: about.Replay, Skips: about.Skips, Seed: s.Plan.Seed, Plan: s.Plan,
		Run: out.Run, Verdict: out.Verdict, Logs: map[string]string{"journal": out.Journal},
		Counts: []report.Count{{Name: "frames acknowledged", N: out.Acked}, {Name: "merges done", N: uint64(out.Merges)}},
	}
	maps.Copy(r.Logs, out.Dumps)
	for _, sample := range out.Samples {
		r.Samples = append(r.Samples, shown(sample))
	}
	return path, errors.Join(r.Write(f), f.Close())
}

// shown is a sample as the report draws it.
func shown(s drive.Sample) report.Sample {
	state := report.Down
	switch {
	case !s.Up:
	case s.State == "Leader":
		state = report.Leader
	case s.State == "Candidate":
		state = report.Candidate
	case s.State == "" && !s.Refused:
		state = report.Paused
	case s.Refused:
		state = report.Refused
	default:
		state = report.Follower
	}
	return report.Sample{At: s.At, Node: s.Node, State: state, Term: s.Term, Applied: s.Applied, Commit: s.Commit}
}
