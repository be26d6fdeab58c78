package raftfsm

import (
	"encoding/json"
	"fmt"
	"slices"
)

// maxClockLeadMS is how far the replicated clock may run ahead of elapsed time unless a majority of clocks says so.
const maxClockLeadMS = 5000

// Tick is the leader's once-a-second report of what every server last said: the voters' clocks, and how far each log is durable.
type Tick struct {
	ElapsedMS int64     `json:"elapsed_ms"` // on the leader's monotonic clock since its last tick, 0 for its first
	Voters    int       `json:"voters"`
	Readings  []Reading `json:"readings"`        // of voters, fresh ones only, ordered by server
	Notes     []Note    `json:"notes,omitempty"` // of every server of the leader's configuration, ordered by server
}

// Reading is one voter's wall clock, and where its log ended at that moment.
type Reading struct {
	Node    string `json:"node"`
	Server  string `json:"server"`
	Term    uint64 `json:"term"`  // durable
	Index   uint64 `json:"index"` // durable
	ClockMS int64  `json:"clock_ms"`
}

// Clock is the replicated time: the median of the members' clocks, never backwards.
type Clock struct {
	NowMS  int64 `json:"now_ms"`
	LeadMS int64 `json:"lead_ms"` // how far it ran ahead of elapsed time since a majority last agreed
	Paused bool  `json:"paused"`  // no majority of clocks: nothing expires and no gap becomes final
}

// Advance is the rule for one tick: the clock goes to the lower median of the readings, never backwards. A median further ahead than
// elapsed time plus five seconds, counted since a majority of all voters last read as much, is followed only to there. Without a
// majority of readings the clock is paused, and it does not start.
func (c Clock) Advance(t Tick) Clock {
	majority := len(t.Readings)*2 > t.Voters
	if len(t.Readings) == 0 || (c.NowMS == 0 && !majority) {
		c.Paused = true
		return c
	}
	times := make([]int64, 0, len(t.Readings))
	for _, r := range t.Readings {
		times = append(times, r.ClockMS)
	}
	slices.Sort(times)
	now := max(c.NowMS, times[(len(times)-1)/2])
	if c.NowMS == 0 || agree(times, now, t.Voters) {
		return Clock{NowMS: now, Paused: !majority}
	}
	expected := c.NowMS + t.ElapsedMS
	now = min(now, max(c.NowMS, expected+maxClockLeadMS-c.LeadMS))
	return Clock{NowMS: now, LeadMS: max(0, c.LeadMS+now-expected), Paused: !majority}
}

// agree reports whether a majority of all voters reads at least now.
func agree(times []int64, now int64, voters int) bool {
	n := 0
	for _, ms := range times {
		if ms >= now {
			n++
		}
	}
	return n*2 > voters
}

func parseTick(body []byte) (Tick, error) {
	var t Tick
	if err := json.Unmarshal(body, &t); err != nil {
		return Tick{}, fmt.Errorf("raftfsm: tick of %d bytes: %w", len(body), err)
	}
	return t, nil
}
