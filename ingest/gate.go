package ingest

import (
	"sync"
	"time"
)

// gate bounds the bytes of all request bodies in work, packed and unpacked.
type gate struct {
	limit int64
	mu    sync.Mutex
	used  int64
}

// inFlight is the number of bytes taken.
func (g *gate) inFlight() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.used
}

// lease is what one request has taken. The zero value with a gate has taken nothing.
type lease struct {
	gate *gate
	held int64
}

// take adds n bytes or returns the 429. A request that is alone always gets what it asks for: its own limits hold it, and otherwise a
// request that is larger than the gate could never succeed, however often it came back.
func (l *lease) take(n int) error {
	g := l.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.used+int64(n) > g.limit && g.used != l.held {
		return overloaded(&OverloadError{RetryAfter: time.Second, Limit: "max_inflight_bytes"})
	}
	g.used += int64(n)
	l.held += int64(n)
	return nil
}

// release gives everything back. It may be called twice.
func (l *lease) release() {
	l.gate.mu.Lock()
	defer l.gate.mu.Unlock()
	l.gate.used -= l.held
	l.held = 0
}
