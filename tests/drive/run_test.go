package drive

import (
	"testing"

	"github.com/gaplessdb/gapless/tests/check"
)

// TestDoubt: a run in which a checker had nothing to look at, or nothing was merged, does not pass; what failed stays so.
func TestDoubt(t *testing.T) {
	for _, tc := range []struct {
		blind  []string
		merges int64
		have   check.Result
		want   check.Result
		why    int
	}{
		{nil, 1, check.Pass, check.Pass, 0},
		{nil, 0, check.Pass, check.Inconclusive, 1},
		{[]string{"amnesia: no votes"}, 1, check.Pass, check.Inconclusive, 1},
		{[]string{"amnesia: no votes"}, 0, check.Pass, check.Inconclusive, 2},
		{[]string{"amnesia: no votes"}, 0, check.Fail, check.Fail, 0},
	} {
		o := &Outcome{Merges: tc.merges, Verdict: check.Verdict{Result: tc.have, Blind: tc.blind}}
		if o.doubt(); o.Verdict.Result != tc.want || len(o.Verdict.Why) != tc.why {
			t.Errorf("%v, %d merges: %v", tc.blind, tc.merges, o.Verdict)
		}
	}
}
