package check

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// certificateJudge holds one certificate against the run.
type certificateJudge struct {
	*Certificate
	run *Run
	h   *history
	out []Violation
}

func (c *Certificate) String() string {
	return fmt.Sprintf("%s certificate at=%s of %s: %s, expected %d, stored %d, log of %d records", &c.Answer, c.Consistency, &c.Asked, c.Verdict,
		c.Sums.Expected, c.Sums.Stored, c.Log.Size)
}

func (a *Asked) String() string {
	what := fmt.Sprintf("prefix %q", a.Prefix)
	if len(a.Devices) > 0 {
		what = strings.Join(a.Devices[:min(len(a.Devices), fewRows)], " ")
	}
	if len(a.Seq) > 0 {
		what += fmt.Sprintf(", numbers %d to %d", a.Seq[0], a.Seq[1])
	}
	if len(a.Time) > 0 {
		what += fmt.Sprintf(", times %s", strings.Join(a.Time, " to "))
	}
	if a.Counts {
		what += ", counts only"
	}
	return what
}

func (j *certificateJudge) fault(c Counter, numbers Numbers, format string, args ...any) {
	v := Violation{What: fmt.Sprintf(format, args...), Counter: c, Numbers: numbers, Node: j.Node, At: j.Return, Witnesses: []string{j.String()}}
	v.Witnesses = append(v.Witnesses, j.h.records[c].witnesses(numbers)...)
	j.out = append(j.out, v)
}

func (j *certificateJudge) judge() {
	j.verified()
	j.scope()
	for i := range j.Counted {
		j.counter(&j.Counted[i])
	}
	j.omitted()
	j.sums()
	j.seals()
}

// verdictCodes are what `gapless verify` ends with where everything holds.
var verdictCodes = map[string]int{"COMPLETE": 0, "COMPLETE_BETWEEN_SEEN": 3, "EXPLAINED": 4, "INCOMPLETE": 5, "INDETERMINATE": 6}

// verified judges what checking it offline came to. On a disk with a bit that was turned over, a segment need not be what its name says.
func (j *certificateJudge) verified() {
	want, known := verdictCodes[j.Verdict]
	for _, v := range j.Verified {
		sick := v.Disk != "" && (v.Failed == "files" || v.Failed == "frames") && j.run.broken(v.Disk, math.MaxInt64)
		if v.Code == want && known || sick {
			continue
		}
		where := "without segments"
		if v.Disk != "" {
			where = "with the disk of " + v.Disk
		}
		j.fault(Counter{}, Numbers{}, "NOT CONFIRMED: offline, %s, it comes to code %d, for %s it is %d: %s: %s",
			where, v.Code, j.Verdict, want, v.Failed, v.Text)
	}
}

// scope judges whether it is about what was asked.
func (j *certificateJudge) scope() {
	is, asked := &j.Scope, &j.Asked
	same := slices.Equal(is.Devices, asked.Devices) && is.Prefix == asked.Prefix && slices.Equal(is.Seq, asked.Seq)
	if !same || !slices.Equal(is.Time, asked.Time) || is.Counts != asked.Counts {
		j.fault(Counter{}, Numbers{}, "OTHER SCOPE: it is about %s", &j.Scope)
	}
	for i := range j.Counted {
		if c := j.Counted[i].Counter; !j.Asked.holds(c) {
			j.fault(c, Numbers{}, "OTHER SCOPE: the counter was not asked for")
		}
	}
}

// counter holds what it says of one counter against what was sent, acknowledged and is there in the end, as a gap report of the same index.
func (j *certificateJudge) counter(c *Counted) {
	for _, v := range j.h.report(&c.GapReport, nil) {
		v.What = strings.Replace(v.What, "GAPLIE", "FALSE", 1)
		v.Witnesses = append([]string{j.String()}, v.Witnesses...)
		j.out = append(j.out, v)
	}
	if c.Server {
		j.unnumbered(c)
	}
	j.timed(c)
	j.spoken(c)
	j.grade(c)
	if c.Server || len(j.out) > 0 {
		return
	}
	claimed := c.expected().Minus(c.missing())
	for _, f := range j.run.Finals {
		if gone := claimed.Minus(f.Numbers(c.Counter)); !gone.Empty() {
			j.fault(c.Counter, gone, "GONE: %s does not show in the end what it calls stored", f.Node)
		}
		if s := f.counters[c.Counter]; s != nil && !s.wrong.And(claimed).Empty() {
			j.fault(c.Counter, s.wrong.And(claimed), "CHANGED: what it calls stored has other bytes on %s in the end", f.Node)
		}
	}
}

// unnumbered holds the sum of what the server numbered against the frames that were committed by then.
func (j *certificateJudge) unnumbered(c *Counted) {
	if j.h.finals == nil || c.Part {
		return
	}
	rows := uint64(0)
	if s := j.h.finals.counters[c.Counter]; s != nil {
		rows = s.rowsBy(j.place())
	}
	if c.Stored != rows {
		j.fault(c.Counter, Numbers{}, "FALSE: it calls %d frames stored, %d are at its index", c.Stored, rows)
	}
}

