package query

import (
	"fmt"
	"math"
	"slices"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/segment"
)

// The model answers a SeriesQuery from all rows of a store whose rows are all in the newest head, by the words of docs/http-api.md and nothing
// else: it knows no blocks, no statistics and no windows but the definition of one.

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

// modelUnseen bounds the verdict of a bucket where nothing of an epoch is expected: frames behind its last row, or before its first one, may have
// been lost unless somebody declared the end, or rows of the neighbouring epoch say that it was over by then.
func modelUnseen(reports []ledger.EpochReport, rowsOf func(i int) []modelRow, bucket [2]int64) (c Completeness) {
	reaches := func(i int, in func(ns int64) bool) bool {
		return i >= 0 && i < len(reports) && slices.ContainsFunc(rowsOf(i), func(r modelRow) bool { return in(r.ns) })
	}
	early := func(ns int64) bool { return ns < bucket[0] }
	late := func(ns int64) bool { return ns > bucket[1] }
	for i := range reports {
		rep := &reports[i]
		switch {
		case rep.Tail.Last == nil || len(rowsOf(i)) == 0:
		case !reaches(i, func(ns int64) bool { return !early(ns) }):
			if rep.Tail.Basis == ledger.BasisLastSeen && !reaches(i+1, early) {
				c.add(Completeness{Verdict: min(rep.Verdict, ledger.CompleteBetweenSeen)})
			}
		case !reaches(i, func(ns int64) bool { return !late(ns) }):
			if rep.Head.Basis != ledger.BasisDeclared && !reaches(i-1, late) {
				c.add(Completeness{Verdict: ledger.CompleteBetweenSeen})
			}
		}
	}
	if c.Verdict != ledger.Indeterminate && c.Verdict != 0 {
		c.Verdict = ledger.CompleteBetweenSeen
	}
	return c
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
	bounds := map[string][]Completeness{} // by group and bucket
	s.view.Ledger.Streams(q.Tenant, "", "", func(id frame.StreamID, key frame.StreamKey) bool {
		reports, _ := s.view.Ledger.Report(id, ledger.ReportOptions{GapLimit: 1 << 20})
		if !q.takes(key) {
			return true
		}
		own := func(i int) []modelRow {
			return slices.DeleteFunc(slices.Clone(rows), func(r modelRow) bool { return r.key != key || r.epoch != reports[i].Epoch.Ordinal })
		}
		for _, at := range q.buckets() {
			for i := range reports {
				if c, ok := modelCompleteness(s, &reports[i], own(i), at); ok {
					bucket(q.group(key), "", at[0]).completeness.add(c)
				}
			}
			bounds[q.group(key)+fmt.Sprint(at[0])] = append(bounds[q.group(key)+fmt.Sprint(at[0])], modelUnseen(reports, own, at))
		}
		return true
	})
	for group, fields := range out {
		for at, b := range fields[""] {
			for _, c := range bounds[group+fmt.Sprint(at)] {
				b.completeness.add(c)
			}
		}
	}
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
