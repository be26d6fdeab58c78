package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/schedule"
)

// What is shown of lists that have no end.
const (
	manyFaults = 400
	tailLines  = 120
	tailBytes  = 32 << 10
	manyLogs   = 24
)

// faultTable is what was broken.
type faultTable struct {
	Rows   []faultRow
	Behind int
}

// faultRow is one fault. Number is the one of its bar in the timeline.
type faultRow struct {
	Number  int
	When    string
	Kind    string
	Area    string // class
	Node    string
	Does    string
	Text    string
	File    string
	Felt    string
	Witness uint64
}

// faults is what was broken, by time.
func (r *Report) faults() []check.Fault {
	list := slices.Clone(r.Run.Faults)
	slices.SortStableFunc(list, func(a, b check.Fault) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return list
}

func (r *Report) faultTable() (t faultTable) {
	list := r.faults()
	for i := range list[:min(len(list), manyFaults)] {
		f := &list[i]
		kind, _ := schedule.KindOf(schedule.Fault(f.Kind))
		row := faultRow{Number: i + 1, Kind: spoken(f.Kind), Area: areaOf(f), Node: f.Node, Does: kind.Does, File: f.File, Witness: f.Witness,
			When: clock(f.From), Text: shorten(longText, f.Text), Felt: kind.Witness}
		if f.To > f.From {
			row.When += " – " + clock(f.To)
		}
		t.Rows = append(t.Rows, row)
	}
	t.Behind = len(list) - len(t.Rows)
	return t
}

// processFaults are those that only real processes have, under the names that they are known by.
var processFaults = map[string]bool{"pause": true, "memory": true, "open_files": true, "hang": true, "slow": true, "swap": true, "restart": true}

// areaOf is what a fault takes hold of, which is also its colour.
func areaOf(f *check.Fault) string {
	kind, known := schedule.KindOf(schedule.Fault(f.Kind))
	switch {
	case known:
		return string(kind.Area)
	case processFaults[f.Kind]:
		return string(schedule.Machine)
	}
	return "other"
}

// ledgerTable is the newest account of every node.
type ledgerTable struct {
	Nodes []*check.Ledger
	Same  bool // every node says the same of the same index
}

func (r *Report) ledgerTable() (t ledgerTable) {
	newest := map[string]*check.Ledger{}
	see := func(l *check.Ledger) {
		if was := newest[l.Node]; was == nil || was.Return <= l.Return {
			newest[l.Node] = l
		}
	}
	for i := range r.Run.Ledgers {
		see(&r.Run.Ledgers[i])
	}
	for _, f := range r.Run.Finals {
		if f.Ledger != nil {
			see(f.Ledger)
		}
	}
	t.Same = len(newest) > 1
	for _, l := range newest {
		t.Nodes = append(t.Nodes, l)
	}
	slices.SortFunc(t.Nodes, func(a, b *check.Ledger) int { return cmp.Compare(a.Node, b.Node) })
	for _, l := range t.Nodes {
		first := t.Nodes[0]
		t.Same = t.Same && l.Index == first.Index && l.Digest == first.Digest && l.A == first.A
	}
	return t
}

// logTail is the end of a log.
type logTail struct {
	Name string
	Text string
	Left int // lines that are not shown
}

// logList is the first of the logs, by name.
type logList struct {
	Tails  []logTail
	Behind int
}

func (r *Report) logList() (l logList) {
	names := slices.Sorted(maps.Keys(r.Logs))
	for _, name := range names[:min(len(names), manyLogs)] {
		l.Tails = append(l.Tails, tailOf(name, r.Logs[name]))
	}
	l.Behind = len(names) - len(l.Tails)
	return l
}

// tailOf keeps the last lines, and of those what fits.
func tailOf(name, text string) logTail {
	text = strings.TrimRight(text, "\n")
	lines := strings.Split(text, "\n")
	kept := lines[max(0, len(lines)-tailLines):]
	for size := len(strings.Join(kept, "\n")); size > tailBytes && len(kept) > 1; kept = kept[1:] {
		size -= len(kept[0]) + 1
	}
	tail := logTail{Name: name, Left: len(lines) - len(kept), Text: strings.Join(kept, "\n")}
	if len(tail.Text) > tailBytes {
		tail.Text = "…" + tail.Text[len(tail.Text)-tailBytes:]
	}
	return tail
}

// Schedule is the plan as a table in plain text, as far as it fits.
func (r *Report) Schedule() string {
	if r.Plan == nil {
		return ""
	}
	lines := strings.Split(strings.TrimRight(r.Plan.String(), "\n"), "\n")
	if n := len(lines) - manyFaults; n > 0 {
		lines = append(lines[:manyFaults], "and "+counted(n, "step")+" more")
	}
	return strings.Join(lines, "\n")
}
