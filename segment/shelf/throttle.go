package shelf

import (
	"context"
	"sync"
	"time"
)

// throttle spreads bytes over time: whoever waits for n of them holds up all others by n/rate seconds. Idle time is not saved up.
type throttle struct {
	rate int64 // bytes per second; 0: no bound

	mu   sync.Mutex // protects next
	next time.Time  // when the next may go
}

// wait returns when n bytes may be asked for, and how long that took.
func (t *throttle) wait(ctx context.Context, n int64) (time.Duration, error) {
	if t.rate == 0 {
		return 0, ctx.Err()
	}
	t.mu.Lock()
	now := time.Now()
	start := t.next
	if start.Before(now) {
		start = now
	}
	t.next = start.Add(time.Duration(float64(n) / float64(t.rate) * float64(time.Second)))
	t.mu.Unlock()
	timer := time.NewTimer(start.Sub(now))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-timer.C:
		return start.Sub(now), nil
	}
}
