//go:build linux

package fault

import (
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/drive"
	"github.com/gaplessdb/gapless/tests/schedule"
)

// TestCutWhileAway plants what the nodes say of their logs around a kill of n2 from 10 s to 30 s, and asks whether it proves a cut.
func TestCutWhileAway(t *testing.T) {
	sample := func(node string, second int, first, last uint64) check.Storage {
		at := time.Duration(second) * time.Second
		return check.Storage{Node: node, Invoke: at, Return: at + time.Millisecond, Log: check.LogRange{First: first, Last: last}}
	}
	before := []check.Storage{sample("n1", 9, 1, 90), sample("n2", 9, 1, 90), sample("n3", 9, 1, 90)}
	gone := []check.Storage{sample("n1", 12, 1, 110), sample("n3", 12, 1, 120)}
	kill := []check.Fault{{From: 10 * time.Second, To: 30 * time.Second, Kind: "kill", Node: "n2", Witness: 1}}
	for name, tc := range map[string]struct {
		faults []check.Fault
		more   [][]check.Storage
		want   string // part of the answer, "" for a proof
	}{
		"both cut": {kill, [][]check.Storage{before, gone, {sample("n1", 29, 122, 900), sample("n3", 29, 300, 900)}}, ""},
		"one did not": {kill, [][]check.Storage{before, gone, {sample("n1", 29, 121, 900), sample("n3", 29, 300, 900)}},
			"log of n1 began at 121"},
		"cut when it was back": {kill, [][]check.Storage{before, gone, {sample("n1", 31, 400, 900), sample("n3", 31, 400, 900)}},
			"began at 1 when n2 came back"},
		"one was not asked":     {kill, [][]check.Storage{before, gone[:1], {sample("n1", 29, 400, 900)}}, "log of n3 began at 0"},
		"nobody was":            {kill, [][]check.Storage{before, {sample("n1", 31, 400, 900), sample("n3", 31, 400, 900)}}, "nobody said"},
		"only the absent spoke": {kill, [][]check.Storage{before[1:2], {sample("n2", 12, 1, 90)}}, "nobody said"},
		"no fault":              {nil, [][]check.Storage{before}, "nobody was away"},
	} {
		r := &check.Run{Faults: tc.faults}
		for _, list := range tc.more {
			r.Storages = append(r.Storages, list...)
		}
		if got := cutWhileAway(r); (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// TestLeadersHit: who was hit as the leader must have been the newest one by then. Faults of numbered nodes do not count.
func TestLeadersHit(t *testing.T) {
	second := func(n int) time.Duration { return time.Duration(n) * time.Second }
	led := func(n int, node string) check.Event {
		return check.Event{At: second(n), Kind: check.Led, Node: node, Term: uint64(n)}
	}
	kill := func(n int, node, text string) check.Fault {
		return check.Fault{From: second(n), To: second(n + 5), Kind: "kill", Node: node, Text: text}
	}
	leader := schedule.Step{Fault: schedule.Kill, How: schedule.Flushing, For: second(5)}.Words() + "; as n1 was about to sync"
	late := check.Event{At: second(6), Kind: check.Led, Node: "n1", Term: 1} // it did not know that its term was over
	events := []check.Event{led(1, "n1"), {At: second(4), Kind: check.Started, Node: "n3"}, led(5, "n2"), late}
	for name, tc := range map[string]struct {
		faults []check.Fault
		want   string // part of the answer, "" for a proof
	}{
		"it led": {[]check.Fault{kill(3, "n1", leader), kill(9, "n2", leader)}, ""},
		"another led by now": {[]check.Fault{kill(3, "n1", leader), kill(6, "n1", leader)},
			`kill of n1 at 6s was meant for the leader, and "n2" led`},
		"nobody led yet":    {[]check.Fault{kill(0, "n1", leader)}, `and "" led`},
		"not as the leader": {[]check.Fault{kill(6, "n1", schedule.Step{Fault: schedule.Kill, Node: 1, How: schedule.Merging}.Words())}, ""},
		"of a pause": {[]check.Fault{{From: second(6), Kind: "pause", Node: "n1",
			Text: schedule.Step{Fault: schedule.Pause}.Words()}}, "pause of n1 at 6s"},
		"of nobody": {[]check.Fault{{From: second(6), Kind: "flush", Text: schedule.Step{Fault: schedule.Flush}.Words()}}, ""},
	} {
		if got := leadersHit(&check.Run{Faults: tc.faults, Events: events}); (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// TestProve sees that a run without its proof is UNKNOWN, and that one which broke a promise stays FAIL.
func TestProve(t *testing.T) {
	for _, tc := range []struct {
		why        string
		have, want check.Result
	}{
		{"", check.Pass, check.Pass}, {"idle", check.Pass, check.Inconclusive}, {"idle", check.Fail, check.Fail},
		{"idle", check.Inconclusive, check.Inconclusive},
	} {
		s := Scenario{Proof: func(*check.Run) string { return tc.why }}
		out := &drive.Outcome{Run: &check.Run{}, Verdict: check.Verdict{Result: tc.have}}
		s.prove(out)
		if got := out.Verdict; got.Result != tc.want || (len(got.Why) > 0) != (tc.why != "") {
			t.Errorf("%q: %v became %v", tc.why, tc.have, got)
		}
	}
}
