package drive

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// journalLines bounds what is kept of the nodes' logs: the end of a run is what a failure is about.
const journalLines = 4000

// journal keeps every line of the driver's own, and the newest lines that the nodes logged, in order, with the time since the start of the run.
type journal struct {
	start time.Time
	level slog.Level
	hear  func(node string, r slog.Record) // of every line, whatever its level

	mu    sync.Mutex // protects all below
	count int        // of all lines so far
	own   []numbered // the driver's: what was broken is said once, perhaps long before the end
	lines []numbered // of the nodes
	next  int        // where the next of them goes once there are as many as may be
}

// numbered is a line with its place among all.
type numbered struct {
	number int
	text   string
}

func (j *journal) of(node string) slog.Handler { return &entryOf{j: j, node: node} }

// add adds a line of a node.
func (j *journal) add(text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	line := j.number(text)
	if len(j.lines) < journalLines {
		j.lines = append(j.lines, line)
		return
	}
	j.lines[j.next] = line
	j.next = (j.next + 1) % journalLines
}

// number makes a line the next one. The caller holds mu.
func (j *journal) number(text string) numbered {
	j.count++
	return numbered{j.count, text}
}

// note adds a line of the driver's own.
func (j *journal) note(who, what string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.own = append(j.own, j.number(fmt.Sprintf("%10.3f %-3s * %s", time.Since(j.start).Seconds(), who, what)))
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	all := slices.Concat(j.own, j.lines)
	slices.SortFunc(all, func(a, b numbered) int { return a.number - b.number })
	var b strings.Builder
	for i, line := range all {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(line.text)
	}
	return b.String()
}

// entryOf is the log of one node.
type entryOf struct {
	j     *journal
	node  string
	attrs string
}

func (e *entryOf) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

func (e *entryOf) Handle(_ context.Context, r slog.Record) error {
	e.j.hear(e.node, r)
	if r.Level < e.j.level {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%10.3f %-3s %-5s %s%s", time.Since(e.j.start).Seconds(), e.node, r.Level, r.Message, e.attrs)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
		return true
	})
	e.j.add(b.String())
	return nil
}

func (e *entryOf) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *e
	for _, a := range attrs {
		if a.Key != "node" {
			with.attrs += fmt.Sprintf(" %s=%v", a.Key, a.Value)
		}
	}
	return &with
}

func (e *entryOf) WithGroup(string) slog.Handler { return e }
