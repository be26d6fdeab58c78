package raftfsm

import (
	"encoding/json"
	"fmt"
	"slices"
)

// maxClockLeadMS is how far the replicated clock may run ahead of elapsed time unless a majority of clocks says so.
const maxClockLeadMS = 5000

// Tick is the leader's once-a-second report of what every voter last said: its clock and how far its log is durable.
type Tick struct {
	ElapsedMS int64     `json:"elapsed_ms"` // on the leader's monotonic clock since its last tick, 0 for its first
	Voters    int       `json:"voters"`
	Readings  []Reading `json:"readings"` // fresh ones only, ordered by node
}

// Reading is one voter's durable position and wall clock.
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
	Paused bool  `json:"paused"` // no majority of clocks: nothing expires and no gap becomes final
}

// Advance is the rule for one tick. With a majority of readings the clock goes to their lower median; a median further ahead
// than elapsed time plus five seconds is followed only when a majority of all voters reads beyond that limit. Without a majority it
// follows the leader no further than that limit and is paused.
func (c Clock) Advance(t Tick) Clock {
	if len(t.Readings) == 0 {
		return Clock{NowMS: c.NowMS, Paused: true}
	}
	times := make([]int64, 0, len(t.Readings))
	for _, r := range t.Readings {
		times = append(times, r.ClockMS)
	}
	slices.Sort(times)
	median := times[(len(times)-1)/2]
	majority := len(times)*2 > t.Voters
	if c.NowMS == 0 {
		return Clock{NowMS: median, Paused: !majority}
	}
	limit := c.NowMS + t.ElapsedMS + maxClockLeadMS
	if median > limit && !agree(times, limit, t.Voters) {
		median = limit
	}
	return Clock{NowMS: max(c.NowMS, median), Paused: !majority}
}

func agree(times []int64, limit int64, voters int) bool {
	n := 0
	for _, ms := range times {
		if ms > limit {
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
