package query

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"pgregory.net/rapid"
)

// TestPagesThatMayReadOneBlock reads all pages but the first under the smallest limits of reading: they are short, each goes on, and put
// together nothing is missing.
func TestPagesThatMayReadOneBlock(t *testing.T) {
	srv := newServer(t, newStore(ledger.Policy{}), Options{})
	rapid.Check(t, func(t *rapid.T) {
		s := newStore(ledger.Policy{})
		for range rapid.IntRange(1, 8).Draw(t, "parts") {
			s.put(t, drawFrames(t, "before", 20)...)
			drawMove(t)(t, s)
		}
		pairs := drawRange(t)
		srv.use(s, Options{})
		whole := srv.ok(t, "t", "/v1/frames", pairs...)
		a := srv.ok(t, "t", "/v1/frames", append(pairs, "limit", "1")...)
		got := a.Frames
		srv.use(s, rapid.SampledFrom([]Options{{MaxReadBlocks: 1}, {MaxReadBytes: 1}}).Draw(t, "limit"))
		limit := strconv.Itoa(rapid.IntRange(1, 20).Draw(t, "rows"))
		for n := 0; a.Next != nil; n++ {
			if n > 500 {
				t.Fatalf("page %d, at %s", n, *a.Next)
			}
			a = srv.ok(t, "t", "/v1/frames", append(slices.Clone(pairs), "limit", limit, "cursor", *a.Next)...)
			got = append(got, a.Frames...)
		}
		if d := cmp.Diff(whole.Frames, got, cmpopts.EquateEmpty()); d != "" {
			t.Fatal(d)
		}
	})
}

// TestReadLimits reaches the limits of reading: a page of frames ends early and says so, any other answer is refused, and both are counted.
func TestReadLimits(t *testing.T) {
	for _, tt := range []struct {
		limit string
		opt   Options
	}{
		{"query.max_read_blocks", Options{MaxReadBlocks: 1}},
		{"query.max_read_bytes", Options{MaxReadBytes: 1}},
	} {
		s := newStore(ledger.Policy{})
		for seq := range uint64(6) {
			s.put(t, measured("d", 3*seq), measured("e", seq))
			s.seal()
			s.flush(t)
		}
		srv := newServer(t, s, tt.opt)
		counted := func() float64 { return testutil.ToFloat64(srv.api.metrics.limited.WithLabelValues(tt.limit)) }
		if a := srv.ok(t, "t", "/v1/frames", "device", "d"); a.Next == nil || counted() != 1 {
			t.Errorf("%s: a page of %d frames has the next page %v; counted %v", tt.limit, len(a.Frames), a.Next, counted())
		}
		for i, path := range []string{"/v1/latest", "/v1/devices/d/gaps", "/v1/gaps?device=d", "/v1/gaps?from=2026-11-21T10:00:05Z"} {
			path, query, _ := strings.Cut(path, "?")
			status, _, body := srv.do("t", path, query, "")
			if a := decode(t, body); status != 400 || a.Error.Code != "limit_exceeded" || !strings.Contains(a.Error.Message, tt.limit) {
				t.Errorf("%s: %s: %d %s", tt.limit, path, status, body)
			}
			if counted() != float64(i+2) {
				t.Errorf("%s: %s: counted %v", tt.limit, path, counted())
			}
		}
	}
}

// TestColumnsThatAreNotAskedForAreNotRead holds fields and raw against the whole answer, in the head and in a segment, and what they cost.
func TestColumnsThatAreNotAskedForAreNotRead(t *testing.T) {
	s := newStore(ledger.Policy{})
	noise := rand.NewChaCha8([32]byte{})
	for seq := range uint64(50) {
		f := measured("d", seq)
		f.Raw = make([]byte, 2000)
		noise.Read(f.Raw)
		f.Fields = append(f.Fields, frame.Field{Name: "x", Value: frame.Bytes(slices.Clone(f.Raw))})
		s.put(t, f)
	}
	srv := newServer(t, s, Options{})
	for _, where := range []string{"head", "segment"} {
		whole := srv.ok(t, "t", "/v1/frames", "device", "d")
		for _, tt := range []struct {
			pairs  []string
			fields []string
			raw    bool
		}{
			{[]string{"fields", "value-1,value-7"}, []string{"value-1", "value-7"}, true},
			{[]string{"fields", "value-7,nothing,value-1,value-7", "raw", "false"}, []string{"value-1", "value-7"}, false},
			{[]string{"fields", "", "raw", "false"}, nil, false},
			{[]string{"fields", "", "raw", "true"}, nil, true},
			{[]string{"fields", ","}, nil, true},
		} {
			a := srv.ok(t, "t", "/v1/frames", append([]string{"device", "d"}, tt.pairs...)...)
			for i := range a.Frames {
				want := whole.Frames[i]
				want.Fields = map[string]any{}
				for _, name := range tt.fields {
					want.Fields[name] = whole.Frames[i].Fields[name]
				}
				if !tt.raw {
					want.Raw = ""
				}
				if d := cmp.Diff(want, a.Frames[i]); d != "" {
					t.Fatalf("%s, %v: %s", where, tt.pairs, d)
				}
			}
			if len(a.Frames) != 50 {
				t.Errorf("%s, %v: %d frames", where, tt.pairs, len(a.Frames))
			}
			if less := a.Stats.Bytes < whole.Stats.Bytes; less != (where == "segment") {
				t.Errorf("%s, %v: %d bytes were read, of the whole %d", where, tt.pairs, a.Stats.Bytes, whole.Stats.Bytes)
			}
		}
		s.seal()
		s.flush(t)
	}
	a := srv.ok(t, "t", "/v1/frames", "device", "d", "raw", "false")
	if len(a.Frames) != 50 || a.Frames[7].Raw != "" || len(a.Frames[7].Fields) != 9 {
		t.Errorf("%d frames, %+v", len(a.Frames), a.Frames[7])
	}
}

