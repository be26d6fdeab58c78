//go:build linux

package fault

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// nodeLog reads the log of a process, line by line, into the journal.
type nodeLog struct {
	to      slog.Handler
	panics  func(line string) // is told of the first line of a panic
	full    atomic.Uint64     // lines that say that no descriptor was left
	crowded atomic.Uint64     // lines that say that clients wait for a place

	mu    sync.Mutex // protects all below
	rest  []byte     // of a line that is not whole yet
	worst string     // the newest line that is an error, or is no line of the log at all
}

// placesTaken is what a node says when as many clients are connected as may be.
const placesTaken = "HTTP connections wait"

func newNodeLog(to slog.Handler, panics func(line string)) *nodeLog {
	return &nodeLog{to: to, panics: panics}
}

// Write takes what the process prints.
func (l *nodeLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, b...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		l.rest = rest
		l.line(line)
	}
}

func (l *nodeLog) line(line []byte) {
	if bytes.Contains(line, []byte(syscall.EMFILE.Error())) {
		l.full.Add(1)
	}
	if bytes.Contains(line, []byte(placesTaken)) {
		l.crowded.Add(1)
	}
	r, ok := recordOf(line)
	if !ok { // a panic, or an error before there is a log
		if isPanic(line) {
			l.panics(string(line))
		}
		r = slog.NewRecord(time.Now(), slog.LevelError, string(line), 0)
	}
	if r.Level >= slog.LevelError {
		l.worst = r.Message
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "error" || a.Key == "err" {
				l.worst += ": " + a.Value.String()
			}
			return true
		})
	}
	_ = l.to.Handle(context.Background(), r) // the journal takes everything
}

// isPanic reports whether a line begins what the Go runtime says of a panic. A page fault on a disk that does not read is none of the node's (it maps
// its vote store).
func isPanic(line []byte) bool {
	return bytes.HasPrefix(line, []byte("panic: ")) || bytes.HasPrefix(line, []byte("fatal error: ")) &&
		!bytes.Equal(line, []byte("fatal error: fault"))
}

// recordOf is a line as it was logged.
func recordOf(line []byte) (r slog.Record, ok bool) {
	var all map[string]any
	if json.Unmarshal(line, &all) != nil {
		return r, false
	}
	message, _ := all["msg"].(string)
	name, _ := all["level"].(string)
	var level slog.Level
	if message == "" || level.UnmarshalText([]byte(name)) != nil {
		return r, false
	}
	r = slog.NewRecord(time.Now(), level, message, 0)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if key != "msg" && key != "level" && key != "time" {
			r.AddAttrs(slog.Any(key, all[key]))
		}
	}
	return r, true
}

// complaint is the newest error.
func (l *nodeLog) complaint() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.worst
}
