package query

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/query/series"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestBucketsSayWhatFramesSay compares the completeness of every bucket, and of the whole range, with what /v1/frames says of the same time.
func TestBucketsSayWhatFramesSay(t *testing.T) {
	srv := newServer(t, newStore(ledger.Policy{}), Options{})
	rapid.Check(t, func(t *rapid.T) {
		s := newStore(ledger.Policy{})
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			drawSeriesStep(t)(t, s)
			drawMove(t)(t, s)
		}
		if _, ok := s.view.Ledger.ID(frame.StreamKey{Tenant: "t", Device: "d", Stream: "0"}); !ok {
			return
		}
		srv.use(s, Options{})
		api := newAPI(t, s, Options{})
		from := startMS*ms + rapid.Int64Range(-8, 60).Draw(t, "from")*second
		to := from + rapid.Int64Range(1, 40).Draw(t, "to")*second
		q := SeriesQuery{Tenant: "t", Devices: []string{"d"}, Aggregates: []string{"count"}, From: timeOf(from), To: timeOf(to), Step: "7s", FillNull: true}
		got, err := api.Query(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		frames := func(first, last int64) *answerCompleteness {
			return srv.ok(t, "t", "/v1/frames", "device", "d", "stream", "0", "limit", "1", "from", timeOf(first), "to", timeOf(last)).Completeness
		}
		var w writer
		got.whole.write(&w)
		var whole answerCompleteness
		if err := json.Unmarshal(w.b, &whole); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(frames(from, to-1), &whole); d != "" {
			t.Fatalf("the whole range: %s", d)
		}
		one := got.Series[0]
		for i, start := range one.StartNS {
			end := got.LastNS
			if i+1 < len(one.StartNS) {
				end = one.StartNS[i+1] - 1
			}
			want := frames(start, end)
			c := one.Buckets[i]
			if c.Expected != want.Expected || c.Stored != want.Stored || c.Missing() != want.Missing || c.Verdict.String() != want.Verdict {
				t.Fatalf("bucket %d from %s to %s: %+v, want %+v", i, timeOf(start), timeOf(end), c, want)
			}
		}
	})
}

func timeOf(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }

// TestSeriesWhileRowsMove moves rows and adds later ones after every look at the state: the answer is that of the state it names.
func TestSeriesWhileRowsMove(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		still, moving := newStore(ledger.Policy{}), newStore(ledger.Policy{})
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			change, move := drawSeriesStep(t), drawMove(t)
			change(t, still)
			change(t, moving)
			move(t, moving)
		}
		opt := Options{LockRows: rapid.IntRange(1, 9).Draw(t, "lock rows")}
		q := drawModelQuestion(t).SeriesQuery
		want, wantErr := newAPI(t, still, Options{}).Query(context.Background(), q)
		var later []step
		for range 30 {
			later = append(later, drawMove(t))
		}
		rows := rapid.SliceOfN(rapid.Custom(drawFrame), 30, 30).Draw(t, "later rows")
		looks := 0
		moving.between = func() {
			if looks >= len(later) {
				return
			}
			if looks > 8 { // the first looks may come before the state is chosen
				moving.put(t, rows[looks])
			}
			later[looks](t, moving)
			looks++
		}
		got, err := newAPI(t, moving, opt).Query(context.Background(), q)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%v, want %v", err, wantErr)
		}
		if err != nil || got.AsOf.Index != want.AsOf.Index {
			return // the state was chosen after the first of the later rows
		}
		if d := cmp.Diff(placelessSeries(want), placelessSeries(got)); d != "" {
			t.Fatalf("%+v: %s", q, d)
		}
	})
}

