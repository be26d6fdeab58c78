package query

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"pgregory.net/rapid"
)

// drawSeriesValue makes numbers mostly, among them the odd ones.
func drawSeriesValue(t *rapid.T) (frame.Value, bool) {
	odd := []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 0, math.MaxFloat64, -math.MaxFloat64, 1e300, 5e-324, 1 << 53, 0x1p960}
	switch rapid.IntRange(0, 20).Draw(t, "value") {
	case 0:
		return frame.Value{}, false
	case 1:
		return frame.Float(rapid.SampledFrom(odd).Draw(t, "odd")), true
	case 2:
		return frame.Int(rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64, 1<<53 + 1, 1 << 53, -1, 0}).Draw(t, "odd integer")), true
	case 3:
		return drawValue(t)
	case 4, 5, 6:
		return frame.Int(rapid.Int64Range(-5, 1000).Draw(t, "int")), true
	case 7:
		return frame.Bool(rapid.Bool().Draw(t, "bool")), true
	}
	v, _ := frame.DecimalFloat(rapid.Int64Range(-100, 1e5).Draw(t, "mantissa"), 2)
	return v, true
}

// drawSeriesStep is drawStep with such values, and now and then a segment of one stream alone, whose blocks know their values.
func drawSeriesStep(t *rapid.T) step {
	if rapid.IntRange(0, 3).Draw(t, "other step") == 0 {
		return drawStep(t)
	}
	f := drawSubject(t)
	var frames []sent
	kind := rapid.IntRange(0, 2).Draw(t, "one kind of value")
	for n := f.seq; n <= f.seq+rapid.Uint64Range(0, 15).Draw(t, "length"); n++ {
		next := f
		next.seq, next.TimeNS, next.Fields = n, startMS*ms+int64(n)*second, nil
		if rapid.IntRange(0, 12).Draw(t, "time is") == 0 {
			next.TimeNS = startMS*ms + rapid.SampledFrom([]int64{-10, 3, 40, 70, -200_000}).Draw(t, "seconds")*second // the last is implausible
		}
		for _, name := range []string{"a", "b"} {
			v, ok := drawSeriesValue(t)
			if kind == 0 {
				v, ok = frame.Float(float64(n)/3), true
			}
			if ok {
				next.Fields = append(next.Fields, frame.Field{Name: name, Value: v})
			}
		}
		frames = append(frames, next)
	}
	return func(t tester, s *store) { s.put(t, frames...) }
}

func drawModelQuestion(t *rapid.T) *modelQuestion {
	q := &modelQuestion{SeriesQuery: SeriesQuery{Tenant: rapid.SampledFrom([]string{"t", "t", "u"}).Draw(t, "tenant")}}
	aggs := []string{"count", "nan", "min", "max", "sum", "avg", "first", "last", "stddev", "rate", "delta", "p0", "p50", "p99.9", "p33.333"}
	n := rapid.IntRange(1, 4).Draw(t, "aggregates")
	if rapid.Bool().Draw(t, "aggregates of statistics") {
		aggs = []string{"count", "nan", "min", "max", "sum", "avg", "first", "last", "delta"}
	}
	q.Aggregates = rapid.SliceOfNDistinct(rapid.SampledFrom(aggs), n, n, rapid.ID[string]).Draw(t, "agg")
	q.Devices = rapid.SampledFrom([][]string{nil, {"d"}, {"d"}, {"e", "d"}, {"_own"}}).Draw(t, "devices")
	q.Streams = rapid.SampledFrom([][]string{nil, {"*"}, {"0", "b"}, {"b"}}).Draw(t, "streams")
	q.Fields = rapid.SampledFrom([][]string{nil, nil, {"a"}, {"b", "a"}, {"none"}}).Draw(t, "fields")
	q.Group = rapid.SampledFrom([][]string{nil, {"device"}, {"stream"}, {"all"}}).Draw(t, "group")
	q.FillNull = rapid.Bool().Draw(t, "fill")
	if rapid.IntRange(0, 4).Draw(t, "everything") == 0 {
		return q
	}
	q.from = startMS*ms + rapid.Int64Range(-8_000, 70_000).Draw(t, "from")*ms
	q.to = q.from + rapid.Int64Range(1, 60_000).Draw(t, "to")*ms
	q.From, q.To = fmt.Sprint(q.from, "ns")[:19]+"ns", fmt.Sprint(q.to)+"ns"
	if rapid.IntRange(0, 3).Draw(t, "buckets") > 0 {
		q.step = rapid.SampledFrom([]int64{1, 3, 10, 60}).Draw(t, "step") * second
		q.Step = fmt.Sprint(q.step/second, "s")
		q.Step = strings.ReplaceAll(q.Step, " ", "")
	}
	return q
}

// refusedTexts reports whether the question asks by name for numbers of a field that has texts in the range.
func refusedTexts(s *store, q *modelQuestion) bool {
	numeric := slices.ContainsFunc(q.Aggregates, func(a string) bool { return a != "count" && a != "first" && a != "last" && a != "nan" })
	for _, r := range modelRows(s) {
		b := q.buckets()
		for _, name := range q.Fields {
			v, ok := r.fields[name]
			if _, isNumber := modelNumber(v); ok && !isNumber && numeric && q.takes(r.key) && b[0][0] <= r.ns && r.ns <= b[len(b)-1][1] {
				return true
			}
		}
	}
	return false
}

// TestSeriesAreWhatTheModelSays compares answers with brute force, wherever the rows lie, and makes sure that statistics of blocks were among it.
func TestSeriesAreWhatTheModelSays(t *testing.T) {
	summarised := 0
	rapid.Check(t, func(t *rapid.T) {
		whole, split := newStore(ledger.Policy{}), newStore(ledger.Policy{})
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
			change, move := drawSeriesStep(t), drawMove(t)
			if rapid.Bool().Draw(t, "a segment of its own") {
				split.seal()
				split.flush(t)
				split.flush(t)
				move = func(t tester, s *store) { s.seal(); s.flush(t); s.flush(t) }
			}
			change(t, whole)
			change(t, split)
			move(t, split)
		}
		api := newAPI(t, split, Options{
			LockRows: rapid.SampledFrom([]int{1, 3, 10, 1000}).Draw(t, "lock rows"), SeriesWorkers: rapid.IntRange(1, 3).Draw(t, "workers"),
		})
		for range 10 {
			q := drawModelQuestion(t)
			got, err := api.Query(context.Background(), q.SeriesQuery)
			var refused *Error
			switch {
			case errors.As(err, &refused) && refused.Status == 404: // a device or stream that was never heard of
			case refusedTexts(whole, q):
				if !errors.As(err, &refused) || refused.Code != "not_a_number" {
					t.Fatalf("%+v: %v, want a refusal of texts", q.SeriesQuery, err)
				}
			case err != nil:
				t.Fatalf("%+v: %v", q.SeriesQuery, err)
			default:
				summarised += got.StatisticsBlocks
				checkSeries(t, whole, q, got)
			}
		}
		if split.opened != 0 {
			t.Fatalf("%d segments were not given back", split.opened)
		}
	})
	if summarised == 0 {
		t.Error("no answer used what blocks know of their values")
	}
}
