package replay

import (
	"context"
	"time"
)

// pulse is the grain of sending at a given speed: what falls into one goes out together.
const pulse = 100 * time.Millisecond

// pacer says when batches go out. What a batch has must not depend on the clock, so with a speed the times of the recording are cut into windows that
// last one pulse at that speed, and every lane's batch ends with the window.
type pacer struct {
	rate, speed float64

	begun  bool
	first  int64 // the recording's first time
	window int64 // the one at hand

	start time.Time // when frame 0, or window 0, was due
	sent  int64
}

// windowOf returns the window of a frame, and whether it is a later one than that at hand.
func (p *pacer) windowOf(it *item) (window int64, later bool) {
	if p.speed == 0 {
		return 0, false
	}
	if !p.begun {
		p.begun, p.first = true, it.frame.TimeNS
	}
	window = int64(float64(it.frame.TimeNS-p.first) / (p.speed * float64(pulse)))
	return window, window > p.window
}

// wait returns when the next batch of so many frames may go. The clock begins with the first batch that is sent: a run that goes on does not
// wait for what was sent before.
func (p *pacer) wait(ctx context.Context, frames int) error {
	if p.rate == 0 && p.speed == 0 {
		return nil
	}
	var at time.Duration
	if p.rate > 0 {
		at = time.Duration(float64(p.sent) / p.rate * float64(time.Second))
	} else {
		at = time.Duration(p.window+1) * pulse
	}
	if p.start.IsZero() {
		p.start = time.Now().Add(-at)
	}
	p.sent += int64(frames)
	if d := time.Until(p.start.Add(at)); d > 0 {
		return sleep(ctx, d)
	}
	return nil
}
