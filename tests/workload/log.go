package workload

import (
	"sync"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
)

// Log is what is known of a run so far. Any goroutine may add to it.
type Log struct {
	start time.Time
	note  func(who, what string)

	mu       sync.Mutex // protects all below
	run      check.Run
	findings []check.Violation
}

// NewLog begins the history of a run, which starts now. note is told of every event.
func NewLog(seed uint64, note func(who, what string)) *Log {
	return &Log{start: time.Now(), note: note, run: check.Run{Seed: seed}}
}

// Now is the time since the start of the run.
func (l *Log) Now() time.Duration { return time.Since(l.start) }

// Record adds to the history, and may look at it. It must not keep the run.
func (l *Log) Record(add func(*check.Run)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	add(&l.run)
}

// Event records what happened to a node: now, if it has no time.
func (l *Log) Event(node string, e check.Event) {
	if e.Node = node; e.At == 0 {
		e.At = l.Now()
	}
	l.note(node, e.String())
	l.Record(func(r *check.Run) { r.Events = append(r.Events, e) })
}

// Violate notes a finding that no checker has to look for: an answer that cannot be understood, a node that does not end when it must.
func (l *Log) Violate(checker, what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.findings = append(l.findings, check.Violation{Checker: checker, What: what, At: time.Since(l.start)})
}

// Judge asks every checker about the history, and adds the findings. Nothing may be recorded any more.
func (l *Log) Judge() (*check.Run, check.Verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := check.Judge(&l.run)
	for _, found := range l.findings {
		v.Add(&l.run, found)
	}
	return &l.run, v
}
