package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// recorder is a TB that keeps what a trial reports.
type recorder struct{ errors, logs []string }

func (r *recorder) Helper()                   {}
func (r *recorder) Errorf(f string, a ...any) { r.errors = append(r.errors, fmt.Sprintf(f, a...)) }
func (r *recorder) Logf(f string, a ...any)   { r.logs = append(r.logs, fmt.Sprintf(f, a...)) }

// TestTrialsCatchMistakes plants one mistake after the other: a checker that never failed is not yet a checker.
func TestTrialsCatchMistakes(t *testing.T) {
	for _, test := range []struct {
		name                string
		n                   *notebook
		crash, fault, stall bool // which trials must object
	}{
		{"no mistake", &notebook{}, false, false, false},
		{"forgets Sync", &notebook{noSync: true}, true, true, true},
		{"forgets SyncDir", &notebook{noSyncDir: true}, true, true, true},
		{"forgets SyncDir of the parent", &notebook{noSyncParent: true}, true, true, true},
		{"renames before Sync", &notebook{renameFirst: true}, true, true, true},
		{"acknowledges too early", &notebook{ackEarly: true}, true, true, true},
		{"ignores a failed Sync", &notebook{ignoreSyncError: true}, false, true, false},
		{"retries a failed Sync", &notebook{retrySync: true}, false, true, false},
		{"ignores a short write", &notebook{ignoreShortWrite: true}, false, true, false},
		{"undoes a failed Rename", &notebook{undo: true}, false, true, false},
		{"acknowledges a Sync that takes long", &notebook{impatient: true}, false, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			trial := Trial{Workload: test.n.run, Check: test.n.check}
			for _, each := range []struct {
				name    string
				run     func(TB)
				objects bool
			}{
				{"EachCrash", func(r TB) { EachCrash(r, trial) }, test.crash},
				{"EachFault", func(r TB) { EachFault(r, trial) }, test.fault},
				{"EachStall", func(r TB) {
					synctest.Test(t, func(*testing.T) { EachStall(r, trial, time.Minute) })
				}, test.stall},
			} {
				var r recorder
				each.run(&r)
				if got := len(r.errors) > 0; got != each.objects {
					t.Errorf("%s objects: %v, want %v: %q", each.name, got, each.objects, r.errors)
				}
				for _, e := range r.errors {
					if !strings.Contains(e, "undisturbed") && !(strings.Contains(e, "op ") && strings.Contains(e, "left behind:\n")) {
						t.Errorf("%s: a report lacks its point or what was left behind: %s", each.name, e)
					}
				}
			}
		})
	}
}

// TestTrialReport: a failure can be found again from its report.
func TestTrialReport(t *testing.T) {
	n := &notebook{}
	var r recorder
	EachCrash(&r, Trial{Workload: n.run, Seeds: 20, Seed: 7, Check: func(fsys FS) error {
		if b, err := ReadFile(fsys, "d/tmp", 1<<10); err == nil && len(b) == sectorSize {
			return errors.New("torn")
		}
		return nil
	}})
	if len(r.errors) == 0 || len(r.errors) > maxFailures+20 {
		t.Fatalf("%d failures, want a few", len(r.errors))
	}
	for _, want := range []string{"crash after op ", "write d/tmp [0,+", "random power loss ", "Trial.Seed 7", "torn", "d/tmp: "} {
		if !strings.Contains(r.errors[0], want) {
			t.Errorf("the report lacks %q: %s", want, r.errors[0])
		}
	}
	if len(r.logs) != 1 || !strings.Contains(r.logs[0], "not tried") {
		t.Errorf("giving up is not said: %q", r.logs)
	}
}

