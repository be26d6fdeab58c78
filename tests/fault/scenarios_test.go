//go:build linux

package fault

import (
	"log/slog"
	"time"

	"github.com/gaplessdb/gapless/tests/schedule"
)

// scenario is a pinned run.
type scenario struct {
	Scenario
	always bool // part of make test
}

// length of a pinned schedule, and of one with much to wait for.
const (
	length = 30 * time.Second
	long   = 45 * time.Second
)

// pinned is the pinned runs; the number of each is its seed.
type pinned struct {
	setup Setup
	list  []scenario
}

// scenarios lists the pinned runs: each trouble by itself.
func scenarios(setup Setup) []scenario {
	p := &pinned{setup: setup}
	p.troubles()
	p.circumstances()
	return p.list
}

func (p *pinned) add(name string, always bool, steps ...schedule.Step) *Scenario {
	plan := &schedule.Schedule{
		Version: schedule.Version, Note: name, Seed: uint64(len(p.list) + 1), Nodes: 3, Length: length, Recovery: 5 * time.Second, Steps: steps,
	}
	p.list = append(p.list, scenario{Scenario{Name: name, Plan: plan, Setup: p.setup, Level: slog.LevelInfo, Proof: leadersHit}, always})
	return &p.list[len(p.list)-1].Scenario
}

// at is a step from a second on, for so many seconds.
func at(second, forSeconds float64, f schedule.Fault, more schedule.Step) schedule.Step {
	more.At, more.For, more.Fault = time.Duration(second*float64(time.Second)), time.Duration(forSeconds*float64(time.Second)), f
	return more
}

// troubles are what may befall a process, its disk, its clock and its network.
func (p *pinned) troubles() {
	p.add("calm", true)
	p.add("power-all", true,
		at(3, 2, schedule.PowerAll, schedule.Step{How: schedule.Lose}),
		at(14, 2, schedule.PowerAll, schedule.Step{How: schedule.Random}))
	p.add("kill-leader", true,
		at(2, 1, schedule.Kill, schedule.Step{}), at(3.5, 0, schedule.Flush, schedule.Step{}),
		at(9, 1, schedule.Kill, schedule.Step{}), at(16, 2, schedule.Kill, schedule.Step{}))
	p.add("partitions", true,
		at(1, 4, schedule.Cut, schedule.Step{}), at(8, 4, schedule.Cut, schedule.Step{How: schedule.In}),
		at(14, 4, schedule.Bridge, schedule.Step{Node: 2}), at(20, 2, schedule.Isolate, schedule.Step{}))
	p.add("sync-error", true,
		at(2, 3, schedule.SyncError, schedule.Step{}), at(11, 3, schedule.SyncError, schedule.Step{Node: 2, How: schedule.Drop}))
	p.add("disk-full", true,
		at(2, 4, schedule.DiskFull, schedule.Step{Node: 3}), at(14, 4, schedule.DiskFull, schedule.Step{}))
	p.add("flip", true,
		at(4, 0, schedule.Flip, schedule.Step{Node: 2, How: schedule.Segment, Amount: 0.4}))
	p.add("wipe", false, at(3, 2, schedule.Wipe, schedule.Step{Node: 2}))
	p.add("rollback", false, at(8, 2, schedule.Rollback, schedule.Step{Node: 3, Amount: 5_000}))
	const month = 30 * 86_400
	p.add("clock", false,
		at(2, 0, schedule.Clock, schedule.Step{Node: 1, Amount: month}), at(7, 0, schedule.Clock, schedule.Step{Node: 1, Amount: -month}),
		at(12, 6, schedule.Strobe, schedule.Step{Node: 1, Amount: 3_600}))
	p.add("clock-leader", false, at(2, 0, schedule.Clock, schedule.Step{Amount: -month}))
	p.add("strobe-leader", false, at(2, 12, schedule.Strobe, schedule.Step{Amount: month}))
	p.add("swap", false, at(4, 5, schedule.Swap, schedule.Step{Node: 1, Peer: 3})).Plan.Beyond = true
	p.add("loss", false, at(2, 8, schedule.Loss, schedule.Step{Amount: 0.3}), at(14, 6, schedule.Loss, schedule.Step{Node: 2, Amount: 0.6}))
	p.add("members", false, at(3, 6, schedule.RemoveJoin, schedule.Step{Node: 2}), at(14, 1, schedule.Kill, schedule.Step{}))
	p.add("flip-log", false, at(6, 2, schedule.Flip, schedule.Step{Node: 3, How: schedule.WAL, Amount: 0.3}))
	p.add("flip-floor", false, at(6, 2, schedule.Flip, schedule.Step{Node: 1, How: schedule.Floor, Amount: 0.5}))
	p.add("flip-votes", false, at(6, 2, schedule.Flip, schedule.Step{Node: 2, How: schedule.Votes, Amount: 0.3}))
	p.add("pause-leader", true, at(2, 4, schedule.Pause, schedule.Step{}), at(12, 6, schedule.Pause, schedule.Step{}))
	p.add("restarts", false,
		at(2, 2, schedule.Restart, schedule.Step{Node: 1}), at(8, 2, schedule.Restart, schedule.Step{Node: 2}),
		at(14, 2, schedule.Restart, schedule.Step{Node: 3}))
	p.add("slow-disk", false, at(2, 6, schedule.Slow, schedule.Step{Amount: 2_000}), at(13, 8, schedule.Slow, schedule.Step{Node: 2, Amount: 200}))
	p.add("stuck-disk", false, at(2, 18, schedule.Slow, schedule.Step{Amount: 30_000})).Fence = 3 * time.Second
	p.add("hung-disk", false, at(2, 14, schedule.Hang, schedule.Step{})).Fence = 3 * time.Second
}

