package query

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/query/series"
	"github.com/gaplessdb/gapless/segment"
	"pgregory.net/rapid"
)

// The model answers a SeriesQuery from all rows of a store whose rows are all in the newest head, by the words of docs/http-api.md and nothing else: it
// knows no blocks, no statistics and no windows but the definition of one.

// modelRow is a stored frame.
type modelRow struct {
	key    frame.StreamKey
	epoch  uint32
	seq    uint64
	ns     int64
	fields map[string]frame.Value
}

func modelRows(s *store) (rows []modelRow) {
	s.view.Head.Each(func(id frame.StreamID, ordinal uint32, list []segment.Row) {
		key, _ := s.view.Ledger.Key(id)
		for i := range list {
			var f frame.Frame
			list[i].Body.Decode(&f)
			r := modelRow{key: key, epoch: ordinal, seq: list[i].Seq, ns: list[i].FiledNS(), fields: map[string]frame.Value{}}
			for _, field := range f.Fields {
				r.fields[field.Name] = field.Value
			}
			rows = append(rows, r)
		}
	})
	slices.SortFunc(rows, func(a, b modelRow) int {
		return slices.Compare([]string{a.key.Device, a.key.Stream, fmt.Sprintf("%010d %020d", a.epoch, a.seq)},
			[]string{b.key.Device, b.key.Stream, fmt.Sprintf("%010d %020d", b.epoch, b.seq)})
	})
	return rows
}

// modelQuestion is a question whose buckets the model can find: of a length that divides the second's multiples since 1970, in UTC.
type modelQuestion struct {
	SeriesQuery
	from, to int64 // to is not inside; 0, 0: everything
	step     int64 // 0: one bucket
}

func (q *modelQuestion) timed() bool { return q.from != q.to }

// buckets are the beginnings of all buckets, and the last nanosecond of each.
func (q *modelQuestion) buckets() (list [][2]int64) {
	if !q.timed() {
		return [][2]int64{{math.MinInt64, math.MaxInt64}}
	}
	for at := q.from; at < q.to; {
		end := q.to
		if q.step > 0 {
			end = min(end, at-at%q.step+q.step)
		}
		list = append(list, [2]int64{at, end - 1})
		at = end
	}
	return list
}

func (q *modelQuestion) takes(key frame.StreamKey) bool {
	device := len(q.Devices) == 0 && key.Device[0] != '_' || slices.Contains(q.Devices, key.Device)
	stream := len(q.Streams) == 0 && key.Stream == "0" || slices.Contains(q.Streams, key.Stream) || slices.Contains(q.Streams, "*")
	return key.Tenant == q.Tenant && device && stream
}

func (q *modelQuestion) group(key frame.StreamKey) string {
	switch {
	case slices.Equal(q.Group, []string{"all"}):
		return ""
	case slices.Equal(q.Group, []string{"stream"}):
		return key.Device + "/" + key.Stream
	}
	return key.Device
}

// modelCompleteness is what is known of one bucket of one epoch.
func modelCompleteness(s *store, rep *ledger.EpochReport, rows []modelRow, bucket [2]int64) (c Completeness, ok bool) {
	first, last := uint64(0), uint64(math.MaxUint64)
	if bucket[0] != math.MinInt64 {
		at, before := uint64(math.MaxUint64), int64(-1)
		for _, r := range rows {
			if r.ns >= bucket[0] {
				at = min(at, r.seq)
			}
		}
		for _, r := range rows {
			if r.seq < at {
				before = max(before, int64(r.seq))
			}
		}
		first = uint64(before + 1)
	}
	if bucket[1] != math.MaxInt64 {
		at, after := int64(-1), uint64(math.MaxUint64)
		for _, r := range rows {
			if r.ns <= bucket[1] {
				at = max(at, int64(r.seq))
			}
		}
		for _, r := range rows {
			if int64(r.seq) > at {
				after = min(after, r.seq)
			}
		}
		if after == 0 {
			return c, false
		}
		if after < math.MaxUint64 {
			last = after - 1
		}
	}
	if rep.Tail.Last == nil {
		return c, false
	}
	return modelGrade(rep, rows, first, last)
}

