package raftfsm

import (
	"testing"
	"time"
)

func TestWatchdog(t *testing.T) {
	start := time.Unix(0, 0)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	for _, tc := range []struct {
		name string
		look func(s int) []Follower // at second s; the leader's last index is 100+s
		ok   bool
	}{
		{"all follow", func(s int) []Follower {
			return []Follower{{"b", uint64(99 + s), true, false}, {"c", uint64(99 + s), true, false}}
		}, false},
		{"one stands still in contact", func(s int) []Follower { return []Follower{{"b", 50, true, false}, {"c", uint64(99 + s), true, false}} }, true},
		{"one is away", func(s int) []Follower { return []Follower{{"b", 50, false, false}, {"c", uint64(99 + s), true, false}} }, false},
		{"one catches up slowly", func(s int) []Follower {
			return []Follower{{"b", uint64(10 + s), true, false}, {"c", uint64(99 + s), true, false}}
		}, false},
		{"only a non-voter to hand over to", func(s int) []Follower { return []Follower{{"b", 50, true, false}, {"c", uint64(99 + s), true, true}} }, false},
		{"a non-voter stands still", func(s int) []Follower { return []Follower{{"b", 50, true, true}, {"c", uint64(99 + s), true, false}} }, true},
		{"nobody to hand over to", func(s int) []Follower { return []Follower{{"b", 50, true, false}, {"c", 60, false, false}} }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var w Watchdog
			var ok bool
			for s := range 8 {
				stuck, to, now := w.Observe(at(s), uint64(100+s), tc.look(s))
				if now && (stuck != "b" || to != "c") {
					t.Errorf("second %d: stuck %q, hand over to %q", s, stuck, to)
				}
				ok = ok || now
			}
			if ok != tc.ok {
				t.Errorf("handed over: %v, want %v", ok, tc.ok)
			}
		})
	}
}

func TestWatchdogPausesBetweenHandovers(t *testing.T) {
	var w Watchdog
	start := time.Unix(0, 0)
	n := 0
	for s := range 60 {
		if _, _, ok := w.Observe(start.Add(time.Duration(s)*time.Second), uint64(100+s), []Follower{{"b", 50, true, false}, {"c", uint64(99 + s), true, false}}); ok {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d handovers within a minute, want 1", n)
	}
}
