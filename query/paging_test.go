package query

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// drawFrames returns frames of one device in two streams and two epochs, in any order, with repetitions, times that do not ascend.
func drawFrames(t *rapid.T, label string, most int) []sent {
	frames := make([]sent, rapid.IntRange(1, most).Draw(t, label))
	for i := range frames {
		seq := rapid.Uint64Range(0, 60).Draw(t, "seq")
		frames[i] = sent{
			tenant: "t", device: "d", stream: rapid.SampledFrom([]string{"0", "b"}).Draw(t, "stream"),
			epoch: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "epoch"), seq: seq,
			Frame: frame.Frame{
				TimeNS: startMS*ms + rapid.Int64Range(1, 30).Draw(t, "time"),
				Fields: []frame.Field{{Name: "pad", Value: frame.String(strings.Repeat("x", rapid.IntRange(0, 300).Draw(t, "pad")))}},
			},
		}
	}
	return frames
}

// meanwhile makes frames arrive after every look at the state, up to a dozen times.
func meanwhile(t *rapid.T, s *store) {
	bursts := make([][]sent, 12)
	for i := range bursts {
		bursts[i] = drawFrames(t, "meanwhile", 3)
	}
	s.between = func() {
		if len(bursts) > 0 {
			s.put(t, bursts[0]...)
			bursts = bursts[1:]
		}
	}
}

// drawRange returns filters of frames.
func drawRange(t *rapid.T) []string {
	pairs := []string{"device", "d"}
	if rapid.Bool().Draw(t, "bySeq") {
		from := rapid.Uint64Range(0, 60).Draw(t, "from_seq")
		pairs = append(pairs, "from_seq", strconv.FormatUint(from, 10), "to_seq", strconv.FormatUint(from+20, 10))
	}
	if rapid.Bool().Draw(t, "byTime") {
		from := rapid.IntRange(0, 30).Draw(t, "from")
		pairs = append(pairs, "from", fmt.Sprintf("2026-11-21T10:00:00.%09dZ", from), "to", fmt.Sprintf("2026-11-21T10:00:00.%09dZ", from+10))
	}
	if rapid.Bool().Draw(t, "byEpoch") {
		pairs = append(pairs, "epoch", "1")
	}
	return pairs
}

// TestPagesAreTheWholeAnswer reads a listing in pages while frames arrive, between pages and while a page is being collected: the pages
// put together are the answer that one large page gave at the moment of the first.
func TestPagesAreTheWholeAnswer(t *testing.T) {
	srv := newServer(t, newStore(ledger.Policy{}), Options{})
	rapid.Check(t, func(t *rapid.T) {
		s := newStore(ledger.Policy{})
		srv.use(s, Options{})
		s.put(t, drawFrames(t, "before", 100)...)
		pairs := drawRange(t)
		whole := srv.ok(t, "t", "/v1/frames", pairs...)
		if whole.Next != nil {
			t.Fatal("the whole answer has a next page")
		}
		srv.use(s, Options{
			LockRows:       rapid.IntRange(1, 40).Draw(t, "lock rows"),
			MaxAnswerBytes: rapid.IntRange(1, 4000).Draw(t, "bytes"),
		})
		meanwhile(t, s)
		limit := rapid.IntRange(1, 40).Draw(t, "limit")
		var got []answerFrame
		for page, next := 1, ""; ; page++ {
			args := append(slices.Clone(pairs), "limit", strconv.Itoa(limit))
			if page > 1 {
				args = append(args, "cursor", next)
			}
			a := srv.ok(t, "t", "/v1/frames", args...)
			if d := cmp.Diff(whole.AsOf, a.AsOf) + cmp.Diff(whole.Completeness, a.Completeness); d != "" {
				t.Fatalf("page %d tells of another state: %s", page, d)
			}
			if len(a.Frames) > limit || len(a.Frames) == 0 && a.Next != nil {
				t.Fatalf("page %d of limit %d has %d frames", page, limit, len(a.Frames))
			}
			if got = append(got, a.Frames...); a.Next == nil {
				break
			}
			next = *a.Next
		}
		if d := cmp.Diff(whole.Frames, got, cmpopts.EquateEmpty()); d != "" {
			t.Fatal(d)
		}
	})
}

