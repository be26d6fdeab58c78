package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
)

// column is how wide the finest thing in the picture is that has a row of its own.
const column px = 20

// nodePanel is a row for each node.
type nodePanel struct {
	Y    int
	Rows []nodeRow
	// Majority is when one was up and connected, judged by what was broken.
	Majority  []tag
	MajorityY int
}

// nodeRow is what a node was.
type nodeRow struct {
	Name, Title string
	Y           int
	Spells      []spell
	Marks       []eventMark
	Empty       bool
}

// spell is a stretch in which a node stayed what it was.
type spell struct {
	From, To px
	State    State
	Text     string
	Title    string
}

// Wide is how long it lasted.
func (s spell) Wide() px { return s.To - s.From }

// Middle is where its word stands.
func (s spell) Middle() px { return (s.From + s.To) / 2 }

// eventMark is something that a node noticed or that happened to its disk.
type eventMark struct {
	X     px
	Kind  string // class, and which shape
	Title string
}

func (t *timeline) nodePanel(r *Report) *nodePanel {
	names := r.nodeNames()
	if len(names) == 0 {
		return nil
	}
	p := &nodePanel{}
	height := len(names) * nodeHeight
	if len(r.Run.Quorate) > 0 {
		height += 14
	}
	var top int
	p.Y, top = t.panel(height)
	samples := r.samplesOf()
	for i, name := range names {
		row := nodeRow{Name: shorten(14, name), Title: name, Y: top + i*nodeHeight, Marks: t.marks(r.Run, name)}
		row.Spells = t.spells(samples[name])
		row.Empty = len(row.Spells) == 0
		p.Rows = append(p.Rows, row)
	}
	p.MajorityY = top + len(names)*nodeHeight
	for _, w := range r.Run.Quorate {
		bar := tag{From: t.axis.at(w.From), To: t.axis.at(w.To), Title: "a majority worked from " + clock(w.From) + " to " + clock(w.To)}
		if n := len(p.Majority); n > 0 && bar.From-p.Majority[n-1].To < 10 && bar.From >= p.Majority[n-1].From {
			p.Majority[n-1].To = max(p.Majority[n-1].To, bar.To)
			continue
		}
		p.Majority = append(p.Majority, bar)
	}
	return p
}

// nodeNames is those of the run, then those that only samples know.
func (r *Report) nodeNames() []string {
	names := slices.Clone(r.Run.Nodes)
	var more []string
	for i := range r.Samples {
		if n := r.Samples[i].Node; !slices.Contains(names, n) && !slices.Contains(more, n) {
			more = append(more, n)
		}
	}
	slices.Sort(more)
	return append(names, more...)
}

// samplesOf is the samples of each node by time.
func (r *Report) samplesOf() map[string][]Sample {
	by := map[string][]Sample{}
	for _, s := range r.Samples {
		by[s.Node] = append(by[s.Node], s)
	}
	for _, list := range by {
		slices.SortStableFunc(list, func(a, b Sample) int { return cmp.Compare(a.At, b.At) })
	}
	return by
}

// rank says which state a column shows that saw several: what is rarer and worse.
var rank = [...]int{Down: 5, Refused: 4, Paused: 3, Leader: 2, Candidate: 1, Follower: 0}

func (s State) rank() int {
	if int(s) < len(rank) {
		return rank[s]
	}
	return -1
}

// spells draws a node column by column, and joins those that are alike.
func (t *timeline) spells(samples []Sample) (list []spell) {
	if len(samples) == 0 {
		return nil
	}
	var now Sample
	var began time.Duration
	var open *spell
	shut := func(at px, until time.Duration) {
		if open != nil {
			open.To = at
			open.describe(now, began, until)
			list = append(list, *open)
		}
	}
	for i := 0; i < len(samples); {
		x := t.axis.at(samples[i].At) / column * column
		next := samples[i]
		at := next.At
		for i++; i < len(samples) && t.axis.at(samples[i].At)/column*column == x; i++ {
			if s := samples[i]; s.State.rank() >= next.State.rank() {
				next = s
			}
		}
		if open != nil && next.State == now.State && (next.State != Leader || next.Term == now.Term) {
			now = next
			continue
		}
		shut(max(x, left), at)
		now, began, open = next, at, &spell{From: max(x, left), State: next.State}
	}
	shut(t.axis.at(t.axis.end), t.axis.end)
	return list
}

// describe finds words that fit.
func (s *spell) describe(newest Sample, from, to time.Duration) {
	s.Title = fmt.Sprintf("%s, %s to %s", s.State, clock(from), clock(to))
	if newest.Term > 0 {
		s.Title += fmt.Sprintf(", term %d", newest.Term)
	}
	if newest.Commit > 0 {
		s.Title += fmt.Sprintf(", commit index %s, applied %s", number(newest.Commit), number(newest.Applied))
	}
	words := []string{s.State.String()}
	switch s.State {
	case Leader:
		words = []string{fmt.Sprintf("leader, term %d", newest.Term), fmt.Sprintf("term %d", newest.Term), fmt.Sprint(newest.Term)}
	case Follower:
		words = nil
	}
	for _, w := range words {
		if wordWidth(w)+40 <= s.Wide() {
			s.Text = w
			return
		}
	}
}

// markKinds are the events that get a mark, and their shape.
var markKinds = map[check.EventKind]string{
	check.Damaged: "damaged", check.Repaired: "repaired", check.SyncFailed: "syncfailed", check.Refusal: "refusal",
	check.Wiped: "diskgone", check.DiskLost: "diskgone",
}

// marks is what a node noticed, beside each other where they are close.
func (t *timeline) marks(run *check.Run, node string) (list []eventMark) {
	var events []*check.Event
	for i := range run.Events {
		if e := &run.Events[i]; e.Node == node && markKinds[e.Kind] != "" {
			events = append(events, e)
		}
	}
	slices.SortStableFunc(events, func(a, b *check.Event) int { return cmp.Compare(a.At, b.At) })
	const wide px = 110
	for _, e := range events {
		m := eventMark{X: t.axis.at(e.At), Kind: markKinds[e.Kind], Title: shorten(longText, e.String())}
		if n := len(list); n > 0 && m.X < list[n-1].X+wide {
			if m.X < list[n-1].X+wide/2 && list[n-1].Kind == m.Kind || list[n-1].X+wide > right {
				continue
			}
			m.X = list[n-1].X + wide
		}
		list = append(list, m)
	}
	return list
}
