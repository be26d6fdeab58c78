package query

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"pgregory.net/rapid"
)

// TestSeriesLimits reaches every limit of /v1/query and checks its error and its metric; right below it, the question is answered.
func TestSeriesLimits(t *testing.T) {
	minute := "from=" + secondText(0) + "&to=" + secondText(60) + "&"
	for _, tt := range []struct {
		name         string
		below, above Options // the limit lets the question pass, or does not
		query        string
		limit        string
	}{
		{"streams", Options{MaxSeries: 4}, Options{MaxSeries: 3}, "agg=avg&stream=*", "query.max_series"},
		{"buckets of the range", Options{MaxBuckets: 60 * 8}, Options{MaxBuckets: 59},
			"device=a&agg=avg&step=1s&fill=null&" + minute, "query.max_buckets"},
		{"buckets of all series", Options{MaxBuckets: 60 * 8 * 3}, Options{MaxBuckets: 60*8*3 - 1},
			"agg=avg&step=1s&fill=null&" + minute, "query.max_buckets"},
		{"buckets that are listed", Options{MaxBuckets: 60}, Options{MaxBuckets: 59},
			"device=a&fields=value-1&agg=avg&step=1s&" + minute, "query.max_buckets"},
		{"buckets of a group", Options{MaxBuckets: 60 * 8}, Options{MaxBuckets: 60*8 - 1},
			"agg=avg&step=1s&group=all&fill=null&" + minute, "query.max_buckets"},
		{"values", Options{MaxPercentileValues: 30 * 8 * 3}, Options{MaxPercentileValues: 30*8*3 - 1}, "agg=p50", "query.max_percentile_values"},
		{"rows", Options{MaxReadRows: 90}, Options{MaxReadRows: 80}, "agg=avg", "query.max_read_rows"},
		{"blocks", Options{MaxReadBlocks: 9}, Options{MaxReadBlocks: 1}, "agg=stddev", "query.max_read_blocks"},
		{"bytes", Options{}, Options{MaxReadBytes: 1}, "agg=stddev", "query.max_read_bytes"},
		{"gaps", Options{MaxGaps: 87}, Options{MaxGaps: 86}, "agg=avg", "query.max_gaps"},
		{"groups", Options{MaxGroups: 3}, Options{MaxGroups: 2}, "agg=avg", "query.max_groups"},
		{"epochs in segments", Options{MaxRanges: 3}, Options{MaxRanges: 2}, "agg=avg", "query.max_ranges"},
		{"bytes of the answer", Options{}, Options{MaxAnswerBytes: 100}, "agg=avg", "query.max_answer_bytes"},
		{"points", Options{PageRows: 1, MaxPageRows: 5}, Options{PageRows: 1, MaxPageRows: 4}, "limit=5", "query.max_page_rows"},
		{"streams of points", Options{MaxStreams: 4}, Options{MaxStreams: 3}, "stream=*", "query.max_streams"},
	} {
		for _, above := range []bool{false, true} {
			s := newStore(ledger.Policy{})
			for n := range uint64(30) { // every other number is missing
				s.put(t, measured("a", 2*n), measured("b", 2*n), measured("c", 2*n))
			}
			other := measured("a", 1)
			other.stream = "other"
			s.put(t, other)
			s.seal()
			s.flush(t)
			opt := tt.below
			if above {
				opt = tt.above
			}
			opt.Metrics = prometheus.NewRegistry()
			srv := newServer(t, s, opt)
			status, _, body := srv.do("t", "/v1/query", tt.query, "")
			counted := testutil.ToFloat64(srv.api.metrics.limited.WithLabelValues(tt.limit))
			a := decode(t, body)
			switch {
			case !above && (status != 200 || counted != 0):
				t.Errorf("%s: below the limit: %d %s; counted %v", tt.name, status, body, counted)
			case above && (status != 400 || counted != 1 || a.Error.Hint == ""),
				above && !strings.Contains(a.Error.Message, tt.limit) && a.Error.Code != "bad_parameter":
				t.Errorf("%s: above the limit: %d %s; counted %v", tt.name, status, body, counted)
			}
			if s.opened != 0 {
				t.Errorf("%s: %d segments were not given back", tt.name, s.opened)
			}
		}
	}
}

