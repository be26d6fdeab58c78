//go:build linux

package fault

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/drive"
	"github.com/gaplessdb/gapless/tests/schedule"
	"github.com/gaplessdb/gapless/tests/temp"
)

// Who uses the cluster.
const (
	senders = 8
	readers = 4
)

// healWithin is longer than any node was ever seen to take.
const healWithin = time.Minute

// fenceAfter is longer than what three nodes on one processor make of each other.
const fenceAfter = 10 * time.Second

// Sizes: small, so that half a minute of load rolls, flushes, cuts and merges.
const (
	flushBytes   = 256 << 10
	logFileBytes = 64 << 10
	logKeepBytes = 64 << 10
	mergeBytes   = 1 << 20
	retireAfter  = 5 * time.Second
)

// warmUp is how long there is load before the schedule begins.
const warmUp = 4 * time.Second

// tempKind is of the directories of runs; Sweep removes those that a killed process left.
const tempKind = "fault"

// Scenario is one run to be made.
type Scenario struct {
	Name  string
	Plan  *schedule.Schedule
	Setup Setup
	Crowd int           // visitors, see drive.Options
	Fence time.Duration // fence_after; 0: fenceAfter
	Level slog.Level    // of the nodes' lines that are kept

	// Proof says why a run did not show what the scenario is for, although every fault bit; "" when it did. nil: there is nothing more to show.
	Proof func(*check.Run) string
}

// Outcome is what came of it.
type Outcome struct {
	*drive.Outcome
	Dumps map[string]string // what gapless dump says of the disks
}

// Run carries out a scenario in a directory of its own, which it removes. An error beside an outcome is about taking the world down.
func Run(s Scenario) (result *Outcome, err error) {
	if s.Setup.Dir, err = temp.Dir(tempKind); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.Setup.Dir)) }()
	fence := cmp.Or(s.Fence, fenceAfter)
	s.Setup.Args = append([]string{
		"--fence-after", fence.String(), "--log-file-bytes", fmt.Sprint(logFileBytes), "--log-keep-bytes", fmt.Sprint(logKeepBytes),
		"--retire-after", retireAfter.String(), "--cache-bytes", "1048576",
	}, s.Setup.Args...)
	var w *world
	defer func() {
		if w != nil {
			err = errors.Join(err, w.Close())
		}
	}()
	out, err := drive.Run(s.Plan, drive.Options{
		Level: s.Level, Senders: senders, Readers: readers, Crowd: s.Crowd, Formats: []check.Format{check.JSON, check.Binary, check.Line},
		WarmUp: warmUp, HealWithin: healWithin, FenceAfter: fence, FlushBytes: flushBytes, MergeBytes: mergeBytes,
		Build: func(scene drive.Scene, plan *schedule.Schedule) (drive.World, error) {
			w, err = s.Setup.build(scene, plan)
			return w, err
		},
	})
	if err != nil {
		return nil, err
	}
	s.prove(out)
	return &Outcome{out, w.dump(out)}, nil
}
