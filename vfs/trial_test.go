package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

// recorder is a TB that keeps what a trial reports.
type recorder struct{ errors, logs []string }

func (r *recorder) Helper()                   {}
func (r *recorder) Errorf(f string, a ...any) { r.errors = append(r.errors, fmt.Sprintf(f, a...)) }
func (r *recorder) Logf(f string, a ...any)   { r.logs = append(r.logs, fmt.Sprintf(f, a...)) }

// notebook is a small store with switches for the mistakes that a trial must catch: it replaces a file per round through a
// temporary one, and acknowledges the round.
type notebook struct {
	noSync, noSyncDir, noSyncParent, renameFirst, ackEarly, ignoreSyncError, retrySync, ignoreShortWrite bool

	acked int
}

const rounds = 3

func (n *notebook) run(fsys FS) error {
	n.acked = 0
	if err := fsys.MkdirAll("d"); err != nil {
		return err
	}
	if !n.noSyncParent {
		if err := fsys.SyncDir("."); err != nil {
			return err
		}
	}
	for i := 1; i <= rounds; i++ {
		if n.ackEarly {
			n.acked = i
		}
		if err := n.round(fsys, fmt.Sprintf("round %d %s.", i, strings.Repeat("-", 600))); err != nil {
			return err
		}
		n.acked = i
	}
	return nil
}

func (n *notebook) round(fsys FS, text string) error {
	_ = fsys.Remove("d/tmp")
	f, err := fsys.Create("d/tmp")
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(text), 0); err != nil && !n.ignoreShortWrite {
		return err
	}
	if n.renameFirst {
		if err := fsys.Rename("d/tmp", "d/note"); err != nil {
			return err
		}
	}
	if !n.noSync {
		err := f.Sync()
		if err != nil && n.retrySync {
			err = f.Sync()
		}
		if err != nil && !n.ignoreSyncError {
			return err
		}
	}
	if !n.renameFirst {
		if err := fsys.Rename("d/tmp", "d/note"); err != nil {
			return err
		}
	}
	if n.noSyncDir {
		return nil
	}
	return fsys.SyncDir("d")
}

// check accepts the acknowledged round or a later one, whole.
func (n *notebook) check(fsys FS) error {
	b, err := ReadFile(fsys, "d/note", 1<<10)
	if errors.Is(err, fs.ErrNotExist) && n.acked == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("round %d was acknowledged: %w", n.acked, err)
	}
	var got int
	if _, err := fmt.Sscanf(string(b), "round %d", &got); err != nil || got < n.acked || !strings.HasSuffix(string(b), "-.") {
		return fmt.Errorf("round %d was acknowledged, found %.10q", n.acked, b)
	}
	return nil
}

// TestTrialsCatchMistakes plants one mistake after the other: a checker that never failed is not yet a checker.
func TestTrialsCatchMistakes(t *testing.T) {
	tests := []struct {
		name         string
		n            notebook
		crash, fault bool // whether EachCrash and EachFault must object
	}{
		{"no mistake", notebook{}, false, false},
		{"forgets Sync", notebook{noSync: true}, true, true},
		{"forgets SyncDir", notebook{noSyncDir: true}, true, true},
		{"forgets SyncDir of the parent", notebook{noSyncParent: true}, true, true},
		{"renames before Sync", notebook{renameFirst: true}, true, true},
		{"acknowledges too early", notebook{ackEarly: true}, true, true},
		{"ignores a failed Sync", notebook{ignoreSyncError: true}, false, true},
		{"retries a failed Sync", notebook{retrySync: true}, false, true},
		{"ignores a short write", notebook{ignoreShortWrite: true}, false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			trial := Trial{Workload: test.n.run, Check: test.n.check}
			var crash, fault recorder
			EachCrash(&crash, trial)
			EachFault(&fault, trial)
			if got := len(crash.errors) > 0; got != test.crash {
				t.Errorf("EachCrash objects: %v, want %v: %q", got, test.crash, crash.errors)
			}
			if got := len(fault.errors) > 0; got != test.fault {
				t.Errorf("EachFault objects: %v, want %v: %q", got, test.fault, fault.errors)
			}
			for _, e := range append(crash.errors, fault.errors...) {
				if !strings.Contains(e, "op ") && !strings.Contains(e, "undisturbed") || !strings.Contains(e, "left behind:\n") &&
					!strings.Contains(e, "undisturbed") {
					t.Errorf("a report lacks its point or what was left behind: %s", e)
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

// TestTrialCoverage: every changing operation is a crash point, every operation a fault point, and Points limits both.
func TestTrialCoverage(t *testing.T) {
	n := &notebook{}
	for _, test := range []struct {
		each   func(TB, Trial)
		points int
		want   string
	}{
		{EachCrash, 0, "vfs: 20 operations, 21 crash points, 128 checks"},
		{EachCrash, 5, "vfs: 20 operations, 5 crash points, 32 checks"},
		{EachFault, 0, "vfs: 20 operations, 398 checks"},
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
