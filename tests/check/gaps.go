package check

import (
	"cmp"
	"fmt"
	"slices"
)

// gaps: a report is exactly every number from the first expected to the last known one, less what is stored, at its index. Where the last
// answers say where every frame was committed, what is stored at an index is known to the number; without that, what was acknowledged up to
// it must not be missing, and what nobody had sent by then must.
func gaps(r *Run) (out []Violation) {
	h := r.history()
	for i := range r.GapReports {
		out = append(out, h.report(&r.GapReports[i], nil)...)
	}
	for _, f := range r.Finals {
		reported := map[Counter]bool{}
		for i := range f.Gaps {
			reported[f.Gaps[i].Counter] = true
			out = append(out, h.report(&f.Gaps[i], f)...)
		}
		out = append(out, h.unreported(f, reported)...)
	}
	return append(out, changed(r)...)
}

// unreported is counters that a node says nothing of in the end, although it was told of them.
func (h *history) unreported(f *Final, reported map[Counter]bool) (out []Violation) {
	if len(f.Gaps) == 0 {
		return nil // no reports were asked for
	}
	for _, rec := range h.order {
		if s := rec.at(f.moment(), f.Numbers(rec.counter)); !reported[rec.counter] && (len(s.lows) > 0 || len(s.highs) > 0) {
			out = append(out, Violation{What: "GAPLIE: no gap report of the counter", Counter: rec.counter, Numbers: s.stored, Node: f.Node,
				At: f.At})
		}
	}
	return out
}

// moment is the end: everything that was sent may be there.
func (f *Final) moment() moment { return moment{place{^uint64(0), ^uint64(0)}, f.At} }

// inquiry is one report and what it is held against.
type inquiry struct {
	*GapReport
	rec   *record
	said  *said
	exact *Numbers // what is stored at its index, nil where that is not known
	known Numbers  // the numbers that the report tells of: all expected ones, or up to the last gap listed
	out   []Violation
}

// report judges one report. The last ones are also held against the frames that the same node shows.
func (h *history) report(g *GapReport, final *Final) []Violation {
	if g.Counter.system() {
		return nil
	}
	q := &inquiry{GapReport: g, rec: h.records[g.Counter]}
	if q.rec == nil {
		q.fault(Numbers{}, "GAPLIE: a report of a counter that nobody used")
		return q.out
	}
	q.shape()
	if g.Server || len(q.out) > 0 {
		return q.out
	}
	var stored Numbers
	switch {
	case final != nil:
		stored = final.Numbers(g.Counter)
		q.exact = &stored
	case h.finals != nil && h.finals.counters[g.Counter] != nil:
		stored = h.finals.counters[g.Counter].by(g.place())
		q.exact = &stored
	case h.finals != nil:
		q.exact = &stored
	}
	q.said = q.rec.at(g.moment(), stored)
	if !g.Part {
		q.ends()
		q.bases()
	}
	q.content()
	q.causes()
	return q.out
}

func (q *inquiry) fault(numbers Numbers, format string, args ...any) {
	q.out = append(q.out, Violation{
		What: fmt.Sprintf(format, args...), Counter: q.Counter, Numbers: numbers, Node: q.Node, At: q.Return,
		Witnesses: append([]string{q.GapReport.String()}, q.rec.witnesses(numbers)...),
	})
}

func (r *GapReport) String() string {
	return fmt.Sprintf("%s report of %s (epoch %d): %d (%s) to %d (%s), expected %d, stored %d, missing %s",
		&r.Answer, r.Counter, r.Ordinal, r.First, r.HeadBasis, r.Last, r.TailBasis, r.Expected, r.Stored, r.missing())
}