// grade judges the verdict on a counter.
func (j *certificateJudge) grade(c *Counted) {
	if want := c.grade(); c.Verdict != want {
		j.fault(c.Counter, Numbers{}, "VERDICT: %s, but it follows %s from expected %d, stored %d, open %d, lost %d and %q", c.Verdict, want,
			c.Expected, c.Stored, c.A.Open, c.A.Lost, c.Reasons)
	}
	if c.Verdict != "COMPLETE" {
		return
	}
	if !c.Part && (c.HeadBasis != "declared" || c.TailBasis == "last_seen") {
		j.fault(c.Counter, Numbers{}, "VERDICT: COMPLETE, and its ends are %s and %s", c.HeadBasis, c.TailBasis)
	}
	rec := j.h.records[c.Counter]
	for i := 0; rec != nil && i < len(rec.batches); i++ {
		if b := rec.batches[i]; b.Conflict > 0 && j.moment().certain(b.Outcome, b.place()) {
			j.fault(c.Counter, NumbersOf(b.span()), "VERDICT: COMPLETE, although the device had contradicted itself")
			return
		}
	}
}

// grade is the verdict that follows from the rest (docs/ledger.md).
func (c *Counted) grade() string {
	unsure := func(why string) bool { return slices.Contains(c.Reasons, why) }
	switch {
	case c.Server, unsure("wrap_ambiguous"), unsure("probation"), unsure("empty_range"):
		return "INDETERMINATE"
	case c.A.Open > 0 || c.A.Lost > 0:
		return "INCOMPLETE"
	case c.Stored < c.Expected:
		return "EXPLAINED"
	case len(c.Reasons) > 0:
		return "COMPLETE_BETWEEN_SEEN"
	}
	return "COMPLETE"
}

// omitted is counters in scope that it says nothing of, and numbers in scope that it leaves out of a counter.
func (j *certificateJudge) omitted() {
	told := map[Counter]*Counted{}
	for i := range j.Counted {
		told[j.Counted[i].Counter] = &j.Counted[i]
	}
	for _, rec := range j.h.order {
		if !j.Asked.holds(rec.counter) {
			continue
		}
		stored := rec.certainAt(j.moment())
		if j.h.finals != nil && j.h.finals.counters[rec.counter] != nil {
			stored = stored.Or(j.h.finals.counters[rec.counter].by(j.place()))
		}
		c := told[rec.counter]
		switch {
		case stored.Empty() || c != nil && c.Server:
		case c == nil:
			j.fault(rec.counter, stored, "LEFT OUT: it says nothing of a counter in its scope")
		case c.Part:
			if left := stored.And(j.wanted(rec)).Minus(c.expected()); !left.Empty() {
				j.fault(rec.counter, left, "LEFT OUT: of the numbers in its scope these were stored at its index")
			}
		}
		if slices.Contains(j.Absent, rec.counter.Device) && !stored.Empty() {
			j.fault(rec.counter, stored, "LEFT OUT: it calls the device unknown")
		}
	}
}

// wanted is the numbers of a counter that are in scope for sure.
func (j *certificateJudge) wanted(rec *record) (in Numbers) {
	if len(j.Asked.Time) == 0 {
		return j.Asked.numbers()
	}
	if first, behind, known := j.Asked.within(rec); known && first < behind {
		in = NumbersOf(Span{first, behind - 1})
	}
	return in
}

// verdicts from the best to the worst.
var verdicts = [...]string{"COMPLETE", "COMPLETE_BETWEEN_SEEN", "EXPLAINED", "INCOMPLETE", "INDETERMINATE"}

// sums adds up the counters, and finds the worst of them.
func (j *certificateJudge) sums() {
	sums, causes := Sums{}, map[string]uint64{}
	for i := range j.Counted {
		c := &j.Counted[i]
		sums.Expected, sums.Stored = sums.Expected+c.Expected, sums.Stored+c.Stored
		for _, g := range c.Gaps {
			if sums.Missing += g.Count(); g.Cause == "" {
				sums.Open += g.Count()
			} else {
				causes[g.Cause] += g.Count()
			}
		}
	}
	same := j.Sums.Expected == sums.Expected && j.Sums.Stored == sums.Stored && j.Sums.Missing == sums.Missing && j.Sums.Open == sums.Open
	for cause, n := range causes {
		same = same && j.Sums.Causes[cause] == n
	}
	if !same || len(j.Sums.Causes) != len(causes) || sums.Expected != sums.Stored+sums.Missing {
		j.fault(Counter{}, Numbers{}, "SUMS: it says %+v, its counters add up to %+v and the causes %v", j.Sums, sums, causes)
	}
	if worst := j.worst(); j.Verdict != worst {
		j.fault(Counter{}, Numbers{}, "VERDICT: %s, and the worst of its counters is %s", j.Verdict, worst)
	}
}

// worst is the worst verdict of its counters. One of which nothing lies in the time that was asked for has none, but there is one for each stream.
func (c *Certificate) worst() string {
	const last = len(verdicts) - 1
	worst, judged := 0, map[Counter]bool{}
	for i := range c.Counted {
		k := &c.Counted[i]
		told := len(c.Asked.Time) == 0 || k.Known
		if told {
			worst = max(worst, slices.Index(verdicts[:], k.Verdict))
		}
		if c.reaches(i) {
			worst = max(worst, slices.Index(verdicts[:], "COMPLETE_BETWEEN_SEEN"))
		}
		judged[k.Counter.stream()] = judged[k.Counter.stream()] || told
	}
	for _, told := range judged {
		if !told {
			worst = last
		}
	}
	if len(c.Counted) == 0 || len(c.Absent) > 0 {
		worst = last
	}
	return verdicts[worst]
}
