package query

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
)

// TestLatestCutByBytes checks that a page which ends early speaks only of the streams on it, and that no stream is lost at the cut.
func TestLatestCutByBytes(t *testing.T) {
	s := newStore(ledger.Policy{})
	for i, name := range []string{"a", "b", "c"} {
		s.put(t, sent{tenant: "t", device: name, stream: "0", seq: 0, Frame: frame.Frame{TimeNS: 1}},
			sent{tenant: "t", device: name, stream: "0", seq: uint64(i) + 1, Frame: frame.Frame{TimeNS: 1}})
	}
	srv := newServer(t, s, Options{MaxAnswerBytes: 1})
	args, expected := []string{}, []uint64{}
	for {
		a := srv.ok(t, "t", "/v1/latest", args...)
		expected = append(expected, a.Completeness.Expected)
		if a.Next == nil {
			break
		}
		args = []string{"cursor", *a.Next}
	}
	if !slices.Equal(expected, []uint64{2, 3, 4}) {
		t.Errorf("the pages expect %v, want [2 3 4]", expected)
	}
}

// TestLatestStepsOverEmptyStreams checks that streams without frames make a page short, not the lock long.
func TestLatestStepsOverEmptyStreams(t *testing.T) {
	s := newStore(ledger.Policy{})
	for i := range 10 {
		key := frame.StreamKey{Tenant: "t", Device: fmt.Sprintf("silent-%d", i), Stream: "0"}
		s.change(func(l *ledger.Ledger) {
			if _, err := l.Intern(key); err != nil {
				t.Fatal(err)
			}
		})
	}
	s.put(t, sent{tenant: "t", device: "talks", stream: "0", Frame: frame.Frame{TimeNS: 1}})
	srv := newServer(t, s, Options{PageRows: 3, MaxPageRows: 3})
	a := srv.ok(t, "t", "/v1/latest")
	if len(a.Frames) != 0 || a.Next == nil {
		t.Fatalf("a page that looked at 3 silent streams has %d frames and the next page %v", len(a.Frames), a.Next)
	}
	if names := pageNames(t, srv, "/v1/latest", 3); !slices.Equal(names, []string{"talks"}) {
		t.Errorf("%v", names)
	}
}

// TestLatestOutOfASegment empties the head: the newest frame and the end of what is complete are found where they lie, an older epoch or
// a frame that came later notwithstanding.
func TestLatestOutOfASegment(t *testing.T) {
	s := newStore(ledger.Policy{})
	s.put(t, measured("d", 4), measured("d", 5), measured("d", 6))
	s.seal()
	s.flush(t)
	s.put(t, measured("d", 3)) // late, and in a newer segment
	s.seal()
	s.flush(t)
	a := newServer(t, s, Options{}).ok(t, "t", "/v1/latest", "device", "d")
	if len(a.Frames) != 1 || a.Frames[0].Seq != 6 || len(a.Frames[0].Fields) != 8 {
		t.Errorf("%+v", a.Frames)
	}
	if c := a.Completeness.CompleteThrough; c == nil || *c.Seq != 6 || c.Time != secondText(6) {
		t.Errorf("%+v", c)
	}
}
