package report

import (
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/schedule"
)

// TestTopOfThePage: what is broken comes before what else is lacking, under a heading that fits the verdict, and nothing is said twice.
func TestTopOfThePage(t *testing.T) {
	broken := check.Violation{Checker: "crash", What: "n1 ended"}
	for _, tc := range []struct {
		name    string
		verdict check.Verdict
		note    string
		want    []string // in this order
		never   string
	}{
		{"broken", check.Verdict{Result: check.Fail, Violations: []check.Violation{broken}, Why: []string{"a fault was not felt"}}, "the plan",
			[]string{"the plan", "Broken: crash", "Promised: No process ends", "n1 ended", "What it lacks besides", "a fault was not felt", "What happened"}, "proves nothing"},
		{"unknown", check.Verdict{Result: check.Inconclusive, Why: []string{"a fault was not felt"}}, "the plan",
			[]string{"Why it proves nothing", "a fault was not felt", `class="tiles"`, "What happened"}, "besides"},
		{"excused", check.Verdict{Result: check.Pass, Excused: []check.Violation{broken}}, "the title",
			[]string{"What was excused", "n1 ended", `class="tiles"`}, `class="note"`},
	} {
		page := string(written(t, &Report{Title: "the title", Plan: &schedule.Schedule{Note: tc.note}, Verdict: tc.verdict}))
		_, page, _ = strings.Cut(page, "</style>")
		if strings.Contains(page, tc.never) {
			t.Errorf("%s: the page says %q", tc.name, tc.never)
		}
		for _, want := range tc.want {
			_, after, found := strings.Cut(page, want)
			if !found {
				t.Fatalf("%s: the page does not say %q, or not in its place", tc.name, want)
			}
			page = after
		}
	}
}
