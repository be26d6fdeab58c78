package schedule

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// String returns the schedule as a table, one step a line.
func (s *Schedule) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "schedule version %d, seed %d: %d nodes, %s, %d steps, quiet for the last %s", s.Version, s.Seed, s.Nodes,
		s.Length, len(s.Steps), s.Quiet())
	if s.Beyond {
		b.WriteString(", beyond the budget")
	}
	b.WriteByte('\n')
	if s.Note != "" {
		fmt.Fprintf(&b, "%s\n", s.Note)
	}
	if len(s.Steps) == 0 {
		return b.String()
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "step\tat\tfor\tfault\tnode\tpeer\tamount\thow\t")
	for i, t := range s.Steps {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", i+1, seconds(t.At), t.duration(), t.Fault, t.node(), t.peer(), t.amount(), t.How)
	}
	w.Flush()
	return b.String()
}

// String returns the step in a few words: "12.500 s: cut leader to all, for 3.000 s".
func (t Step) String() string { return seconds(t.At) + " s: " + t.Words() }

// Words is what the step does: "kill leader, flushing, for 5.000 s".
func (t Step) Words() string {
	b := fmt.Sprintf("%s %s", t.Fault, t.node())
	if t.Node > 0 {
		b = fmt.Sprintf("%s node %d", t.Fault, t.Node)
	}
	if p := t.peer(); p != "" {
		b += " to " + p
	}
	for _, more := range []string{t.How, t.amount()} {
		if more != "" {
			b += ", " + more
		}
	}
	if t.For > 0 {
		b += ", for " + t.duration() + " s"
	}
	return b
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

func (t Step) duration() string {
	if t.For == 0 {
		return ""
	}
	return seconds(t.For)
}

func (t Step) node() string {
	switch {
	case t.Node > 0:
		return fmt.Sprint(t.Node)
	case t.total():
		return "all"
	}
	return "leader"
}

func (t Step) peer() string {
	k := kindOf(t.Fault)
	switch {
	case t.Peer > 0:
		return fmt.Sprint(t.Peer)
	case k.target == oneLink:
		return "all"
	}
	return ""
}

func (t Step) amount() string {
	k := kindOf(t.Fault)
	if k.Unit == "" {
		return ""
	}
	return fmt.Sprintf("%v %s", t.Amount, k.Unit)
}
