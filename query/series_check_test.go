package query

import (
	"math"
	"slices"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/query/series"
)

// sameValue compares an answer with the model. NaN is one value.
func sameValue(got, want series.Value, slack float64) bool {
	if got.Kind != want.Kind {
		return false
	}
	if got.Kind != series.Float {
		return got.High == want.High && got.Low == want.Low && string(got.Str) == string(want.Str)
	}
	x, y := got.Float64(), want.Float64()
	if math.IsInf(slack, 1) || x != x && y != y {
		return true
	}
	return x == y || math.Abs(x-y) <= slack
}

// checkSeries compares an answer with the model's.
func checkSeries(t tester, whole *store, q *modelQuestion, got *SeriesAnswer) {
	t.Helper()
	want := modelSeries(whole, q)
	total := Completeness{}
	for _, s := range got.Series {
		name := s.Device
		if s.Stream != "" {
			name += "/" + s.Stream
		}
		fields := want[name]
		if len(s.StartNS) == 0 || fields == nil && !q.FillNull {
			t.Fatalf("%+v: group %q with %d buckets is not in the model", q.SeriesQuery, name, len(s.StartNS))
		}
		checkCover(t, q, name, &s, fields, modelSilent(whole, q))
		for _, f := range s.Fields {
			checkField(t, q, name, &s, &f, fields[f.Name])
			delete(fields, f.Name)
		}
		for b := range s.Buckets {
			total.add(s.Buckets[b])
		}
		delete(fields, "")
		for field, buckets := range fields {
			if modelShows(q, buckets) {
				t.Fatalf("%+v: group %q has no field %q", q.SeriesQuery, name, field)
			}
		}
		delete(want, name)
	}
	for name, fields := range want {
		t.Fatalf("%+v: group %q is missing: %v", q.SeriesQuery, name, fields)
	}
}

// modelShows reports whether a field has anything to show: texts alone have not when only aggregates of numbers are asked for.
func modelShows(q *modelQuestion, buckets map[int64]*modelBucket) bool {
	textual := slices.ContainsFunc(q.Aggregates, func(a string) bool { return a == "count" || a == "first" || a == "last" || a == "nan" })
	for _, b := range buckets {
		for _, list := range b.streams {
			for _, p := range list {
				if _, ok := modelNumber(p.Value); ok || textual {
					return true
				}
			}
		}
	}
	return false
}

// modelSilent reports whether devices that are registered and never said anything are in the one group of all.
func modelSilent(s *store, q *modelQuestion) bool {
	if !slices.Equal(q.Group, []string{"all"}) || s.view.Registry == nil {
		return false
	}
	for d := range s.view.Registry.Devices(q.Tenant) {
		spoke := false
		s.view.Ledger.Streams(q.Tenant, d.Device, "", func(id frame.StreamID, key frame.StreamKey) bool {
			_, said := s.view.Ledger.Grade(id)
			spoke = spoke || said && key.Device == d.Device
			return true
		})
		if !spoke && (len(q.Devices) == 0 || slices.Contains(q.Devices, d.Device)) {
			return true
		}
	}
	return false
}

func checkCover(t tester, q *modelQuestion, name string, s *Series, fields map[string]map[int64]*modelBucket, silent bool) {
	t.Helper()
	var starts []int64
	for _, at := range q.buckets() {
		some := q.FillNull
		for _, buckets := range fields {
			b := buckets[at[0]]
			some = some || b != nil && (b.completeness.Expected > 0 || modelShows(q, map[int64]*modelBucket{0: b}))
		}
		if some {
			starts = append(starts, at[0])
		}
	}
	if !slices.Equal(starts, s.StartNS) {
		t.Fatalf("%+v: group %q has buckets at %v, want %v", q.SeriesQuery, name, s.StartNS, starts)
	}
	for i, start := range s.StartNS {
		want := Completeness{Verdict: ledger.Indeterminate}
		if b := fields[""][start]; b != nil {
			want = b.completeness
		}
		if silent {
			want.add(Completeness{Verdict: ledger.Indeterminate})
		}
		if s.Buckets[i] != want {
			t.Fatalf("%+v: group %q, bucket %d of %d at %d is %+v, want %+v", q.SeriesQuery, name, i, len(s.StartNS), start, s.Buckets[i], want)
		}
	}
}

func checkField(t tester, q *modelQuestion, name string, s *Series, f *SeriesField, buckets map[int64]*modelBucket) {
	t.Helper()
	for _, c := range f.Columns {
		for i, start := range s.StartNS {
			b := buckets[start]
			if b == nil {
				b = &modelBucket{}
			}
			want, slack := modelValue(c.Aggregate, b)
			if !sameValue(c.Values[i], want, slack) {
				t.Fatalf("%+v: %s of %q of group %q at %d is %v %v, want %v %v within %g; points %v", q.SeriesQuery, c.Aggregate, f.Name, name, start,
					c.Values[i], c.Values[i].Float64(), want, want.Float64(), slack, b.streams)
			}
		}
	}
}
