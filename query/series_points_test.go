package query

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/gaplessdb/gapless/ledger"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestPointsAreTheFrames compares points with frames in every detail that both have, page by page, wherever the rows lie and whatever arrives
// meanwhile.
func TestPointsAreTheFrames(t *testing.T) {
	srv := newServer(t, newStore(ledger.Policy{}), Options{})
	rapid.Check(t, func(t *rapid.T) {
		s := newStore(ledger.Policy{})
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			drawStep(t)(t, s)
			drawMove(t)(t, s)
		}
		opt := Options{MaxAnswerBytes: rapid.SampledFrom([]int{16 << 20, 600}).Draw(t, "bytes"), LockRows: rapid.IntRange(1, 50).Draw(t, "lock rows")}
		srv.use(s, opt)
		var some []string
		if rapid.Bool().Draw(t, "some fields") {
			some = []string{"fields", "a,ü"}
		}
		pairs := append(slices.Clone(some), "stream", "*")
		var frames []answerFrame
		list := rapid.SampledFrom([][]string{{"d"}, {"d", "e"}, {"_own", "d", "e"}}).Draw(t, "devices")
		for _, device := range list {
			status, body := srv.get("t", "/v1/frames", append([]string{"device", device, "limit", "10000", "consistency", "stale"}, some...)...)
			if a := decode(t, body); status == 200 && a.Next == nil {
				frames = append(frames, a.Frames...)
			} else { // nobody heard of it, or a page of bytes
				return
			}
			pairs = append(pairs, "device", device)
		}
		limit := fmt.Sprint(rapid.IntRange(1, 20).Draw(t, "limit"))
		got, more := pointsOf(t, srv, append(slices.Clone(pairs), "limit", limit))
		for pages := 1; more != ""; pages++ {
			if pages > 2000 {
				t.Fatalf("%d pages, and %d points of %d frames", pages, len(got), len(frames))
			}
			drawStep(t)(t, s) // later rows are not of this listing
			drawMove(t)(t, s)
			var page []answerFrame
			page, more = pointsOf(t, srv, append(slices.Clone(pairs), "limit", limit, "cursor", more))
			got = append(got, page...)
		}
		for i := range frames {
			frames[i].Raw = ""
		}
		if some != nil { // a frame that has none of them is no point
			frames = slices.DeleteFunc(frames, func(f answerFrame) bool { return len(f.Fields) == 0 })
		}
		if d := cmp.Diff(frames, got); d != "" && len(frames)+len(got) > 0 {
			t.Fatalf("%v: %s", pairs, d)
		}
	})
}

// pointsOf asks for a page of points and makes frames of them again.
func pointsOf(t tester, srv *server, pairs []string) (list []answerFrame, next string) {
	t.Helper()
	status, body := srv.get("t", "/v1/query", pairs...)
	if status != 200 {
		t.Fatalf("%v: %d %s", pairs, status, body)
	}
	var a struct {
		Series []struct {
			Device, Stream string
			Epoch          uint32
			Seq            []uint64
			Time           []string
			Fields         []struct {
				Field  string
				Kinds  []string
				Values []any
			}
		}
		Next *string
	}
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	for _, s := range a.Series {
		if len(s.Time) != len(s.Seq) {
			t.Fatalf("%d times of %d points", len(s.Time), len(s.Seq))
		}
		for i := range s.Seq {
			f := answerFrame{Device: s.Device, Stream: s.Stream, Epoch: s.Epoch, Seq: s.Seq[i], Fields: map[string]any{}}
			for _, c := range s.Fields {
				if v := c.Values[i]; v != nil {
					f.Fields[c.Field] = v
				}
			}
			list = append(list, f)
		}
	}
	if a.Next != nil {
		next = *a.Next
	}
	return list, next
}