// TestTrialRecovery: a recovery that removes before it has replaced is safe until it is interrupted itself.
func TestTrialRecovery(t *testing.T) {
	safe := func(fsys FS, data string) error { return WriteFile(fsys, "note", []byte(data)) }
	unsafe := func(fsys FS, data string) error {
		if err := fsys.Remove("note"); err != nil {
			return err
		}
		if err := fsys.SyncDir("."); err != nil {
			return err
		}
		return WriteFile(fsys, "note", []byte(data))
	}
	for _, test := range []struct {
		recover  func(FS, string) error
		recovery int
		objects  bool
	}{{safe, 0, false}, {safe, 20, false}, {unsafe, 0, false}, {unsafe, 20, true}, {unsafe, 1, false}} {
		acked := false
		var r recorder
		EachCrash(&r, Trial{
			Workload: func(fsys FS) error {
				acked = false
				err := WriteFile(fsys, "note", []byte("x"))
				acked = err == nil
				return err
			},
			Check: func(fsys FS) error {
				b, err := ReadFile(fsys, "note", 10)
				if errors.Is(err, fs.ErrNotExist) && !acked {
					return nil
				}
				if err != nil {
					return err
				}
				return test.recover(fsys, string(b))
			},
			Recovery: test.recovery,
		})
		if got := len(r.errors) > 0; got != test.objects {
			t.Errorf("recovery interrupted %d times: objects %v, want %v: %q", test.recovery, got, test.objects, r.errors)
		}
	}
}

// TestTrialRecoveryFaults: a recovery that takes what it cannot read for nothing, and begins anew, is found by a read that fails.
func TestTrialRecoveryFaults(t *testing.T) {
	for _, careless := range []bool{false, true} {
		acked := false
		var r recorder
		EachFault(&r, Trial{
			Workload: func(fsys FS) error {
				acked = false
				err := WriteFile(fsys, "note", []byte("x"))
				acked = err == nil
				return errors.Join(err, WriteFile(fsys, "other", nil))
			},
			Check: func(fsys FS) error {
				b, err := ReadFile(fsys, "note", 10)
				if errors.Is(err, fs.ErrNotExist) || careless && err != nil {
					b, err = nil, WriteFile(fsys, "note", nil)
				}
				if err == nil && acked && string(b) != "x" {
					err = fmt.Errorf("the note is %q", b)
				}
				return err
			},
			Recovery: 20,
		})
		if got := len(r.errors) > 0; got != careless {
			t.Errorf("careless %v: objects %v: %q", careless, got, r.errors)
		}
		for _, e := range r.errors {
			if !strings.Contains(e, "started again after a failure of op ") {
				t.Errorf("a report does not say what failed in the recovery: %s", e)
			}
		}
	}
}

// TestTrialOfNothing: a workload or check that fails by itself, or panics, is an error and not a pass.
func TestTrialOfNothing(t *testing.T) {
	fine := func(FS) error { return nil }
	bad := func(FS) error { return errors.New("bad") }
	panics := func(FS) error { panic("panics") }
	for _, c := range []Trial{{Workload: bad, Check: fine}, {Workload: fine, Check: bad}, {Workload: fine, Check: panics}} {
		for _, each := range []func(TB, Trial){EachCrash, EachFault} {
			var r recorder
			each(&r, c)
			if len(r.errors) != 1 {
				t.Errorf("reports %q, want one", r.errors)
			}
		}
	}
}

// TestTrialCoverage: every changing operation is a crash point, every operation a fault point and stalled, and Points limits all that.
func TestTrialCoverage(t *testing.T) {
	n := &notebook{}
	eachStall := func(r TB, c Trial) { synctest.Test(t, func(*testing.T) { EachStall(r, c, time.Minute) }) }
	for _, test := range []struct {
		each   func(TB, Trial)
		points int
		want   string
	}{
		{EachCrash, 0, "vfs: 20 operations, 21 crash points, 128 checks"},
		{EachCrash, 5, "vfs: 20 operations, 5 crash points, 32 checks"},
		{EachFault, 0, "vfs: 20 operations, 518 checks"},
		{eachStall, 0, "vfs: 20 operations, 40 stalls, 482 checks"},
		{eachStall, 5, "vfs: 20 operations, 10 stalls, 122 checks"},
	} {
		var r recorder
		test.each(&r, Trial{Workload: n.run, Check: n.check, Points: test.points})
		if len(r.logs) != 1 || r.logs[0] != test.want {
			t.Errorf("logs %q, want %q", r.logs, test.want)
		}
	}
}

func TestSpread(t *testing.T) {
	for _, test := range []struct {
		n, limit int
		want     string
	}{{0, 0, "[]"}, {3, 0, "[0 1 2]"}, {3, 5, "[0 1 2]"}, {10, 2, "[4 9]"}, {10, 3, "[2 5 9]"}, {7, 1, "[6]"}} {
		if got := fmt.Sprint(spread(test.n, test.limit)); got != test.want {
			t.Errorf("spread(%d, %d) = %s, want %s", test.n, test.limit, got, test.want)
		}
	}
}
