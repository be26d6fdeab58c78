package sim

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/schedule"
)

// scenario is a pinned run.
type scenario struct {
	name  string
	brief bool // worth its time under the race detector, too
	plan  *schedule.Schedule
}

// scenarios lists the pinned runs: each kind of fault alone, pairs that are worse together, and schedules that once failed (testdata).
func scenarios(t *testing.T) (list []scenario) {
	t.Helper()
	add := func(name string, seed uint64, opt schedule.Options, faults ...schedule.Fault) {
		opt.Faults = faults
		if opt.Length == 0 {
			opt.Length = time.Minute
		}
		list = append(list, scenario{name: name, plan: schedule.Generate(seed, opt)})
	}
	list = append(list, scenario{name: "calm", plan: &schedule.Schedule{Version: schedule.Version, Seed: 1, Nodes: 3, Length: 30 * time.Second}})
	dense := schedule.Options{Density: 20}
	add("kill", 1, dense, schedule.Kill)
	add("power", 1, dense, schedule.Power)
	add("power_all", 1, schedule.Options{}, schedule.PowerAll)
	add("sync_error", 1, dense, schedule.SyncError)
	add("io_error", 2, schedule.Options{}, schedule.IOError)
	add("disk_full", 1, schedule.Options{}, schedule.DiskFull)
	add("stall", 1, schedule.Options{}, schedule.Stall)
	add("flip", 1, schedule.Options{Length: 90 * time.Second}, schedule.Flip)
	add("wipe", 1, schedule.Options{Length: 90 * time.Second}, schedule.Wipe)
	add("rollback", 1, schedule.Options{Length: 90 * time.Second}, schedule.Rollback)
	add("remove_join", 1, schedule.Options{Length: 90 * time.Second}, schedule.RemoveJoin)
	add("partitions", 1, dense, schedule.Isolate, schedule.Cut, schedule.Bridge)
	add("bad network", 1, dense, schedule.Loss, schedule.Delay)
	add("clocks", 1, dense, schedule.Clock, schedule.Strobe)
	add("handover", 1, dense, schedule.Transfer, schedule.Flush)
	add("kill while flushing", 1, dense, schedule.Kill, schedule.Flush, schedule.Transfer)
	add("power and partitions", 1, dense, schedule.Power, schedule.Isolate, schedule.Cut)
	add("stalls and partitions", 1, dense, schedule.Stall, schedule.Isolate, schedule.Loss)
	add("wipe under kills", 1, schedule.Options{Length: 90 * time.Second}, schedule.Wipe, schedule.Kill, schedule.Flush)
	add("members under kills", 1, schedule.Options{Length: 90 * time.Second}, schedule.RemoveJoin, schedule.Kill, schedule.Isolate)
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no pinned schedules in testdata: %v", err)
	}
	for _, file := range files {
		plan, err := schedule.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, scenario{name: strings.TrimSuffix(filepath.Base(file), ".json"), plan: plan})
	}
	for i := range list {
		switch list[i].name {
		case "calm", "power_all":
			list[i].brief = true
		}
	}
	return list
}
