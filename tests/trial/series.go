package trial

import (
	"flag"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/drive"
	"github.com/gaplessdb/gapless/tests/schedule"
)

var verbose = flag.Bool("journal", false, "show what the nodes logged, also of runs that pass")

// Series is the runs of a test. The zero Series has none yet; any goroutine may add to it.
type Series struct {
	mu      sync.Mutex // protects all below
	runs    int
	results [3]int // by check.Result
	virtual time.Duration
	real    time.Duration
	acked   uint64
	merges  int64
}

// Add takes a run, says what came of it, and fails the test when it broke a promise. Real is how long the run took, apart from its own clock.
func (s *Series) Add(t *testing.T, plan *schedule.Schedule, out *drive.Outcome, real time.Duration) check.Result {
	t.Helper()
	s.mu.Lock()
	s.runs++
	s.results[out.Verdict.Result]++
	s.virtual += out.Took
	s.real += real
	s.acked += out.Acked
	s.merges += out.Merges
	s.mu.Unlock()
	switch {
	case out.Verdict.Result == check.Fail:
		t.Errorf("%s\n%s\n%s", out.Verdict, plan, out.Journal)
	case *verbose:
		t.Logf("%s\n%s", out.Verdict, out.Journal)
	case out.Verdict.Result == check.Inconclusive:
		t.Log(out.Verdict)
	}
	return out.Verdict.Result
}

func (s *Series) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("%d runs: %d PASS, %d UNKNOWN, %d FAIL; %s on their clocks in %s of real time, %d frames acknowledged, %d merges",
		s.runs, s.results[check.Pass], s.results[check.Inconclusive], s.results[check.Fail],
		s.virtual.Round(time.Second), s.real.Round(time.Second), s.acked, s.merges)
}

// Sum says how the runs of a test ended, which fails it when less than half of them pass.
func (s *Series) Sum(t *testing.T) {
	t.Helper()
	t.Log(s)
	s.mu.Lock()
	defer s.mu.Unlock()
	if pass := s.results[check.Pass]; pass*2 < s.runs {
		t.Errorf("only %d of %d runs prove anything", pass, s.runs)
	}
}