// TestLinesAreTheSameFrames holds the NDJSON form against the JSON form.
func TestLinesAreTheSameFrames(t *testing.T) {
	srv := newServer(t, newStore(ledger.Policy{}), Options{})
	rapid.Check(t, func(t *rapid.T) {
		s := newStore(ledger.Policy{})
		srv.use(s, Options{MaxAnswerBytes: rapid.IntRange(100, 8000).Draw(t, "bytes")})
		s.put(t, drawFrames(t, "frames", 40)...)
		q := url.Values{"device": {"d"}}
		_, _, whole := srv.do("t", "/v1/frames", q.Encode(), "")
		_, kind, lines := srv.do("t", "/v1/frames", q.Encode(), "text/html, "+ndjsonType+";q=0.9")
		if kind != ndjsonType || !strings.HasSuffix(lines, "}\n") {
			t.Fatalf("content type %s: %s", kind, lines)
		}
		list := strings.Split(strings.TrimSuffix(lines, "\n"), "\n")
		frames, rest := list[:len(list)-1], list[len(list)-1]
		a, b := decode(t, whole), decode(t, rest)
		n := min(len(frames), len(a.Frames)) // the two forms reach the limit of bytes at different frames
		for i, line := range frames[:n] {
			if !strings.Contains(whole, line) {
				t.Fatalf("line %d is not in the JSON form: %s", i, line)
			}
		}
		if d := cmp.Diff(a.AsOf, b.AsOf) + cmp.Diff(a.Completeness, b.Completeness); d != "" {
			t.Fatal(d)
		}
	})
}

// TestListingsPageByName walks devices, latest and coverage with every limit while other devices appear: what was there at the first
// page comes exactly once and in order.
func TestListingsPageByName(t *testing.T) {
	names := []string{"a", "a ", "a/b", "ab", "b", "ü", "_own", "z"}
	for limit := 1; limit <= len(names)+1; limit++ {
		s := newStore(ledger.Policy{})
		srv := newServer(t, s, Options{})
		for _, name := range names {
			for _, stream := range []string{"0", "1"} {
				s.put(t, sent{tenant: "t", device: name, stream: stream, seq: 7, Frame: frame.Frame{TimeNS: 1}})
			}
		}
		n := 0
		s.between = func() {
			n++
			s.put(t, sent{tenant: "t", device: fmt.Sprintf("new-%d", n), stream: "0", Frame: frame.Frame{TimeNS: 1}})
		}
		for _, path := range []string{"/v1/devices", "/v1/latest"} {
			want := []string{"a", "a ", "a/b", "ab", "b", "z", "ü"}
			got := slices.DeleteFunc(pageNames(t, srv, path, limit), func(s string) bool { return strings.HasPrefix(s, "new") })
			if path == "/v1/latest" {
				want = slices.Concat(want, want)
				slices.Sort(want)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, limit %d: %q, want %q", path, limit, got, want)
			}
		}
	}
}

// pageNames is the names of the devices on all pages.
func pageNames(t *testing.T, srv *server, path string, limit int) (names []string) {
	next := ""
	for {
		args := []string{"limit", strconv.Itoa(limit)}
		if next != "" {
			args = append(args, "cursor", next)
		}
		a := srv.ok(t, "t", path, args...)
		for _, f := range a.Frames {
			names = append(names, f.Device)
		}
		for _, d := range a.Devices {
			name, _, _ := strings.Cut(strings.TrimPrefix(string(d), `{"device":"`), `"`)
			names = append(names, name)
		}
		if a.Next == nil {
			return names
		}
		next = *a.Next
	}
}

// TestCoveragePages holds pages of runs against the whole, as sets of numbers, while frames arrive that touch the runs already told.
func TestCoveragePages(t *testing.T) {
	srv := newServer(t, newStore(ledger.Policy{}), Options{})
	rapid.Check(t, func(t *rapid.T) {
		s := newStore(ledger.Policy{})
		srv.use(s, Options{})
		s.put(t, drawFrames(t, "before", 60)...)
		whole := numbers(t, srv.ok(t, "t", "/v1/devices/d/coverage"))
		meanwhile(t, s)
		limit := strconv.Itoa(rapid.IntRange(1, 10).Draw(t, "limit"))
		got := map[string]bool{}
		for args := []string{"limit", limit}; ; {
			a := srv.ok(t, "t", "/v1/devices/d/coverage", args...)
			for n := range numbers(t, a) {
				if got[n] {
					t.Fatalf("%s is on two pages", n)
				}
				got[n] = true
			}
			if a.Next == nil {
				break
			}
			args = []string{"limit", limit, "cursor", *a.Next}
		}
		for n := range whole {
			if !got[n] {
				t.Fatalf("%s was skipped", n)
			}
		}
	})
}

func numbers(t *rapid.T, a answer) map[string]bool {
	set := map[string]bool{}
	for _, e := range a.Epochs {
		for _, run := range e.Runs {
			for n := run[0]; n <= run[1]; n++ {
				key := fmt.Sprintf("%s/%d/%d", e.Stream, e.Epoch, n)
				if set[key] {
					t.Fatalf("%s is covered twice", key)
				}
				set[key] = true
			}
		}
	}
	return set
}

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
