package tail

import (
	"net/http"
	"testing"

	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/segment"
)

// TestReplacedSegmentsAreLookedForAnew: what a merge replaced goes between the look that names it and the reading of it. Its frames are in others, and
// the reader does not notice.
func TestReplacedSegmentsAreLookedForAnew(t *testing.T) {
	for _, view := range []int{2, 3} { // before it is known which frames are wanted, and when only their values are missing
		s := filled(t)
		srv := newServer(t, s, Options{CatchupRows: 4})
		looks := 0
		s.between = func() {
			if looks++; looks == view {
				s.replace(t)
			}
		}
		got, end := srv.all(t, "from", "first", "until", "now")
		same(t, "while segments are replaced", got, s.want(segment.Commit{}, &everything, query.Shown{}))
		if end.Code != "until" || looks < view {
			t.Errorf("%+v after %d looks", end, looks)
		}
	}
}

// TestListedSegmentThatIsGone: looking again at the same manifest would never end.
func TestListedSegmentThatIsGone(t *testing.T) {
	s := filled(t)
	srv := newServer(t, s, Options{})
	s.drop(s.view.Manifest.Segments()[0].Name)
	c := srv.open(t, "/v1/tail", "from", "first")
	defer c.close()
	if got, end := c.frames(-1); end.Code != "segment_dropped" || len(got) != 0 {
		t.Errorf("%+v after %d frames", end, len(got))
	}
}

// replace merges all segments, and lets go of the old files at once.
func (s *store) replace(t tester) {
	t.Helper()
	old := s.view.Manifest.Segments()
	s.merge(t, func(int) bool { return true }, func(f *stored) int { return int(f.row.Seq % 2) })
	for i := range old {
		s.drop(old[i].Name)
	}
}

// drop lets go of a file.
func (s *store) drop(name segment.Name) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken[name] = &query.Error{Status: http.StatusServiceUnavailable, Code: "segment_dropped", Message: "a merge has replaced it", Hint: "ask again"}
}