func modelGrade(rep *ledger.EpochReport, rows []modelRow, first, last uint64) (c Completeness, ok bool) {
	doubt := first < *rep.Head.First && rep.Head.Basis != ledger.BasisDeclared || last > *rep.Tail.Last && rep.Tail.Basis == ledger.BasisLastSeen
	doubt = doubt || rep.Duplicates.Conflict > 0 || rep.Duplicates.Unverified > 0 || rep.Contradictions > 0 || rep.Seal != nil && rep.Seal.Mismatch != 0
	whole, unexplained := first == 0 && last == math.MaxUint64, false
	for n := max(first, *rep.Head.First); n <= min(last, *rep.Tail.Last); n++ {
		c.Expected++
		if slices.ContainsFunc(rows, func(r modelRow) bool { return r.seq == n }) {
			c.Stored++
			continue
		}
		g := slices.IndexFunc(rep.Gaps, func(g ledger.GapReport) bool { return g.From <= n && n <= g.To })
		unexplained = unexplained || rep.Gaps[g].State != ledger.StateFinal || rep.Gaps[g].Cause == frame.CauseNeverArrived.String()
	}
	switch {
	case whole || rep.Verdict == ledger.Indeterminate:
		c.Verdict = rep.Verdict
	case unexplained:
		c.Verdict = ledger.Incomplete
	case c.Missing() > 0:
		c.Verdict = ledger.Explained
	case doubt:
		c.Verdict = ledger.CompleteBetweenSeen
	default:
		c.Verdict = ledger.Complete
	}
	return c, c.Expected > 0
}

// modelBucket is the points of a bucket, stream by stream.
type modelBucket struct {
	completeness Completeness
	streams      map[string][]modelPoint // of one field: by stream, in order of numbers
}

// modelPoint is a value, and the one before it in its stream and the range.
type modelPoint struct {
	frame.Value
	ns     int64
	before *modelPoint
}

// modelSeries is the model's answer: by group, field and beginning of the bucket. The field "" has the completeness.
func modelSeries(s *store, q *modelQuestion) map[string]map[string]map[int64]*modelBucket {
	out := map[string]map[string]map[int64]*modelBucket{}
	bucket := func(group, field string, start int64) *modelBucket {
		if out[group] == nil {
			out[group] = map[string]map[int64]*modelBucket{}
		}
		if out[group][field] == nil {
			out[group][field] = map[int64]*modelBucket{}
		}
		b := out[group][field][start]
		if b == nil {
			b = &modelBucket{streams: map[string][]modelPoint{}}
			out[group][field][start] = b
		}
		return b
	}
	rows := slices.DeleteFunc(modelRows(s), func(r modelRow) bool { return !q.takes(r.key) })
	s.view.Ledger.Streams(q.Tenant, "", "", func(id frame.StreamID, key frame.StreamKey) bool {
		reports, _ := s.view.Ledger.Report(id, ledger.ReportOptions{GapLimit: 1 << 20})
		for i := range reports {
			if !q.takes(key) {
				continue
			}
			own := slices.DeleteFunc(slices.Clone(rows), func(r modelRow) bool { return r.key != key || r.epoch != reports[i].Epoch.Ordinal })
			for _, at := range q.buckets() {
				if c, ok := modelCompleteness(s, &reports[i], own, at); ok {
					bucket(q.group(key), "", at[0]).completeness.add(c)
				}
			}
		}
		return true
	})
	last := map[string]*modelPoint{}
	for _, r := range rows {
		i := slices.IndexFunc(q.buckets(), func(at [2]int64) bool { return at[0] <= r.ns && r.ns <= at[1] })
		if i < 0 {
			continue
		}
		for name, v := range r.fields {
			if len(q.Fields) > 0 && !slices.Contains(q.Fields, name) {
				continue
			}
			stream := r.key.Device + "/" + r.key.Stream
			p := modelPoint{Value: v, ns: r.ns}
			if x, isNumber := modelNumber(v); isNumber && x == x {
				p.before = last[stream+" "+name]
				last[stream+" "+name] = &p
			}
			b := bucket(q.group(r.key), name, q.buckets()[i][0])
			b.streams[stream] = append(b.streams[stream], p)
		}
	}
	return out
}

// modelNumber is a value as the nearest float64, false for texts and bytes.
func modelNumber(v frame.Value) (float64, bool) {
	return v.Float64(), v.Kind != frame.KindString && v.Kind != frame.KindBytes
}

// exact is a finite number without rounding.
func exact(v frame.Value) *big.Rat {
	if v.Kind == frame.KindFloat {
		return new(big.Rat).SetFloat64(v.Float64())
	}
	if v.Kind == frame.KindInt {
		return new(big.Rat).SetInt64(v.Int64())
	}
	return new(big.Rat).SetInt(new(big.Int).SetUint64(v.Num))
}

