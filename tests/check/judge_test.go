package check

import (
	"slices"
	"strings"
	"testing"
)

// TestVerdict: a run passes only if it proves something.
func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(r *Run) *Run
		want  Result
		words string
	}{
		{"a good run", func(r *Run) *Run { return r }, Pass, "PASS: 0 violations"},
		{"a fault that did not bite", func(r *Run) *Run { r.Faults[0].Witness = 0; return r }, Inconclusive, "no witness that the fault bit"},
		{"nothing happened", func(*Run) *Run { return &Run{} }, Inconclusive, "0 frames were acknowledged, at least 1000"},
		{"nothing was read", func(r *Run) *Run { r.Finals = nil; return r }, Inconclusive, "nothing was read in the end"},
		{"no gap reports in the end", func(r *Run) *Run { r.Finals[1].Gaps = nil; return r }, Inconclusive, "n2 gave no gap reports in the end"},
		{"never healed", func(r *Run) *Run { r.Healed = 0; return r }, Inconclusive, "never healed"},
		{"no votes", func(r *Run) *Run {
			r.Events = slices.DeleteFunc(r.Events, func(e Event) bool { return e.Kind == Voted })
			return r
		}, Pass, "not looked at: amnesia: no votes"},
		{"a certificate that nobody checked", func(r *Run) *Run { r.Certified[1].Verified = nil; return r }, Inconclusive, "nobody checked offline"},
		{"a violation without witness", func(r *Run) *Run {
			r.Faults[0].Witness = 0
			r.Finals[0].Ready = false
			return r
		}, Fail, "liveness: NOT READY"},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			v := Judge(c.spoil(generate(3, 500, nil)))
			if v.Result != c.want || !strings.Contains(v.String(), c.words) {
				t.Fatalf("want %s with %q, got %s", c.want, c.words, v)
			}
		})
	}
}

// TestVerdictIsShort: of many findings the first few are shown, and how many there are.
func TestVerdictIsShort(t *testing.T) {
	r := generate(3, 500, nil)
	for i := range r.Ledgers {
		r.Ledgers[i].A.Drift = 1
	}
	v := Judge(r)
	text := v.String()
	if v.Result != Fail || strings.Count(text, "\n  balance: UNBALANCED") != 5 || !strings.Contains(text, "more") {
		t.Fatal(text)
	}
}

// TestViolationIsAStart: a violation names what a person needs to begin with.
func TestViolationIsAStart(t *testing.T) {
	v := Violation{
		Checker: "durable", What: "LOST", Counter: Counter{"d", "s", "e"},
		Numbers: NumbersOf(Span{1, 2}, Span{5, 5}, Span{7, 7}, Span{9, 9}, Span{11, 11}, Span{13, 20}),
		Node:    "n2", At: 1500e6, Witnesses: []string{"first", "second"},
	}
	want := "durable: LOST: d/s epoch e 1..2, 5, 7, 9, 11, ... (14 numbers) on n2 at 1.5s\n    first\n    second"
	if v.String() != want {
		t.Fatalf("%q", v.String())
	}
}

// TestWithoutPlaces: of rows that do not say where they were committed, less is known, and nothing is invented.
func TestWithoutPlaces(t *testing.T) {
	r := generate(4, 500, func(m *model) {
		for _, rows := range m.rows {
			for i := range rows {
				rows[i].Index, rows[i].History = 0, 0
			}
		}
	})
	if v := Judge(r); v.Result != Pass {
		t.Fatal(v)
	}
}