// TestPageOfPointsEndsAtTheLimitOfBytes makes sure that it says so, and that the next page goes on.
func TestPageOfPointsEndsAtTheLimitOfBytes(t *testing.T) {
	s := newStore(ledger.Policy{})
	for n := range uint64(30) {
		s.put(t, measured("a", n))
	}
	srv := newServer(t, s, Options{MaxAnswerBytes: 2000})
	seen, pairs := 0, []string{"device", "a"}
	for pages := 1; ; pages++ {
		list, next := pointsOf(t, srv, pairs)
		if seen += len(list); next == "" {
			if pages < 3 || seen != 30 {
				t.Errorf("%d points on %d pages", seen, pages)
			}
			break
		}
		pairs = []string{"device", "a", "cursor", next}
	}
	if got := testutil.ToFloat64(srv.api.metrics.limited.WithLabelValues("query.max_answer_bytes")); got < 2 {
		t.Errorf("counted %v", got)
	}
}

var costMember = regexp.MustCompile(`,"stats":\{[^}]*\}`)

// TestSeriesAnswersDoNotDependOnWorkers asks with one goroutine and with many: every byte is the same, but for the cost.
func TestSeriesAnswersDoNotDependOnWorkers(t *testing.T) {
	s := newStore(ledger.Policy{})
	for n := range uint64(200) {
		var frames []sent
		for d := range 20 {
			f := measured(fmt.Sprintf("device-%02d", d), n)
			f.Fields[3].Value = frame.Float(math.Sin(float64(n)) * math.Exp(float64(d)))
			frames = append(frames, f)
		}
		if s.put(t, frames...); n%50 == 49 {
			s.seal()
			s.flush(t)
		}
	}
	want := ""
	for _, workers := range []int{1, 2, 4} {
		api := newAPI(t, s, Options{SeriesWorkers: workers, LockRows: 300})
		for range 3 {
			query := "agg=sum,avg,stddev,rate,p99.9&group=all&step=1m&from=" + secondText(0) + "&to=" + secondText(500)
			got, err := api.ask(question{seriesName, "", query}, "t")
			if err != nil {
				t.Fatal(err)
			}
			if got = costMember.ReplaceAllString(got, ""); want != "" && got != want {
				t.Errorf("%d workers: %s\nwant %s", workers, got, want)
			}
			want = got
		}
	}
}

// TestStatisticsAgreeWithDecoding compares aggregates that come from what blocks know with those of decoded values: sums of floats to the
// documented precision, everything else exactly.
func TestStatisticsAgreeWithDecoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		head, files := newStore(ledger.Policy{}), newStore(ledger.Policy{})
		var values []float64
		n := uint64(0)
		for range rapid.IntRange(1, 4).Draw(t, "segments") {
			for range rapid.IntRange(1, 30).Draw(t, "frames") {
				f := measured("d", n)
				v := rapid.Float64().Draw(t, "value")
				values = append(values, v)
				f.Fields = []frame.Field{{Name: "f", Value: frame.Float(v)}, {Name: "i", Value: frame.Int(rapid.Int64().Draw(t, "int"))}}
				n++
				head.put(t, f)
				files.put(t, f)
			}
			files.seal()
			files.flush(t)
		}
		q := SeriesQuery{Tenant: "t", Aggregates: []string{"sum", "avg", "min", "max", "count", "first", "last", "delta", "nan"}}
		decoded, err := newAPI(t, head, Options{}).Query(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		summarised, err := newAPI(t, files, Options{}).Query(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		if summarised.StatisticsBlocks == 0 && !anyLarge(values) {
			t.Fatalf("no block's statistics were used: %+v", summarised)
		}
		size := 0.0
		for _, v := range values {
			size += math.Abs(v)
		}
		for f := range decoded.Series[0].Fields {
			for c, column := range decoded.Series[0].Fields[f].Columns {
				slack := 0.0
				if f == 0 && (column.Aggregate == "sum" || column.Aggregate == "avg") {
					slack = size * 0x1p-50
				}
				if got := summarised.Series[0].Fields[f].Columns[c].Values[0]; !sameValue(got, column.Values[0], slack) {
					t.Fatalf("%s of %s is %v from statistics, %v from values %v", column.Aggregate, decoded.Series[0].Fields[f].Name,
						got.Float64(), column.Values[0].Float64(), values)
				}
			}
		}
	})
}

