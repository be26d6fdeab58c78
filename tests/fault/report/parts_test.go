package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
)

// TestEveryCheckerIsTold: in words, and with what it looks at; a run that has some of everything leaves none out.
func TestEveryCheckerIsTold(t *testing.T) {
	looked := small().looked()
	for _, c := range check.All() {
		if words[c.Name()] == "" {
			t.Errorf("%s: promises.go has no words for it", c.Name())
		}
		if _, known := looked[c.Name()]; !known {
			t.Errorf("%s: looked.go does not say what it looks at", c.Name())
		}
	}
	if len(words) != len(check.All()) || len(looked) != len(check.All()) {
		t.Errorf("%d checkers, %d with words, %d that look at something", len(check.All()), len(words), len(looked))
	}
}

// TestPromises: what comes of a promise follows from the violations, and from whether there was anything to look at.
func TestPromises(t *testing.T) {
	r := small()
	r.Verdict.Violations = append(r.Verdict.Violations, check.Violation{Checker: "simulation", What: "a step that is not known"})
	got := map[string]string{}
	for _, p := range r.promises() {
		got[p.Name] = fmt.Sprint(p.Mark, ", ", p.Result())
	}
	for name, want := range map[string]string{
		"durable": "held, held", "once": "broken, broken: 1 violation", "linear": "undecided, undecided", "failstop": "untested, not put to the test",
		"simulation": "broken, broken: 1 violation",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
}

// TestAckedFrames: a frame counts once however often it was acknowledged, and not at all where the answer rejects it.
func TestAckedFrames(t *testing.T) {
	c := check.Counter{Device: "d"}
	run := &check.Run{Batches: []check.Batch{
		{Counter: c, First: 1, Last: 10, Outcome: check.Acked, Rejected: []uint64{3, 10}},
		{Counter: c, First: 1, Last: 10, Outcome: check.Acked, Rejected: []uint64{3}},
		{Counter: c, First: 11, Last: 20}, {Counter: c, First: 21, Last: 30, Outcome: check.Refused},
		{Counter: check.Counter{Device: "e"}, First: 5, Last: 5, Outcome: check.Acked},
	}}
	if got := ackedFrames(run); got != 10 {
		t.Errorf("%d frames, want 10", got)
	}
}

// TestSpells: a node is drawn as it was sampled; in one column the rarer state wins, and a new term is a new spell.
func TestSpells(t *testing.T) {
	tl := &timeline{axis: axis{100 * time.Second}}
	var samples []Sample
	add := func(seconds float64, s State, term uint64) {
		samples = append(samples, Sample{At: at(seconds), Node: "n", State: s, Term: term})
	}
	add(0, Follower, 1)
	add(20, Leader, 2)
	add(40, Leader, 3)
	add(60, Follower, 3)
	add(60.01, Down, 0)
	add(60.02, Follower, 3)
	add(80, Paused, 3)
	var got []string
	for _, s := range tl.spells(samples) {
		got = append(got, fmt.Sprintf("%s %s", s.State, s.Text))
	}
	want := "[follower  leader leader, term 2 leader leader, term 3 down down paused paused]"
	if fmt.Sprint(got) != want {
		t.Errorf("got %v\nwant %s", got, want)
	}
}

// TestSilence is the longest time without an acknowledgement, the end included.
func TestSilence(t *testing.T) {
	batch := func(from, to float64, o check.Outcome) check.Batch {
		return check.Batch{Invoke: at(from), Return: at(to), Outcome: o}
	}
	r := &Report{Run: &check.Run{Batches: []check.Batch{
		batch(1, 1.5, check.Acked), batch(9, 9.5, check.Unknown), batch(2, 2.25, check.Acked), batch(3, 4, check.Refused),
	}}}
	if got := r.silence(); got.Value != "7.25 s" || got.Note != "from 2.3 s on" {
		t.Errorf("got %+v", got)
	}
}

func TestWords(t *testing.T) {
	for got, want := range map[string]string{
		number(0): "0", number(999): "999", number(1_000): "1,000", number(1_234_567): "1,234,567",
		counted(1, "node"): "1 node", counted(2, "node"): "2 nodes", counted(uint64(0), "stretch"): "0 stretches",
		clock(1250 * time.Millisecond): "1.3 s", clock(-time.Second): "-1.0 s", clock(2*time.Hour + 3*time.Second): "2:00:03",
		lasted(420 * time.Microsecond): "0.4 ms", lasted(42 * time.Millisecond): "42 ms", lasted(4200 * time.Millisecond): "4.20 s",
		listed([]string{"a", "b", "c"}, 2): "a, b and 1 more", listed([]string{"a", "b"}, 2): "a, b", spoken("power_all"): "power all",
		shorten(4, "abcde"): "abc…", shorten(5, "abcde"): "abcde", shorten(3, "äöü"): "äöü", shorten(3, "ab cd"): "ab…",
		px(1235).String(): "123.5", px(1230).String(): "123", hours(90 * time.Minute): "1:30 h", decade(10 * time.Millisecond): "10 ms",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for n, want := range map[uint64]uint64{0: 1, 1: 1, 3: 5, 11: 20, 20: 20, 999: 1000, 1<<64 - 1: 1<<64 - 1} {
		if got := ceiling(n); got != want {
			t.Errorf("ceiling of %d is %d, want %d", n, got, want)
		}
	}
}

// TestTailOf keeps the end of a log, and says how much is missing.
func TestTailOf(t *testing.T) {
	got := tailOf("n1", strings.Repeat("line\n", 500)+"last\n")
	if got.Left != 501-tailLines || !strings.HasSuffix(got.Text, "\nlast") || strings.Count(got.Text, "\n") != tailLines-1 {
		t.Errorf("%d lines left out, %q", got.Left, got.Text)
	}
	long := tailOf("n1", strings.Repeat("y", 100_000)+"\n"+strings.Repeat("x", 100_000))
	if long.Left != 1 || len(long.Text) > tailBytes+3 || strings.Contains(long.Text, "y") {
		t.Errorf("%d bytes, %d lines left out", len(long.Text), long.Left)
	}
}

// TestExcusedIsSaid: what is not held against a cluster beyond the budget is on the page all the same.
func TestExcusedIsSaid(t *testing.T) {
	excused := []check.Violation{{Checker: "liveness", What: "NOT READY"}, {Checker: "durable", What: "LOST"}}
	r := &Report{Verdict: check.Verdict{Result: check.Pass, Excused: excused}}
	if got := r.reasons(); len(got) != 1 || !strings.Contains(got[0], "2 findings") || !strings.Contains(got[0], "liveness: NOT READY") {
		t.Errorf("%q", got)
	}
}