// TestLaterRowsAreNotOfTheState adds rows in holes, and moves them into segments, while an answer is on its way through the head.
func TestLaterRowsAreNotOfTheState(t *testing.T) {
	for _, q := range []SeriesQuery{
		{Aggregates: []string{"count", "sum"}},
		{Aggregates: []string{"count", "sum", "rate", "last"}, From: secondText(0), Step: "20s", To: secondText(100)},
		{Aggregates: []string{"max"}, From: secondText(30), Step: "20s", To: secondText(200)},
	} {
		s := newStore(ledger.Policy{})
		for n := range uint64(60) {
			if s.put(t, measured("d", 2*n)); n == 19 {
				s.seal()
				s.flush(t)
			}
		}
		s.change(func(l *ledger.Ledger) {
			if _, err := l.Heartbeat(s.commitMS, &ledger.Heartbeat{Subject: ledger.Subject{ID: s.id(t, "t", "d", "0")}, Next: 140}); err != nil {
				t.Fatal(err)
			}
		})
		q.Tenant, q.Fields = "t", []string{"value-1"}
		want, err := newAPI(t, s, Options{}).Query(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		looks, next := 0, uint64(1)
		s.between = func() {
			if looks++; looks < 2 || next > 119 { // the first look is for the segments, the second chooses the state
				return
			}
			for range 10 {
				s.put(t, measured("d", next))
				next += 2
			}
			early, late := measured("d", 1000+next), measured("d", next+139)
			early.TimeNS, late.TimeNS = startMS*ms-100*second, startMS*ms+500*second
			s.put(t, early, late)
			s.seal()
			alone := measured("d", 2000+next) // in a segment of its own
			alone.TimeNS = startMS*ms + 45*second
			s.put(t, alone)
			if s.seal(); looks%2 == 0 {
				for range 4 {
					s.flush(t)
				}
			}
			s.put(t, measured("d", 3000+next)) // in the newest head
		}
		got, err := newAPI(t, s, Options{LockRows: 5}).Query(context.Background(), q)
		if err != nil || looks < 3 || got.AsOf != want.AsOf {
			t.Fatalf("%v after %d looks: %+v", err, looks, got)
		}
		if d := cmp.Diff(placelessSeries(want), placelessSeries(got)); d != "" {
			t.Errorf("%v: %s", q.Aggregates, d)
		}
	}
}

// placelessSeries is an answer without what depends on where rows lie: its cost, and the last bits of floats.
func placelessSeries(a *SeriesAnswer) string {
	var r request
	b := *a
	b.Segments, b.Blocks, b.Bytes, b.Rows, b.StatisticsBlocks = 0, 0, 0, 0, 0
	for i := range b.Series {
		for f := range b.Series[i].Fields {
			for c := range b.Series[i].Fields[f].Columns {
				for v := range b.Series[i].Fields[f].Columns[c].Values {
					if one := &b.Series[i].Fields[f].Columns[c].Values[v]; one.Kind == series.Float {
						*one = series.Value{Kind: series.Text, Str: fmt.Appendf(nil, "%.5g", one.Float64())}
					}
				}
			}
		}
	}
	b.write(&r)
	return string(r.w.b)
}

// TestNowIsTheTimeOfTheState lets the clock of the store go on between the looks at it.
func TestNowIsTheTimeOfTheState(t *testing.T) {
	for _, aggs := range [][]string{nil, {"count"}} {
		s := newStore(ledger.Policy{})
		for seq := range uint64(10) {
			s.put(t, measured("d", seq))
			s.seal()
			s.flush(t)
		}
		looks := 0
		s.between = func() {
			if looks++; looks < 5 {
				s.commitMS += 1000
				s.put(t, measured("d", 100+uint64(looks)))
			}
		}
		got, err := newAPI(t, s, Options{}).Query(context.Background(), SeriesQuery{Tenant: "t", Aggregates: aggs, From: "-9s", To: "now"})
		if err != nil || got.LastNS+1 != got.AsOf.TimeMS*ms || got.FirstNS != got.AsOf.TimeMS*ms-9*second {
			t.Errorf("%v: %+v", err, got)
		}
	}
}

// TestSeriesAfterAMerge lets a merge take a segment away between the look at the state and the opening of its segments.
func TestSeriesAfterAMerge(t *testing.T) {
	s := newStore(ledger.Policy{})
	for seq := range uint64(10) {
		s.put(t, measured("d", seq))
		s.seal()
		s.flush(t)
	}
	api := newAPI(t, s, Options{})
	s.between = sync.OnceFunc(func() { s.rewrite(t) })
	got, err := api.Query(context.Background(), SeriesQuery{Tenant: "t", Aggregates: []string{"count"}, Fields: []string{"value-1"}})
	if err != nil || len(got.Series) != 1 {
		t.Fatal(got, err)
	}
	if v, _ := got.Series[0].Fields[0].Columns[0].Values[0].Int64(); v != 10 {
		t.Errorf("%d values, want 10", v)
	}
}