// shape is what a report must be whatever happened.
func (q *inquiry) shape() {
	expected, missing := q.expected(), q.missing()
	if q.Server && !missing.Empty() {
		q.fault(missing, "GAPLIE: numbers are missing that the server gave")
	}
	if q.Expected != expected.Count() {
		q.fault(expected, "GAPLIE: expected is %d, between the ends are %d", q.Expected, expected.Count())
	}
	if outside := missing.Minus(expected); !outside.Empty() {
		q.fault(outside, "GAPLIE: gaps outside of the ends")
	}
	at := q.First
	for i, g := range q.Gaps {
		if g.Last < g.First || i > 0 && g.First < at {
			q.fault(NumbersOf(g.Span), "GAPLIE: gap %s is empty, overlaps another one or is out of order", g.Span)
		}
		at = g.Last + 1
	}
	q.known = expected
	switch {
	case q.whole():
		if q.Stored != q.Expected-missing.Count() {
			q.fault(missing, "GAPLIE: stored is %d, expected without the gaps %d", q.Stored, q.Expected-missing.Count())
		}
	case uint64(len(q.Gaps)) > q.GapsTotal:
		q.fault(missing, "GAPLIE: lists %d gaps and counts %d", len(q.Gaps), q.GapsTotal)
	case len(q.Gaps) == 0:
		q.known = Numbers{}
	default:
		q.known = NumbersOf(Span{q.First, at - 1})
	}
}

// ends judges the first and the last number.
func (q *inquiry) ends() {
	low, hasLow := q.said.low()
	high, hasHigh := q.said.high()
	if !q.Known {
		if !q.said.stored.Empty() || !q.said.lost.Empty() {
			q.fault(q.said.stored, "GAPLIE: no number is expected, although some are known")
		}
		return
	}
	if hasLow && q.First > low {
		q.fault(NumbersOf(Span{low, q.First - 1}), "GAPLIE: HEAD: the report begins at %d, known is %d", q.First, low)
	}
	if !q.said.canStart(q.First) {
		q.fault(NumbersOf(Span{q.First, q.First}), "GAPLIE: HEAD: the report begins at %d, which nobody sent or named", q.First)
	}
	if hasHigh && q.Last < high {
		q.fault(NumbersOf(Span{q.Last + 1, high}), "GAPLIE: TAIL: the report ends at %d, known is %d", q.Last, high)
	}
	if !q.said.canEnd(q.Last) {
		q.fault(NumbersOf(Span{q.Last, q.Last}), "GAPLIE: TAIL: the report ends at %d, which nobody sent or named", q.Last)
	}
}

// bases judges who is said to have given the ends.
func (q *inquiry) bases() {
	if !q.Known {
		return
	}
	s := q.said
	possible := map[string]bool{
		"declared": slices.Contains(s.heads, q.First), "protocol_zero": q.First == 0,
		"first_seen": !slices.Contains(s.sureHeads, q.First) && (s.possible.Has(q.First) || slices.Contains(s.starts, q.First)),
		"watermark":  slices.Contains(s.marks, q.Last), "seal": slices.Contains(s.seals, q.Last), "successor": slices.Contains(s.seals, q.Last),
		"last_seen": !slices.Contains(s.sureEnds, q.Last) && (s.possible.Has(q.Last) || s.rejected.Has(q.Last)),
	}
	for _, basis := range []string{q.HeadBasis, q.TailBasis} {
		if !possible[basis] {
			q.fault(Numbers{}, "GAPLIE: the ends are %d and %d: the basis %q is not what was said", q.First, q.Last, basis)
		}
	}
}

// content judges what is listed as missing, and what is not.
func (q *inquiry) content() {
	missing := q.missing()
	if hidden := missing.And(q.rec.certainAt(q.moment())); !hidden.Empty() {
		q.fault(hidden, "GAPLIE: lists as missing what was acknowledged at an index that it contains")
	}
	claimed := q.known.Minus(missing)
	if invented := claimed.Minus(q.said.possible); !invented.Empty() {
		q.fault(invented, "GAPLIE: FORGOTTEN: does not list what cannot have been stored by then")
	}
	if q.exact == nil || len(q.out) > 0 {
		return
	}
	if forgotten := claimed.Minus(*q.exact); !forgotten.Empty() {
		q.fault(forgotten, "GAPLIE: FORGOTTEN: does not list what is not stored at its index")
	}
	if denied := missing.And(*q.exact); !denied.Empty() {
		q.fault(denied, "GAPLIE: lists as missing what is stored at its index")
	}
	if outside := q.exact.Minus(q.expected()); !outside.Empty() && !q.Part {
		q.fault(outside, "GAPLIE: stored numbers lie outside of its ends")
	}
}