// anyLarge reports whether the values have one whose block's sum may have overflowed.
func anyLarge(values []float64) bool {
	for _, v := range values {
		if math.Abs(v) >= 0x1p960 {
			return true
		}
	}
	return false
}

// TestManyAggregatesAreRefusedBeforeTheyAreComputed asks for more than an answer may have: of names, and of bytes. What Query gives is not written,
// so it is nowhere else that its bytes are bounded.
func TestManyAggregatesAreRefusedBeforeTheyAreComputed(t *testing.T) {
	s, long := newStore(ledger.Policy{}), strings.Repeat("n", frame.MaxNameBytes)
	s.put(t, measured(long, 1))
	api := newAPI(t, s, Options{MaxAnswerBytes: 20_000})
	var names []string
	for n := range maxAggregates + 1 {
		names = append(names, fmt.Sprint("p", n))
	}
	for _, tt := range []struct {
		name, limit string
		aggs        []string
		seconds     int64
		csv         bool
	}{
		{"the most names", "", names[:maxAggregates], 1, false},
		{"one more", "parameter agg", names, 1, false},
		{"as many values as there may be digits", "", names[:50], 200 / 8, false},
		{"more", "query.max_answer_bytes", names[:50], 200/8 + 1, false},
		{"lines with short values", "query.max_answer_bytes", names[:1], 200, true},
		{"the same without names", "", names[:1], 200, false},
	} {
		q := SeriesQuery{
			Tenant: "t", Aggregates: tt.aggs, FillNull: true, Step: "1s", From: secondText(0), To: secondText(tt.seconds), csv: tt.csv,
		}
		_, err := api.Query(context.Background(), q)
		if (err == nil) != (tt.limit == "") || err != nil && !strings.Contains(err.Error(), tt.limit) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.limit)
		}
	}
}

// TestPagesOfLinesEndAtTheLimitOfBytes asks for points as CSV, whose lines repeat long names: no page is much longer than it may be.
func TestPagesOfLinesEndAtTheLimitOfBytes(t *testing.T) {
	s, long := newStore(ledger.Policy{}), strings.Repeat("n", frame.MaxNameBytes)
	for n := range uint64(100) {
		f := measured(long, n)
		f.stream = long
		s.put(t, f)
	}
	const room = 20_000
	srv := newServer(t, s, Options{MaxAnswerBytes: room})
	rows := 0
	for next := ""; ; {
		req, _ := http.NewRequest(http.MethodGet, "http://gapless/v1/query?format=csv&stream="+long+next, nil)
		req.Header.Set("Authorization", "t")
		resp, err := srv.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if rows += strings.Count(string(body), "\n") - 1; err != nil || len(body) > 2*room {
			t.Fatalf("a page has %d bytes, and may have %d (%v)", len(body), room, err)
		}
		_ = resp.Body.Close()
		if next = resp.Header.Get(exportNext); next == "" {
			break
		}
		next = "&cursor=" + next
	}
	if rows != 100*8 {
		t.Errorf("%d lines", rows)
	}
}

// TestVeryManyStreamsAreLookedUp asks for more names of streams than can be compared one by one with all streams while the lock is held.
func TestVeryManyStreamsAreLookedUp(t *testing.T) {
	s := newStore(ledger.Policy{MaxStreams: 1 << 20})
	var frames []sent
	for n := range 20_000 {
		f := sent{tenant: "t", device: "d", stream: fmt.Sprint("s", n), seq: 1}
		f.Fields = []frame.Field{{Name: "x", Value: frame.Int(1)}}
		frames = append(frames, f)
	}
	s.put(t, frames...)
	q := SeriesQuery{Tenant: "t", Aggregates: []string{"count"}, Group: []string{"all"}, Streams: []string{"s7"}}
	for n := range 200_000 {
		q.Streams = append(q.Streams, fmt.Sprint("r", n%10, "-", n))
	}
	api := newAPI(t, s, Options{Deadline: 3 * time.Second})
	a, err := api.Query(context.Background(), q)
	if err != nil || a.Completeness.Stored != 1 {
		t.Errorf("%+v: %v", a, err)
	}
}
