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

// meanwhile makes frames arrive after every look at the state, up to a dozen times, and rows move into sealed heads and segments. It
// returns the frames, one commit each.
func meanwhile(t *rapid.T, s *store) [][]sent {
	bursts := make([][]sent, 12)
	moves := make([]step, len(bursts))
	for i := range bursts {
		bursts[i] = drawFrames(t, "meanwhile", 3)
		moves[i] = drawMove(t)
	}
	next := 0
	s.between = func() {
		if next < len(bursts) {
			s.put(t, bursts[next]...)
			moves[next](t, s)
			next++
		}
	}
	return bursts
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

// TestPagesAreTheWholeAnswer reads a listing in pages while frames arrive and rows move from layer to layer, between pages and while a page
// is being collected: the pages put together are the answer that one large page gives at the state of the first, when all rows are in one
// head.
func TestPagesAreTheWholeAnswer(t *testing.T) {
	srv := newServer(t, newStore(ledger.Policy{}), Options{})
	rapid.Check(t, func(t *rapid.T) {
		s, still := newStore(ledger.Policy{}), newStore(ledger.Policy{})
		for range rapid.IntRange(1, 4).Draw(t, "parts") {
			frames := drawFrames(t, "before", 40)
			s.put(t, frames...)
			still.put(t, frames...)
			drawMove(t)(t, s)
		}
		pairs := drawRange(t)
		srv.use(s, Options{
			LockRows:       rapid.IntRange(1, 40).Draw(t, "lock rows"),
			MaxAnswerBytes: rapid.IntRange(1, 4000).Draw(t, "bytes"),
		})
		srv.api.mergeBudget = rapid.IntRange(1, 30).Draw(t, "merge budget")
		bursts := meanwhile(t, s)
		pages := readPages(t, srv, append(pairs, "limit", strconv.Itoa(rapid.IntRange(1, 40).Draw(t, "limit"))))

		for _, burst := range bursts[:pages[0].AsOf[0].Index-still.view.AsOf.Index] {
			still.put(t, burst...)
		}
		srv.use(still, Options{})
		whole := srv.ok(t, "t", "/v1/frames", pairs...)
		if whole.Next != nil {
			t.Fatal("the whole answer has a next page")
		}
		var got []answerFrame
		for i, a := range pages {
			if d := cmp.Diff(whole.AsOf, a.AsOf) + cmp.Diff(whole.Completeness, a.Completeness); d != "" {
				t.Fatalf("page %d tells of another state: %s", i+1, d)
			}
			got = append(got, a.Frames...)
		}
		if d := cmp.Diff(whole.Frames, got, cmpopts.EquateEmpty()); d != "" {
			t.Fatal(d)
		}
	})
}

// readPages reads a listing of frames to its end. Every page but the last has a frame.
func readPages(t *rapid.T, srv *server, pairs []string) (pages []answer) {
	limit, _ := strconv.Atoi(pairs[len(pairs)-1])
	for args := pairs; ; {
		a := srv.ok(t, "t", "/v1/frames", args...)
		if len(a.Frames) > limit || len(a.Frames) == 0 && a.Next != nil {
			t.Fatalf("page %d of limit %d has %d frames", len(pages)+1, limit, len(a.Frames))
		}
		pages = append(pages, a)
		if a.Next == nil {
			return pages
		}
		args = append(slices.Clone(pairs), "cursor", *a.Next)
	}
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
