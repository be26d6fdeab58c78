package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
)

const (
	manyClients      = 12 // rows; more clients share them
	opColumn      px = 30
	opColumns        = int((right-left)/opColumn) + 1
	leastTick        = 4 // of a column's height
	fullTick         = 12
	colourOutcome    = 3
)

// clientPanel is a row for each client, or for a few of them.
type clientPanel struct {
	Y    int
	Rows []clientRow
}

// clientRow is the operations of clients: in each column a tick, parted into what was done, unknown and refused.
type clientRow struct {
	Name, Title string
	Y           int
	Ticks       [colourOutcome]string // path of each outcome
}

// op is an operation as the picture knows it.
type op struct {
	client  int
	at      time.Duration
	outcome outcome
	reads   bool
}

// outcome is the order in which a tick is built, from the bottom.
type outcome int

const (
	done outcome = iota
	unsure
	refused
)

func outcomeOf(o check.Outcome) outcome {
	return [...]outcome{check.Unknown: unsure, check.Acked: done, check.Refused: refused}[o]
}

// ops yields everything that clients did.
func ops(run *check.Run, yield func(op)) {
	for i := range run.Batches {
		b := &run.Batches[i]
		yield(op{b.Client, b.Return, outcomeOf(b.Outcome), false})
	}
	for i := range run.Claims {
		c := &run.Claims[i]
		yield(op{c.Client, c.Return, outcomeOf(c.Outcome), false})
	}
	for i := range run.Reads {
		d, o := &run.Reads[i], done
		if d.Failed {
			o = refused
		}
		yield(op{d.Client, d.Return, o, true})
	}
	for i := range run.GapReports {
		yield(op{run.GapReports[i].Client, run.GapReports[i].Return, done, true})
	}
	for _, p := range run.Pages {
		yield(op{p.Client, p.Return, done, true})
	}
	for _, c := range run.Certified {
		yield(op{c.Client, c.Return, done, true})
	}
}

// tally counts operations by row, column and outcome.
type tally struct {
	columns [opColumns][colourOutcome]int
	sends   int
	reads   int
}

func (t *timeline) clientPanel(run *check.Run) *clientPanel {
	var clients []int
	seen := map[int]bool{}
	ops(run, func(o op) {
		if !seen[o.client] {
			seen[o.client] = true
			clients = append(clients, o.client)
		}
	})
	if len(clients) == 0 {
		return nil
	}
	slices.Sort(clients)
	groups := slices.Collect(slices.Chunk(clients, (len(clients)+manyClients-1)/manyClients))
	rowOf := map[int]int{}
	for i, g := range groups {
		for _, c := range g {
			rowOf[c] = i
		}
	}
	tallies := make([]tally, len(groups))
	ops(run, func(o op) { tallies[rowOf[o.client]].add(o, int((t.axis.at(o.at)-left)/opColumn)) })
	p := &clientPanel{}
	var top int
	p.Y, top = t.panel(len(groups) * opHeight)
	for i, g := range groups {
		row := clientRow{Y: top + i*opHeight}
		row.Name, row.Title = groupName(g, &tallies[i])
		row.Ticks = tallies[i].paths(row.Y + opBar)
		p.Rows = append(p.Rows, row)
	}
	return p
}

func (t *tally) add(o op, col int) {
	t.columns[min(col, opColumns-1)][o.outcome]++
	if o.reads {
		t.reads++
	} else {
		t.sends++
	}
}

func groupName(clients []int, t *tally) (name, title string) {
	name = fmt.Sprintf("client %d", clients[0])
	if n := len(clients); n > 1 {
		name = fmt.Sprintf("%d–%d", clients[0], clients[n-1])
	}
	does := "sends"
	switch {
	case t.sends == 0:
		does = "reads"
	case t.reads > 0:
		does = "both"
	}
	return shorten(18, name+" "+does), fmt.Sprintf("%s: %s to store, %s", name, counted(t.sends, "operation"), counted(t.reads, "read"))
}

// paths draws the ticks: the more there is of an outcome, the longer its part, and none of what is there is left out.
func (t *tally) paths(bottom int) (out [colourOutcome]string) {
	busiest := 1
	for _, c := range t.columns {
		busiest = max(busiest, c[done]+c[unsure]+c[refused])
	}
	var b [colourOutcome]strings.Builder
	for i, c := range t.columns {
		x, y := left+px(i)*opColumn+opColumn/2, px(bottom*10)
		for o, n := range c {
			if n == 0 {
				continue
			}
			h := px(leastTick*10 + (fullTick-leastTick)*10*n/busiest)
			fmt.Fprintf(&b[o], "M%s %sv-%s", min(x, right), y, h)
			y -= h
		}
	}
	for o := range b {
		out[o] = b[o].String()
	}
	return out
}