func nearest(x *big.Rat) float64 { f, _ := x.Float64(); return f }

// modelValue is what an aggregate of a bucket is to be, and how far the answer may be from it.
func modelValue(agg string, b *modelBucket) (want series.Value, slack float64) {
	var all, numbers []modelPoint
	nan, infinite, floats := 0, 0.0, false
	for _, stream := range slices.Sorted(func(yield func(string) bool) {
		for name := range b.streams {
			if !yield(name) {
				return
			}
		}
	}) {
		for _, p := range b.streams[stream] {
			all = append(all, p)
			x, isNumber := modelNumber(p.Value)
			switch {
			case !isNumber:
			case x != x:
				nan++
			default:
				numbers = append(numbers, p)
				floats = floats || p.Kind == frame.KindFloat
				if math.IsInf(x, 0) {
					infinite += x // both make NaN
				}
			}
		}
	}
	integer := func(x *big.Int) series.Value {
		low := new(big.Int).And(x, new(big.Int).SetUint64(math.MaxUint64))
		high := new(big.Int).Rsh(x, 64)
		return series.Value{Kind: series.Int, Low: low.Uint64(), High: uint64(high.Int64())}
	}
	float := func(x float64) series.Value { return series.Value{Kind: series.Float, Low: math.Float64bits(x + 0)} }
	number := func(p modelPoint) series.Value {
		if p.Kind == frame.KindFloat {
			return float(p.Float64())
		}
		return integer(exact(p.Value).Num())
	}
	switch agg {
	case "count":
		return integer(big.NewInt(int64(len(all)))), 0
	case "nan":
		return integer(big.NewInt(int64(nan))), 0
	case "first", "last":
		return modelEnd(agg, b), 0
	case "delta", "rate":
		return modelPer(agg, b, float)
	}
	if len(numbers) == 0 {
		return series.Value{}, 0
	}
	if agg == "min" || agg == "max" {
		best := numbers[0]
		for _, p := range numbers[1:] {
			c := modelCompare(p.Value, best.Value)
			if agg == "max" {
				c = -c
			}
			if c < 0 || c == 0 && p.Kind != frame.KindFloat {
				best = p
			}
		}
		return number(best), 0
	}
	if strings.HasPrefix(agg, "p") {
		return modelPercentile(agg, numbers, float)
	}
	if infinite != 0 || infinite != infinite {
		if agg == "stddev" {
			if len(numbers) < 2 {
				return series.Value{}, 0
			}
			infinite = math.NaN()
		}
		return float(infinite), 0
	}
	sum, magnitude := new(big.Rat), new(big.Rat)
	for _, p := range numbers {
		sum.Add(sum, exact(p.Value))
		magnitude.Add(magnitude, new(big.Rat).Abs(exact(p.Value)))
	}
	n := new(big.Rat).SetInt64(int64(len(numbers)))
	slack = nearest(magnitude) * 0x1p-51
	switch {
	case agg == "stddev":
		return modelDeviation(numbers, new(big.Rat).Quo(sum, n), float)
	case agg == "sum" && !floats:
		return integer(sum.Num()), 0
	case agg == "sum":
		return float(nearest(sum)), slack
	case !floats:
		return float(nearest(sum.Quo(sum, n))), 0
	}
	return float(nearest(sum.Quo(sum, n))), slack
}