// TestStats checks what is read of three segments: those whose times, device or commits cannot match are left alone.
func TestStats(t *testing.T) {
	s := threeSegments(t)
	srv := newServer(t, s, Options{})
	for _, tt := range []struct {
		name  string
		pairs []string
		want  answerStats // but for bytes
	}{
		{"everything", []string{"device", "d"}, answerStats{Segments: 3, Blocks: 4, Rows: 9 + 2 + 1}}, // and the end of what is complete
		{"a short page", []string{"device", "d", "limit", "1"}, answerStats{Segments: 3, Blocks: 2, Rows: 2 + 1 + 2}},
		{"a device of one segment", []string{"device", "e"}, answerStats{Segments: 3, Blocks: 2, Rows: 1 + 1}},
		{"numbers of the head", []string{"device", "d", "from_seq", "300"}, answerStats{Segments: 3, Blocks: 0, Rows: 2}},
		{"numbers of one segment", []string{"device", "d", "from_seq", "100", "to_seq", "101"}, answerStats{Segments: 3, Blocks: 2, Rows: 2 + 1}},
	} {
		got := srv.ok(t, "t", "/v1/frames", tt.pairs...).Stats
		if (got.Bytes == 0) != (got.Blocks == 0) {
			t.Errorf("%s: %d bytes of %d blocks", tt.name, got.Bytes, got.Blocks)
		}
		if got.Bytes = 0; got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
	timed := []string{"device", "d", "from", secondText(100), "to", secondText(103), "limit", "1"}
	next := *srv.ok(t, "t", "/v1/frames", timed...).Next // the first page asked all segments what the range means
	if got := srv.ok(t, "t", "/v1/frames", append(timed, "cursor", next)...).Stats; got.Segments != 1 || got.Blocks != 1 {
		t.Errorf("a page of times in one segment: %+v", got)
	}
	m := srv.api.metrics
	for name, c := range map[string]*prometheus.CounterVec{"rows": m.readRows, "blocks": m.readBlocks, "bytes": m.readBytes} {
		if testutil.ToFloat64(c.WithLabelValues("frames")) == 0 {
			t.Errorf("%s were not counted", name)
		}
	}
}

// TestTimeRangeWhileRowsMove asks for times while the newest rows are flushed between the looks at the state: what the segments say is then
// asked again, of the new ones.
func TestTimeRangeWhileRowsMove(t *testing.T) {
	s := threeSegments(t)
	s.put(t, measured("d", 310), measured("d", 312))
	srv := newServer(t, s, Options{})
	pairs := []string{"device", "d", "from", secondText(301), "to", secondText(310)}
	want := srv.ok(t, "t", "/v1/frames", pairs...)
	s.asked = nil
	s.between = sync.OnceFunc(func() { s.seal(); s.flush(t) })
	got := srv.ok(t, "t", "/v1/frames", pairs...)
	if len(s.asked) != 3 {
		t.Errorf("%d looks at the state, want one for each manifest and one more", len(s.asked))
	}
	want.Stats, got.Stats = answerStats{}, answerStats{}
	if d := cmp.Diff(want, got); d != "" || len(got.Frames) != 2 || got.Completeness.Missing != 9 {
		t.Errorf("%s\n%+v", d, got.Completeness)
	}
}

// TestDeadlineWhileReading lets the disk be slow: the deadline ends a question between two reads.
func TestDeadlineWhileReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(ledger.Policy{})
		for i := range uint64(20) {
			s.put(t, measured("d", 2*i))
			s.seal()
			s.flush(t)
		}
		api := newAPI(t, s, Options{Deadline: 3 * time.Second})
		s.watch = func(int64) { time.Sleep(time.Second) } // by the clock of the bubble
		for _, q := range needing {
			start := time.Now()
			_, err := api.ask(q, "t")
			checkError(t, q.endpoint, err, "deadline", "query.deadline of 3s", "smaller limit")
			if took := time.Since(start); took < 3*time.Second || took > 12*time.Second {
				t.Errorf("%+v ended after %s", q, took)
			}
		}
	})
}

// TestDeadlineBetweenBlocks lets the disk be slow while one segment is read front to back, for many rows and for none.
func TestDeadlineBetweenBlocks(t *testing.T) {
	s := newStore(ledger.Policy{})
	frames := make([]sent, 10_000)
	for i := range frames {
		frames[i] = measured("d", uint64(i))
		frames[i].TimeNS = startMS*ms + int64(i%2)*60*second // no block can be told from its times
	}
	s.put(t, frames...)
	s.seal()
	s.flush(t)
	for _, query := range []string{"device=d&limit=10000&from_seq=1", "device=d&from=" + secondText(20) + "&to=" + secondText(40)} {
		synctest.Test(t, func(t *testing.T) {
			api := newAPI(t, s, Options{Deadline: 8 * time.Second})
			api.mergeBudget = 1000
			reads := 0
			s.watch = func(int64) {
				reads++
				time.Sleep(time.Second)
			}
			_, err := api.ask(question{"frames", "", query}, "t")
			checkError(t, query, err, "deadline", "query.deadline of 8s", "smaller limit")
			if reads > 11 {
				t.Errorf("%s: %d reads after the deadline", query, reads-8)
			}
		})
	}
}