// causes judges who is said to have explained a gap. The first cause of a number stands, so one of two is enough.
func (q *inquiry) causes() {
	var sums BalanceA
	for _, g := range q.Gaps {
		span := NumbersOf(g.Span)
		allowed := q.known
		term := &sums.Open
		switch {
		case g.Cause == "" && (g.State == "OPEN" || g.State == "REQUESTED"):
			allowed = allowed.Minus(q.said.lost)
		case g.Cause == "never_arrived" && g.State == "FINAL":
			allowed, term = allowed.Minus(q.said.lost), &sums.Lost
		case g.Cause == "declared_lost" && g.State == "FINAL":
			allowed, term = q.said.maybeLost, &sums.Declared
		case g.Cause == "rejected.schema" && g.State == "FINAL", g.Cause == "rejected.oversize" && g.State == "FINAL":
			allowed, term = q.said.rejected, &sums.Rejected
		default:
			allowed = Numbers{}
		}
		*term += span.Count()
		if wrong := span.Minus(allowed); !wrong.Empty() {
			q.fault(wrong, "GAPLIE: CAUSE: state %s and cause %q, which is not what was said", g.State, g.Cause)
		}
	}
	sums.Expected, sums.Stored = q.Expected, q.Stored
	if q.whole() && sums != q.A && len(q.out) == 0 {
		q.fault(q.missing(), "GAPLIE: the balance of the report is %+v, its gaps add up to %+v", q.A, sums)
	}
}

// changed holds the reports of one counter against each other: a later index knows no less, and one index has one report, whoever gives it.
func changed(r *Run) (out []Violation) {
	by := map[Counter][]*GapReport{}
	r.gapReports(func(g *GapReport) { by[g.Counter] = append(by[g.Counter], g) })
	for _, c := range sortedCounters(by) {
		for _, v := range successive(by[c]) {
			v.What = "GAPLIE: " + v.What
			out = append(out, v)
		}
	}
	return out
}

// gapReports yields every one, those of the end included.
func (r *Run) gapReports(yield func(*GapReport)) {
	for i := range r.GapReports {
		yield(&r.GapReports[i])
	}
	for _, f := range r.Finals {
		for i := range f.Gaps {
			yield(&f.Gaps[i])
		}
	}
}

// successive is what contradicts itself in accounts of one counter.
func successive(list []*GapReport) (out []Violation) {
	slices.SortStableFunc(list, func(a, b *GapReport) int { return a.place().compare(b.place()) })
	for i := 1; i < len(list); i++ {
		if what, numbers := list[i-1].follows(list[i]); what != "" {
			out = append(out, Violation{What: what, Counter: list[i].Counter, Numbers: numbers, Node: list[i].Node, At: list[i].Return,
				Witnesses: []string{list[i-1].String(), list[i].String()}})
		}
	}
	return out
}

// follows says how two reports contradict each other, r being of the lower index or of the same.
func (r *GapReport) follows(next *GapReport) (what string, numbers Numbers) {
	same := r.place() == next.place()
	if same && cmp.Or(cmp.Compare(r.First, next.First), cmp.Compare(r.Last, next.Last), cmp.Compare(r.Stored, next.Stored)) != 0 {
		return "two reports of one index differ", Numbers{}
	}
	if same && r.whole() && next.whole() && !slices.Equal(r.Gaps, next.Gaps) {
		return "two reports of one index differ", r.missing().Minus(next.missing()).Or(next.missing().Minus(r.missing()))
	}
	if r.Ordinal != next.Ordinal {
		return fmt.Sprintf("one epoch of the device has two ordinals, %d and %d", r.Ordinal, next.Ordinal), Numbers{}
	}
	if lost := r.expected().Minus(next.expected()); !lost.Empty() {
		return "the ends came closer", lost
	}
	if !r.whole() || !next.whole() {
		return "", Numbers{}
	}
	stored := r.expected().Minus(r.missing())
	if forgot := stored.And(next.missing()); !forgot.Empty() {
		return "what was stored is missing at a later index", forgot
	}
	return "", Numbers{}
}
