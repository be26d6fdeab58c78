package segment

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ledger"
	"pgregory.net/rapid"
)

func checkInfo(t *rapid.T, r *Reader, head *Head, m model, info Info) {
	streams := 0
	var order []string
	for _, k := range m.keys() {
		for _, o := range m.ordinals(k) {
			streams++
			order = append(order, fmt.Sprint(k, o))
		}
	}
	if r.Info() != info || info.Frames != uint64(head.Frames()) || info.Streams != uint32(streams) || r.Options() != testOptions ||
		info.FirstIndex != testOptions.FirstIndex || info.LastIndex != testOptions.LastIndex {
		t.Fatalf("Info() = %+v, want %+v with %d frames of %d streams", r.Info(), info, head.Frames(), streams)
	}
	lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
	var each []string
	if err := r.Each(func(key frame.StreamKey, e *Epoch) error {
		each = append(each, fmt.Sprint(key, e.Ordinal))
		lo, hi = min(lo, e.FirstNS), max(hi, e.LastNS)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(each, order) || lo != info.FirstNS || hi != info.LastNS {
		t.Fatalf("Each: %v from %d to %d, want %v and %+v", each, lo, hi, order, info)
	}
}

func checkKey(t *rapid.T, r *Reader, m model, key frame.StreamKey) {
	es, err := r.Epochs(key)
	if err != nil {
		t.Fatal(err)
	}
	var got []uint32
	for i := range es {
		got = append(got, es[i].Ordinal)
	}
	if want := m.ordinals(key); !slices.Equal(got, want) {
		t.Fatalf("Epochs(%v) = %v, want %v", key, got, want)
	}
	for _, o := range []uint32{0, 4} {
		if _, ok, err := r.Epoch(key, o); ok || err != nil {
			t.Fatalf("Epoch(%v, %d): %v, %v", key, o, ok, err)
		}
	}
}

func checkEpoch(t *rapid.T, r *Reader, e *Epoch, list []sample) {
	lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
	var runs ledger.Runs
	for i := range list {
		ns := list[i].row.FiledNS()
		lo, hi = min(lo, ns), max(hi, ns)
		runs.Add(list[i].row.Seq)
	}
	if e.Frames != uint64(len(list)) || e.FirstSeq != list[0].row.Seq || e.LastSeq != list[len(list)-1].row.Seq || e.FirstNS != lo || e.LastNS != hi {
		t.Fatalf("epoch %+v, want %d frames, times %d to %d", e, len(list), lo, hi)
	}
	cover := e.Coverage()
	for i := range max(len(cover), runs.Len()) {
		if i >= len(cover) || i >= runs.Len() || cover[i] != runs.At(i) {
			t.Fatalf("coverage %v, want %d runs", cover, runs.Len())
		}
	}
}

func checkPositions(t *rapid.T, r *Reader, e *Epoch, head *Head, id frame.StreamID, ordinal uint32) {
	if _, err := r.Scan(e, All(), Columns{}, func(rec *Record) bool {
		row, ok := head.Get(id, ordinal, rec.Seq)
		if !ok || row.Index != rec.Index || row.Ordinal != rec.Ordinal {
			t.Fatalf("position %d/%d of %d, want %d/%d", rec.Index, rec.Ordinal, rec.Seq, row.Index, row.Ordinal)
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
}

func drawSpan(t *rapid.T, list []sample) Span {
	seq := func(name string) uint64 {
		i := rapid.IntRange(0, len(list)-1).Draw(t, name)
		return list[i].row.Seq + uint64(rapid.IntRange(-1, 1).Draw(t, "off"))
	}
	ns := func(name string) int64 {
		i := rapid.IntRange(0, len(list)-1).Draw(t, name)
		return list[i].row.FiledNS() + int64(rapid.IntRange(-1, 1).Draw(t, "off"))
	}
	span := All()
	if rapid.Bool().Draw(t, "by seq") {
		span.FirstSeq, span.LastSeq = seq("from"), seq("to")
	}
	if rapid.Bool().Draw(t, "by time") {
		span.FirstNS, span.LastNS = ns("since"), ns("until")
	}
	if rapid.Bool().Draw(t, "budget") {
		span.Budget = rapid.IntRange(1, 400).Draw(t, "rows")
	}
	return span
}

func checkSpan(t *rapid.T, r *Reader, e *Epoch, list []sample) {
	span := drawSpan(t, list)
	cols := rapid.SampledFrom([]Columns{{}, {All: true}, {Raw: true}, {Fields: []string{"mixed"}}, {Fields: []string{"valve", "analog", "none"}, Raw: true}}).Draw(t, "columns")
	stop := rapid.IntRange(0, 2*len(list)).Draw(t, "stop")
	var want []*sample
	for i := range list {
		s := &list[i]
		if ns := s.row.FiledNS(); s.row.Seq >= span.FirstSeq && s.row.Seq <= span.LastSeq && ns >= span.FirstNS && ns <= span.LastNS {
			want = append(want, s)
		}
	}
	got := 0
	for {
		calls := 0
		done, err := r.Scan(e, span, cols, func(rec *Record) bool {
			if got == len(want) {
				t.Fatalf("scan %+v: seq %d is one too many", span, rec.Seq)
			}
			if err := want[got].matches(rec, cols); err != nil {
				t.Fatalf("scan %+v of %+v: %v", span, cols, err)
			}
			got++
			calls++
			return calls != stop
		})
		if err != nil {
			t.Fatal(err)
		}
		if span.Budget > 0 && done.Rows > span.Budget {
			t.Fatalf("%d rows, the budget is %d", done.Rows, span.Budget)
		}
		if !done.More {
			break
		}
		if done.Next <= span.FirstSeq && got == 0 && done.Rows == 0 {
			t.Fatalf("no progress: %+v", done)
		}
		span.FirstSeq = done.Next
	}
	if got != len(want) {
		t.Fatalf("scan %+v gave %d rows, want %d", span, got, len(want))
	}
}

func checkNeighbours(t *rapid.T, r *Reader, e *Epoch, list []sample) {
	at := list[rapid.IntRange(0, len(list)-1).Draw(t, "near")].row.Seq + uint64(rapid.IntRange(-2, 2).Draw(t, "off"))
	i, found := slices.BinarySearchFunc(list, at, func(s sample, n uint64) int { return cmp.Compare(s.row.Seq, n) })
	var rec Record
	ok, err := r.Get(e, at, Columns{All: true}, &rec)
	if err != nil || ok != found {
		t.Fatalf("Get(%d) = %v, %v, want %v", at, ok, err, found)
	}
	if ok {
		if err := list[i].matches(&rec, Columns{All: true}); err != nil {
			t.Fatal(err)
		}
	}
	if ok, err = r.Before(e, at, &rec); err != nil || ok != (i > 0) || ok && rec.Seq != list[i-1].row.Seq {
		t.Fatalf("Before(%d) = %d, %v, %v", at, rec.Seq, ok, err)
	}
	if found {
		i++
	}
	if ok, err = r.After(e, at, &rec); err != nil || ok != (i < len(list)) || ok && rec.Seq != list[i].row.Seq {
		t.Fatalf("After(%d) = %d, %v, %v", at, rec.Seq, ok, err)
	}
}

// checkTimes compares with the head, whose answers head_test.go checks.
func checkTimes(t *rapid.T, r *Reader, e *Epoch, head *Head, id frame.StreamID, ordinal uint32, list []sample) {
	at := func(name string) int64 {
		near := list[rapid.IntRange(0, len(list)-1).Draw(t, name)].row.FiledNS() + int64(rapid.IntRange(-1, 1).Draw(t, "off"))
		return rapid.SampledFrom([]int64{near, math.MinInt64, e.FirstNS, e.LastNS, math.MaxInt64}).Draw(t, name)
	}
	from, to := at("from"), at("to")
	var got, want bound
	var err error
	got.at, got.beside, got.hasAt, got.hasBeside, err = r.FirstSince(e, from)
	want.at, want.beside, want.hasAt, want.hasBeside = head.FirstSince(id, ordinal, from)
	if err != nil || got != want {
		t.Fatalf("FirstSince(%d) = %+v, %v, want %+v", from, got, err, want)
	}
	got.at, got.beside, got.hasAt, got.hasBeside, err = r.LastUntil(e, to)
	want.at, want.beside, want.hasAt, want.hasBeside = head.LastUntil(id, ordinal, to)
	if err != nil || got != want {
		t.Fatalf("LastUntil(%d) = %+v, %v, want %+v", to, got, err, want)
	}
	f1, l1, ok1, err := r.Window(e, from, to)
	f2, l2, ok2 := head.Window(id, ordinal, from, to)
	if err != nil || f1 != f2 || l1 != l2 || ok1 != ok2 {
		t.Fatalf("Window(%d, %d) = %d, %d, %v, %v, want %d, %d, %v", from, to, f1, l1, ok1, err, f2, l2, ok2)
	}
}

func checkStatistics(t *rapid.T, r *Reader, e *Epoch, list []sample) {
	err := r.Statistics(e, func(st BlockStats) bool {
		rows := list[:st.Rows]
		list = list[st.Rows:]
		if st.FirstSeq != rows[0].row.Seq || st.LastSeq != rows[len(rows)-1].row.Seq {
			t.Fatalf("statistics %+v", st)
		}
		if (st.Fields != nil) != (!st.Shared && rowsHaveFields(rows)) {
			t.Fatalf("statistics %+v: shared", st)
		}
		for i := range rows {
			if ms := rows[i].row.ReceiveMS; ms < st.FirstReceiveMS || ms > st.LastReceiveMS {
				t.Fatalf("statistics %+v: received at %d", st, ms)
			}
		}
		for i := range st.Fields {
			checkFieldStats(t, &st.Fields[i], rows)
		}
		return true
	})
	if err != nil || len(list) > 0 {
		t.Fatalf("%d rows in no block, %v", len(list), err)
	}
}

func rowsHaveFields(rows []sample) bool {
	return slices.ContainsFunc(rows, func(s sample) bool { return len(s.fields) > 0 })
}

// checkFieldStats computes what it can in another way: sums with big steps are left to stats_test.go.
func checkFieldStats(t *rapid.T, st *FieldStats, rows []sample) {
	var vals []frame.Value
	for i := range rows {
		for _, f := range rows[i].fields {
			if f.Name == st.Name && f.Value.Kind == st.Kind {
				vals = append(vals, f.Value)
			}
		}
	}
	if st.Count != len(vals) {
		t.Fatalf("%s: %d values, want %d", st.Name, st.Count, len(vals))
	}
	if st.Kind != frame.KindString && st.Kind != frame.KindBytes && (!st.First.Equal(vals[0]) || !st.Last.Equal(vals[len(vals)-1])) {
		t.Fatalf("%s: first %v, last %v, want %v, %v", st.Name, st.First, st.Last, vals[0], vals[len(vals)-1])
	}
	for _, v := range vals {
		switch st.Kind {
		case frame.KindFloat:
			if x := v.Float64(); x < st.Min.Float64() || x > st.Max.Float64() {
				t.Fatalf("%s: %v is not in %v to %v", st.Name, x, st.Min.Float64(), st.Max.Float64())
			}
		case frame.KindInt:
			if x := v.Int64(); x < st.Min.Int64() || x > st.Max.Int64() {
				t.Fatalf("%s: %v is not in %v to %v", st.Name, x, st.Min.Int64(), st.Max.Int64())
			}
		case frame.KindString, frame.KindBytes:
			if bytes.Compare(v.Str, st.Min.Str) < 0 || bytes.Compare(v.Str[:min(len(v.Str), 16)], st.Max.Str) > 0 {
				t.Fatalf("%s: %q is not in %q to %q", st.Name, v.Str, st.Min.Str, st.Max.Str)
			}
		}
	}
}
