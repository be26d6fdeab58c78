package network

import (
	"sync"
	"time"
)

// never is a time that does not come; durations can be added to it.
const never = time.Duration(1) << 62

// waiter is where the reader of a conn waits, or its writer. The network's lock protects all but the channels.
type waiter struct {
	turn     chan struct{} // holds one: who reads now
	wake     chan struct{} // look again
	timer    *time.Timer   // look again at that time
	at       time.Duration // for which timer is set
	waiting  bool
	deadline time.Duration
}

func newWaiter() waiter {
	w := waiter{turn: make(chan struct{}, 1), wake: make(chan struct{}, 1), timer: time.NewTimer(never), deadline: never}
	w.timer.Stop()
	return w
}

// wait gives mu away until somebody notifies, or at.
func (w *waiter) wait(mu *sync.Mutex, at, now time.Duration) {
	at = min(at, w.deadline)
	if at < never { // a timer for it would move a bubble's clock there when all else waits, where there is a deadlock to report
		w.timer.Reset(at - now)
	} else {
		w.timer.Stop()
	}
	w.at, w.waiting = at, true
	mu.Unlock()
	select {
	case <-w.wake:
	case <-w.timer.C:
	}
	mu.Lock()
	w.waiting = false
}

// expect tells a waiter that there will be something to see at the given time.
func (w *waiter) expect(at, now time.Duration) {
	switch {
	case !w.waiting || at >= w.at:
	case at <= now:
		w.notify()
	default:
		w.at = at
		w.timer.Reset(at - now)
	}
}

func (w *waiter) notify() {
	if !w.waiting {
		return
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}