// circumstances are when something befalls it, what it may use, and who uses it.
func (p *pinned) circumstances() {
	acts := p.add("in-the-act", false, // the operation at which each comes is drawn, from the seed and the time
		at(1, 4, schedule.Kill, schedule.Step{How: schedule.Flushing}), at(6.5, 4, schedule.Kill, schedule.Step{How: schedule.Publishing}),
		at(11, 6, schedule.Kill, schedule.Step{How: schedule.Merging}), at(18, 5, schedule.Kill, schedule.Step{How: schedule.Cutting}),
		at(24, 9, schedule.Kill, schedule.Step{How: schedule.Recycling}))
	acts.Plan.Length = long
	p.add("absent", false, at(1, 19, schedule.Kill, schedule.Step{Node: 2})).Proof = cutWhileAway
	p.add("disks-full", false, at(2, 5, schedule.DiskFull, schedule.Step{Node: 1}), at(2, 6, schedule.DiskFull, schedule.Step{Node: 2}),
		at(2, 4, schedule.DiskFull, schedule.Step{Node: 3})).Plan.Beyond = true
	p.add("crowd", false, at(4, 1, schedule.Kill, schedule.Step{}), at(12, 3, schedule.Isolate, schedule.Step{})).Crowd = 1000
	few := p.add("descriptors", false, at(6, 1, schedule.Kill, schedule.Step{}))
	few.Crowd, few.Setup.Limits.OpenFiles = 300, 146
	little := p.add("memory", false, at(6, 1, schedule.Kill, schedule.Step{}), at(12, 1, schedule.Wipe, schedule.Step{Node: 2}))
	little.Setup.Limits.MemoryBytes = 20 << 20
	absence := p.add("installs", false, // each away until the others have cut their logs
		at(1, 9, schedule.Kill, schedule.Step{Node: 2}), at(3, 0, schedule.Flush, schedule.Step{}), at(6, 0, schedule.Flush, schedule.Step{}),
		at(9, 0, schedule.Flush, schedule.Step{}), at(10, 5, schedule.Kill, schedule.Step{How: schedule.Installing}),
		at(17, 9, schedule.Kill, schedule.Step{Node: 3}), at(19, 0, schedule.Flush, schedule.Step{}), at(22, 0, schedule.Flush, schedule.Step{}),
		at(25, 0, schedule.Flush, schedule.Step{}), at(26, 5, schedule.Kill, schedule.Step{Node: 3, How: schedule.Installing}),
		at(32, 6, schedule.Kill, schedule.Step{Node: 1, How: schedule.Merging}))
	absence.Plan.Length = long
	p.add("io-error", false,
		at(2, 3, schedule.IOError, schedule.Step{Node: 2, How: schedule.Read}),
		at(8, 3, schedule.IOError, schedule.Step{Node: 3, How: schedule.Write}),
		at(15, 3, schedule.IOError, schedule.Step{}))
}

// beyondEvery seed has no budget.
const beyondEvery = 4

// tortureOptions vary with the seed, and of the faults a seed gets a random part. Disks change places only where there is no budget: two nodes are
// away then.
func tortureOptions(seed uint64) schedule.Options {
	faults := []schedule.Fault{
		schedule.Kill, schedule.Power, schedule.PowerAll, schedule.SyncError, schedule.IOError, schedule.DiskFull, schedule.Stall, schedule.Flip,
		schedule.Wipe, schedule.Rollback, schedule.RemoveJoin, schedule.Isolate, schedule.Cut, schedule.Bridge, schedule.Loss, schedule.Clock,
		schedule.Strobe, schedule.Transfer, schedule.Flush, schedule.Pause, schedule.Restart, schedule.Slow, schedule.Hang,
	}
	beyond := seed%beyondEvery == 0
	if beyond {
		faults = append(faults, schedule.Swap)
	}
	return schedule.Options{
		Length: time.Minute, Quiet: 10 * time.Second, Density: 8 + float64(seed%3)*4, Faults: faults, Recovery: 10 * time.Second,
		Real: true, Beyond: beyond,
	}
}
