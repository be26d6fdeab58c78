package compact

import (
	"context"
	"time"
)

// limiter spreads the bytes of one merge or comparison over time, and makes way for flushes. It is for one goroutine.
type limiter struct {
	rate     int64      // bytes per second
	pressure func() int // above 0 while the flusher is behind
	free     time.Time  // when the next byte may go
	back     time.Time  // when wait returned last
}

// Throttle bounds what other work reads of segments as it is bounded for merges, at bytesPerSecond or the default. What it returns is called before n
// bytes are read, by one goroutine.
func Throttle(bytesPerSecond int64, pressure func() int) func(ctx context.Context, n int) error {
	if bytesPerSecond <= 0 {
		bytesPerSecond = DefaultBytesPerSecond
	}
	l := limiter{rate: bytesPerSecond, pressure: pressure}
	return l.wait
}

const (
	underPressure = 8                     // a worker works for one part in so many of its time then
	nap           = 10 * time.Millisecond // less is not waited for, but added up
	maxStint      = time.Second           // work that is made up for at once; more was something else
)

// wait returns when n more bytes may go. It is called often, with 0 too, since the time in between is what it cost.
func (l *limiter) wait(ctx context.Context, n int) error {
	now := time.Now()
	worked := min(now.Sub(l.back), maxStint)
	if l.free.Before(now) {
		l.free = now // idle time is not saved up
	}
	l.free = l.free.Add(time.Duration(float64(n) / float64(l.rate) * float64(time.Second)))
	if l.pressure() > 0 {
		l.free = l.free.Add((underPressure - 1) * worked)
	}
	defer func() { l.back = time.Now() }()
	left := l.free.Sub(now)
	if left < nap {
		return ctx.Err()
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
