package sim

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// journalLines bounds what is kept of the nodes' logs: the end of a run is what a failure is about.
const journalLines = 4000

// journal keeps the newest lines that the nodes logged, in order, with the time since the start of the run.
type journal struct {
	start time.Time
	level slog.Level
	hear  func(node string, r slog.Record) // of every line, whatever its level

	mu    sync.Mutex // protects all below
	lines []string
	next  int // where the next line goes once the journal is full
}

func (j *journal) of(node string) slog.Handler { return &entryOf{j: j, node: node} }

func (j *journal) add(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.lines) < journalLines {
		j.lines = append(j.lines, line)
		return
	}
	j.lines[j.next] = line
	j.next = (j.next + 1) % journalLines
}

// note adds a line of the simulation's own.
func (j *journal) note(who, what string) {
	j.add(fmt.Sprintf("%10.3f %-3s * %s", time.Since(j.start).Seconds(), who, what))
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(append(append([]string(nil), j.lines[j.next:]...), j.lines[:j.next]...), "\n")
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
