package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
)

// Heights of the picture, in units of the SVG.
const (
	headLine   = 22 // the name of a panel
	panelGap   = 16
	laneHeight = 19
	nodeHeight = 32 // 20 of bar, the rest for marks
	nodeBar    = 20
	opHeight   = 20
	opBar      = 16
	rateHeight = 92
)

// timeline is the picture: panels below each other on one axis.
type timeline struct {
	Width, Height int
	Left, Right   px
	Ticks         []tick
	Top, Bottom   int // of the axis: its words stand at both ends
	Bands         []tag
	Moments       row  // of the run, above everything
	Broken        *row // promises, where and when
	Faults        *row
	Nodes         *nodePanel
	Clients       *clientPanel
	Acks          *chart
	Latency       *chart
	Index         *chart
	axis          axis
	y             int
}

// axisHeight is room for the words of the axis.
const axisHeight = 18

// GridTop is where lines and bands begin.
func (t *timeline) GridTop() int { return t.Top + axisHeight }

// BandHeight is how long they are.
func (t *timeline) BandHeight() int { return t.Bottom - t.GridTop() }

// FewBroken reports whether lines through the whole picture help to see when promises broke.
func (t *timeline) FewBroken() bool { return len(t.Broken.Tags) <= 12 }

// row is lanes of tags.
type row struct {
	Y    int // of the panel's name
	Top  int // of the first lane
	Tags []tag
}

// LaneY is the top of a tag's bar.
func (r row) LaneY(t tag) int { return r.Top + t.Lane*laneHeight }

// timeline draws the run, nil when there is nothing in it that has a time.
func (r *Report) timeline() *timeline {
	end := r.end()
	if end <= 0 {
		return nil
	}
	t := &timeline{Width: width, Left: left, Right: right, axis: axis{end + end/200}}
	t.Ticks = t.axis.ticks()
	t.moments(r.Run)
	t.Top = t.y
	t.y += axisHeight
	t.faults(r.faults())
	t.broken(r.Verdict.Violations)
	t.Nodes = t.nodePanel(r)
	t.Clients = t.clientPanel(r.Run)
	t.Acks, t.Latency = t.ackChart(r.Run), t.latencyChart(r.Run)
	t.Index = t.indexChart(r)
	t.Bottom = t.y
	t.Height = t.y + 20
	return t
}

// panel makes room for a panel and returns where its name stands, and where its content begins.
func (t *timeline) panel(height int) (name, top int) {
	t.y += panelGap
	name = t.y + 12
	top = t.y + headLine
	t.y = top + height
	return name, top
}

// moments is when the faults were over, and when everything was read.
func (t *timeline) moments(run *check.Run) {
	add := func(at time.Duration, text string) {
		if at > 0 {
			x := t.axis.at(at)
			t.Moments.Tags = append(t.Moments.Tags, tag{From: x, To: x, Text: text, Title: text + " at " + clock(at)})
		}
	}
	add(run.Healed, "all mended")
	if len(run.Finals) > 0 {
		first := run.Finals[0].At
		for _, f := range run.Finals {
			first = min(first, f.At)
		}
		add(first, "everything is read")
	}
	t.Moments.Top = 2
	t.y = 2 + pack(t.Moments.Tags, 3)*laneHeight
}

// faults is a bar for each fault, and a band behind everything.
func (t *timeline) faults(list []check.Fault) {
	if len(list) == 0 {
		return
	}
	first, rest := list[:min(len(list), manyFaults)], list[min(len(list), manyFaults):]
	named := func(name func(i int, f *check.Fault) string) func() []tag {
		return func() (tags []tag) {
			for i := range first {
				f := &first[i]
				tags = append(tags, tag{From: t.axis.at(f.From), To: t.axis.at(f.To), Text: name(i, f), Class: areaOf(f), Title: faultTitle(i, f)})
			}
			return tags
		}
	}
	tags, lanes := packShorter(7, 16,
		named(func(i int, f *check.Fault) string {
			return shorten(34, fmt.Sprintf("%d %s %s", i+1, spoken(f.Kind), f.Node))
		}),
		named(func(i int, f *check.Fault) string { return shorten(24, fmt.Sprintf("%d %s", i+1, spoken(f.Kind))) }),
		named(func(i int, f *check.Fault) string { return fmt.Sprint(i + 1) }))
	if more := t.nameless(rest, lanes); len(more) > 0 {
		tags, lanes = append(tags, more...), lanes+1
	}
	t.Faults, t.Bands = &row{Tags: tags}, tags
	t.Faults.Y, t.Faults.Top = t.panel(lanes * laneHeight)
}

// nameless is the faults that are too many to be told apart: those that touch are one bar.
func (t *timeline) nameless(list []check.Fault, lane int) (tags []tag) {
	newest := map[string]int{}
	for i := range list {
		f := &list[i]
		n := tag{From: t.axis.at(f.From), To: t.axis.at(f.To), Class: areaOf(f), Lane: lane, Title: "more faults, without a number"}
		n.place()
		if j, known := newest[n.Class]; known && n.From <= tags[j].To+column {
			tags[j].To = max(tags[j].To, n.To)
			continue
		}
		newest[n.Class] = len(tags)
		tags = append(tags, n)
	}
	return tags
}

func faultTitle(i int, f *check.Fault) string {
	when := clock(f.From) + " to " + clock(f.To)
	return shorten(longText, fmt.Sprintf("%d %s %s, %s: felt %s times. %s", i+1, spoken(f.Kind), f.Node, when, number(f.Witness), f.Text))
}

// closeBy is how near to each other violations of one promise are one bar.
const closeBy px = 600

// broken is a bar for each promise, wherever and as long as it was broken. A violation without a time has no place here.
func (t *timeline) broken(list []check.Violation) {
	byTime := slices.DeleteFunc(slices.Clone(list), func(v check.Violation) bool { return v.At == 0 })
	slices.SortStableFunc(byTime, func(a, b check.Violation) int {
		return cmp.Or(cmp.Compare(a.Checker, b.Checker), cmp.Compare(a.At, b.At))
	})
	var tags []tag
	before, times := "", 0
	for _, v := range byTime {
		x := t.axis.at(v.At)
		last := len(tags) - 1
		if last < 0 || before != v.Checker || x > tags[last].To+closeBy {
			tags = append(tags, tag{From: x, Title: shorten(longText, v.What)})
			before, times, last = v.Checker, 0, last+1
		}
		times++
		tags[last].To, tags[last].Text = x, shorten(24, v.Checker)
		if times > 1 {
			tags[last].Text += " ×" + number(uint64(times))
		}
	}
	if len(tags) == 0 {
		return
	}
	t.Broken = &row{Tags: tags[:min(len(tags), manyFaults)]}
	lanes := pack(t.Broken.Tags, 20)
	t.Broken.Y, t.Broken.Top = t.panel(lanes * laneHeight)
}