func modelCompare(a, b frame.Value) int {
	x, y := a.Float64(), b.Float64()
	if math.IsInf(x, 0) || math.IsInf(y, 0) {
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	return exact(a).Cmp(exact(b))
}

// modelEnd is the first or the last value: of a stream by number, of several by time.
func modelEnd(agg string, b *modelBucket) series.Value {
	var best *modelPoint
	names := make([]string, 0, len(b.streams))
	for name := range b.streams {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		list := b.streams[name]
		if p := &list[0]; agg == "first" && (best == nil || p.ns < best.ns) {
			best = p
		}
		if p := &list[len(list)-1]; agg == "last" && (best == nil || p.ns >= best.ns) {
			best = p
		}
	}
	if best == nil {
		return series.Value{}
	}
	return series.ValueOf(best.Value)
}

// modelPer adds up what every stream has once.
func modelPer(agg string, b *modelBucket, float func(float64) series.Value) (series.Value, float64) {
	sum, size, any, plain := new(big.Rat), 0.0, false, 0.0
	whole := true
	for _, list := range b.streams {
		list = slices.DeleteFunc(slices.Clone(list), func(p modelPoint) bool { _, ok := modelNumber(p.Value); return !ok })
		if len(list) == 0 {
			continue
		}
		if agg == "delta" {
			first, last := list[0], list[len(list)-1]
			x, y := first.Float64(), last.Float64()
			any = true
			whole = whole && first.Kind != frame.KindFloat && last.Kind != frame.KindFloat
			if d := y - x; d != d || math.IsInf(d, 0) {
				plain += d
				continue
			}
			sum.Add(sum, new(big.Rat).Sub(exact(last.Value), exact(first.Value)))
			size += math.Abs(x) + math.Abs(y)
			continue
		}
		rise, scale, ns, odd := new(big.Rat), 0.0, int64(0), 0.0
		for _, p := range list {
			if p.before == nil {
				continue
			}
			ns += p.ns - p.before.ns
			y, x := p.Float64(), p.before.Float64()
			grown := modelCompare(p.Value, p.before.Value) >= 0
			up := y
			if grown {
				up = y - x
			}
			if up != up || math.IsInf(up, 0) {
				odd += up
				continue
			}
			rise.Add(rise, exact(p.Value))
			if grown {
				rise.Sub(rise, exact(p.before.Value))
			}
			scale += math.Abs(x) + math.Abs(y)
		}
		if ns <= 0 {
			continue
		}
		any, whole = true, false
		rise.Quo(rise, new(big.Rat).SetFrac64(ns, 1e9))
		sum.Add(sum, rise)
		plain += odd
		size += scale / (float64(ns) / 1e9)
	}
	switch {
	case !any:
		return series.Value{}, 0
	case plain != 0 || plain != plain:
		return float(plain), 0
	case whole:
		n := sum.Num()
		return series.Value{Kind: series.Int, Low: new(big.Int).And(n, new(big.Int).SetUint64(math.MaxUint64)).Uint64(),
			High: uint64(new(big.Int).Rsh(n, 64).Int64())}, 0
	}
	return float(nearest(sum)), size * 0x1p-48
}

func modelPercentile(agg string, numbers []modelPoint, float func(float64) series.Value) (series.Value, float64) {
	p, _ := new(big.Rat).SetString(agg[1:])
	list := make([]float64, len(numbers))
	for i := range numbers {
		list[i] = numbers[i].Float64()
	}
	slices.Sort(list)
	at := p.Mul(p, big.NewRat(int64(len(list)-1), 100))
	i := int(new(big.Int).Quo(at.Num(), at.Denom()).Int64())
	rest := nearest(new(big.Rat).Sub(at, big.NewRat(int64(i), 1)))
	if rest == 0 {
		return float(list[i]), 0
	}
	low, high := list[i], list[i+1]
	if low == high {
		return float(low), 0
	}
	if math.IsInf(low, 0) || math.IsInf(high, 0) {
		return float(low*(1-rest) + high*rest), 0
	}
	return float(low*(1-rest) + high*rest), (math.Abs(low) + math.Abs(high)) * 0x1p-50
}

func modelDeviation(numbers []modelPoint, mean *big.Rat, float func(float64) series.Value) (series.Value, float64) {
	if len(numbers) < 2 {
		return series.Value{}, 0
	}
	squares, size := new(big.Rat), 0.0
	for _, p := range numbers {
		d := new(big.Rat).Sub(exact(p.Value), mean)
		squares.Add(squares, d.Mul(d, d))
		size = max(size, math.Abs(p.Float64()))
	}
	squares.Quo(squares, big.NewRat(int64(len(numbers)-1), 1))
	f := new(big.Float).SetPrec(200).SetRat(squares)
	x, _ := f.Sqrt(f).Float64()
	if size > 1e150 || x > 0 && x < 1e-150 {
		return float(x), math.Inf(1) // squares leave the range of float64
	}
	return float(x), x*1e-9 + size*1e-7
}

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
			next.TimeNS = startMS*ms + rapid.Int64Range(-10, 70).Draw(t, "seconds")*second
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
		api := newAPI(t, split, Options{LockRows: rapid.SampledFrom([]int{1, 3, 10, 1000}).Draw(t, "lock rows"), SeriesWorkers: rapid.IntRange(1, 3).Draw(t, "workers")})
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
