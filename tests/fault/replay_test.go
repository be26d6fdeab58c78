//go:build linux

package fault

import (
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/schedule"
)

// TestReplayed: a schedule is replayed with the clients, limits and fence_after of its scenario, and the command that is printed says so.
func TestReplayed(t *testing.T) {
	plan := &schedule.Schedule{Version: schedule.Version, Nodes: 3, Length: time.Second}
	setup := Setup{Binary: "bin"}
	for _, s := range scenarios(setup) {
		got, err := replayed(plan, setup, s.Name)
		if err != nil || got.Plan != plan || got.Name != "replay" || got.Proof != nil {
			t.Fatalf("%s: %+v, %v", s.Name, got, err)
		}
		if got.Crowd != s.Crowd || got.Fence != s.Fence || got.Setup.Limits != s.Setup.Limits || got.Setup.Binary != "bin" {
			t.Errorf("%s is replayed with %+v", s.Name, got)
		}
		if flag := likeFlag(s.Name); flag != " -like "+s.Name {
			t.Errorf("%s: %q", s.Name, flag)
		}
	}
	if got, err := replayed(plan, setup, ""); err != nil || got.Crowd != 0 || got.Plan != plan {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := replayed(plan, setup, "nothing"); err == nil {
		t.Error("a scenario that there is not")
	}
	if flag := likeFlag("seed-7"); flag != "" {
		t.Error(flag)
	}
}
