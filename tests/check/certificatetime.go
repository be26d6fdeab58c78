package check

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Between is the bounds of the time that was asked for; ok is false where none was.
func (a *Asked) Between() (from, to time.Time, ok bool) {
	if len(a.Time) != 2 {
		return from, to, false
	}
	from, err := time.Parse(time.RFC3339Nano, a.Time[0])
	to, err2 := time.Parse(time.RFC3339Nano, a.Time[1])
	return from, to, err == nil && err2 == nil
}

// within is the numbers of a counter whose device time was asked for: those from the first on and before the second, stored or not. It is unknown
// where the frames were not all sent by one clock.
func (a *Asked) within(rec *record) (first, behind uint64, known bool) {
	from, to, ok := a.Between()
	if !ok || len(rec.batches) == 0 {
		return 0, math.MaxUint64, false
	}
	clock := rec.batches[0]
	if slices.ContainsFunc(rec.batches, func(b *Batch) bool { return b.BaseNS != clock.BaseNS || b.StepNS != clock.StepNS }) {
		return 0, math.MaxUint64, false
	}
	if clock.BaseNS == 0 { // what has no time may lie in any
		return 0, math.MaxUint64, true
	}
	at := func(t time.Time) uint64 { // the first number that is no earlier
		return uint64(max(0, t.UnixNano()-clock.BaseNS+clock.StepNS-1) / clock.StepNS)
	}
	return at(from), at(to), true
}

// timed judges which numbers of a counter a certificate says to lie in the time that was asked for. Numbers that are missing may lie there with
// those around them: so it is the numbers from behind the last frame before the time to before the first one behind it.
func (j *certificateJudge) timed(c *Counted) {
	rec := j.h.records[c.Counter]
	if len(j.Asked.Time) == 0 || rec == nil || len(c.Whole) != 2 || j.h.finals == nil || c.Server {
		return
	}
	first, behind, known := j.Asked.within(rec)
	s := j.h.finals.counters[c.Counter]
	if !known || s == nil {
		return
	}
	want, stored := Span{c.Whole[0], c.Whole[1]}, s.by(j.place())
	if first > 0 {
		if n, any := stored.And(NumbersOf(Span{0, first - 1})).Max(); any {
			want.First = max(want.First, n+1)
		}
	}
	if n, any := stored.And(NumbersOf(Span{behind, math.MaxUint64 - 1})).Min(); any {
		if want.Last = min(want.Last, n-1); n == 0 {
			want = Span{1, 0}
		}
	}
	var numbers Numbers
	if want.First <= want.Last {
		numbers = NumbersOf(want)
	}
	if is := c.expected(); !is.Equal(numbers) {
		j.fault(c.Counter, is, "TIME: by what is stored at its index the numbers %s may lie in the time", numbers)
	}
}

// spoken judges the end of a time in which a counter is complete. Its device may have numbered more while that went on, all of it lost: that it did not is
// known where a number behind the time is, or the device closed the counter, or named its last number when the time was over.
func (j *certificateJudge) spoken(c *Counted) {
	_, to, ok := j.Asked.Between()
	if !ok || c.Verdict != "COMPLETE" || len(c.Whole) != 2 || !c.Known || c.Last < c.Whole[1] {
		return
	}
	if !c.undeclared(to) {
		return
	}
	var sent Numbers
	if rec := j.h.records[c.Counter]; rec != nil {
		first, behind, known := j.Asked.within(rec)
		if first = max(first, c.Last+1); known && first < behind {
			sent = rec.maybe.And(NumbersOf(Span{first, behind - 1}))
		}
	}
	j.fault(c.Counter, sent, "UNSPOKEN: COMPLETE up to %s, its end is %s of %s; of what lies behind, these were sent", to.UTC().Format(time.RFC3339Nano),
		c.TailBasis, c.DeclaredAt.UTC().Format(time.RFC3339Nano))
}

// undeclared reports whether nobody named the counter's last number, or not when a time was over.
func (c *Counted) undeclared(to time.Time) bool {
	return c.TailBasis == "last_seen" || c.TailBasis == "watermark" && c.DeclaredAt.Before(to)
}

// reaches reports whether a counter that has nothing in the time that was asked for may reach into it: nobody declared its end, and the next one begins in
// the time, or nobody declared its beginning, and the one before goes on to its end in the time. Of one without numbers both ends count on both sides.
func (c *Certificate) reaches(i int) bool {
	_, to, ok := c.Asked.Between()
	k := &c.Counted[i]
	if !ok || k.Known {
		return false
	}
	none, headless, endless := len(k.Whole) != 2, k.HeadBasis != "declared", k.undeclared(to)
	behind, before := c.beside(i, 1), c.beside(i, -1)
	return behind != nil && behind.Known && behind.First <= behind.Whole[0] && (endless || none && headless) ||
		before != nil && before.Known && before.Last >= before.Whole[1] && (headless || none && endless)
}

// beside is the nearest counter of the same stream, in steps of 1 or -1, for which numbers are expected; nil where there is none.
func (c *Certificate) beside(i, step int) *Counted {
	stream := c.Counted[i].Counter.stream()
	for i += step; i >= 0 && i < len(c.Counted) && c.Counted[i].Counter.stream() == stream; i += step {
		if len(c.Counted[i].Whole) == 2 {
			return &c.Counted[i]
		}
	}
	return nil
}

// moments holds the times of certificates against those of all answers: the cluster's clock never goes back, and one index has one time. So a
// certificate cannot speak of a moment later than the one at which its index was committed.
func moments(r *Run) (out []Violation) {
	var all []sighting
	for _, c := range r.Certified {
		all = append(all, sighting{"certificate", &c.Answer, c})
	}
	r.answers(func(what string, a *Answer) { all = append(all, sighting{what, a, nil}) })
	all = slices.DeleteFunc(all, func(s sighting) bool { return s.At.IsZero() })
	slices.SortStableFunc(all, func(a, b sighting) int { return a.place().compare(b.place()) })
	for i := 1; i < len(all); i++ {
		before, s := all[i-1], all[i]
		if before.At.After(s.At) || before.place() == s.place() && !before.At.Equal(s.At) {
			out = append(out, Violation{
				What: fmt.Sprintf("MOMENT: as of %d it is %s, and as of %d %s", before.Index, before.At.UTC().Format(time.RFC3339Nano), s.Index,
					s.At.UTC().Format(time.RFC3339Nano)),
				Node: s.Node, At: s.Return, Witnesses: []string{s.String(), before.String()},
			})
			return out // whatever follows may be about the same
		}
	}
	return out
}

// superseded is certificates that show a CENSUS although a later one was in the log of their checkpoint.
func superseded(r *Run) (out []Violation) {
	for _, c := range r.Certified {
		for _, later := range r.Certified {
			if c.Counts < later.Counts && later.Counts < c.Log.Size {
				out = append(out, Violation{
					What: fmt.Sprintf("SUPERSEDED: it shows the CENSUS at %d of a log of %d, one at %d is in it", c.Counts, c.Log.Size, later.Counts),
					Node: c.Node, At: c.Return, Witnesses: []string{c.String(), later.String()},
				})
				break
			}
		}
	}
	return out
}
