package main

import (
	"fmt"
	"io"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// mark is what one cell of a lane shows. A cell stands for a range of numbers and shows the worst of them, so that no gap, however
// small, vanishes between its neighbours: later marks are worse.
type mark uint8

const (
	markStored mark = iota
	markUnknown
	markExpired
	markOpen
	markRequested
	markDeclared
	markShed
	markRejected
	markLost
)

var marks = [...]struct {
	symbol, color, label string
}{
	markStored:    {"█", "32", "stored"},
	markUnknown:   {"?", "90", "has more gaps than the node lists: see --stream, --epoch and --limit 0"},
	markExpired:   {"e", "90", "expired or erased"},
	markOpen:      {"o", "33", "open, may still arrive"},
	markRequested: {"r", "33", "requested again"},
	markDeclared:  {"d", "34", "declared lost by the device"},
	markShed:      {"s", "36", "shed under overload"},
	markRejected:  {"!", "35", "arrived and was rejected"},
	markLost:      {"x", "31", "lost"},
}

// markOf is how a gap looks. A closed gap arrived late: its numbers are stored.
func markOf(g *gap) mark {
	switch g.State {
	case stateUnlisted:
		return markUnknown
	case "CLOSED":
		return markStored
	case "EXPIRED":
		return markExpired
	case "OPEN":
		return markOpen
	case "REQUESTED":
		return markRequested
	}
	cause, _, _ := strings.Cut(g.Cause, ".")
	switch cause {
	case "declared_lost":
		return markDeclared
	case "shed":
		return markShed
	case "rejected":
		return markRejected
	case "expired", "erased":
		return markExpired
	}
	return markLost
}

// lane draws first..last, inclusive, in at most width cells.
func lane(first, last uint64, gaps []gap, width int) []mark {
	count := last - first + 1 // 0: all 2^64 numbers
	if count != 0 && count < uint64(width) {
		width = int(count)
	}
	cells := make([]mark, width)
	cellOf := func(seq uint64) int {
		seq = min(max(seq, first), last)
		hi, lo := bits.Mul64(seq-first, uint64(width))
		if count == 0 {
			return int(hi)
		}
		cell, _ := bits.Div64(hi, lo, count)
		return int(cell)
	}
	for i := range gaps {
		g := &gaps[i]
		if g.To < first || g.From > last {
			continue
		}
		for cell := cellOf(g.From); cell <= cellOf(g.To); cell++ {
			cells[cell] = max(cells[cell], markOf(g))
		}
	}
	return cells
}

// timeline prints a lane for each report and a legend of the marks that occur.
type timeline struct {
	width int
	color bool
	named bool // name the device in front of each lane
}

func (t timeline) write(w io.Writer, reports []gapReport) error {
	labels := make([]string, len(reports))
	widest := 0
	for i := range reports {
		r := &reports[i]
		labels[i] = fmt.Sprintf("stream %s epoch %d", clean(r.Stream), r.Epoch.Ordinal)
		if t.named {
			labels[i] = fmt.Sprintf("%s %s/%d", clean(r.Device), clean(r.Stream), r.Epoch.Ordinal)
		}
		widest = max(widest, utf8.RuneCountInString(labels[i]))
	}
	var used [len(marks)]bool
	var b strings.Builder
	for i := range reports {
		r := &reports[i]
		fmt.Fprintf(&b, "%s%s  ", labels[i], strings.Repeat(" ", widest-utf8.RuneCountInString(labels[i])))
		if r.Expected == 0 {
			fmt.Fprintf(&b, "no numbers yet  %s\n", r.Verdict)
			continue
		}
		cells := lane(r.Head.First, r.Tail.Last, r.listed(), t.width)
		t.paint(&b, cells)
		for _, m := range cells {
			used[m] = true
		}
		fmt.Fprintf(&b, "%s  %s %s\n", strings.Repeat(" ", t.width-len(cells)), numbers(r.Head.First, r.Tail.Last), r.Verdict)
	}
	t.legend(&b, used[:])
	_, err := io.WriteString(w, b.String())
	return err
}

// paint writes cells, with one colour sequence for each run of equal ones.
func (t timeline) paint(b *strings.Builder, cells []mark) {
	for i := 0; i < len(cells); {
		m, from := cells[i], i
		for i < len(cells) && cells[i] == m {
			i++
		}
		run := strings.Repeat(marks[m].symbol, i-from)
		if t.color {
			run = "\x1b[" + marks[m].color + "m" + run + "\x1b[0m"
		}
		b.WriteString(run)
	}
}

func (t timeline) legend(b *strings.Builder, used []bool) {
	var parts []string
	for m, yes := range used {
		if yes {
			var symbol strings.Builder
			t.paint(&symbol, []mark{mark(m)})
			parts = append(parts, symbol.String()+" "+marks[m].label)
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(b, "\n%s. A cell shows the worst of its numbers.\n", strings.Join(parts, "   "))
	}
}
