package raftfsm

import "time"

// stuckAfter is how long a follower may answer and yet store nothing new before the leader hands over, and handoverPause how
// long the next handover waits. hashicorp/raft can stop replicating to one follower while its heartbeats go on (issue 612);
// nothing but a new leader ends that.
const (
	stuckAfter    = 5 * time.Second
	handoverPause = time.Minute
)

// Watchdog finds followers that are in contact and yet do not advance. The zero value is ready; it has one caller.
type Watchdog struct {
	seen map[string]progress
	last time.Time // of the last handover
}

type progress struct {
	index uint64
	since time.Time
}

// Follower is what a leader knows of another server: the last index it stored, and whether it answered just now.
type Follower struct {
	Node    string
	Index   uint64
	Fresh   bool
	Learner bool // a non-voter: it can be stuck, and cannot lead
}

// Observe takes one look and reports whether to hand over, because of whom, and to whom. last is the leader's last log index.
func (w *Watchdog) Observe(now time.Time, last uint64, followers []Follower) (stuck, to string, ok bool) {
	if w.seen == nil {
		w.seen = map[string]progress{}
	}
	var best Follower
	for _, f := range followers {
		p, known := w.seen[f.Node]
		if !known || !f.Fresh || f.Index >= last || f.Index != p.index {
			w.seen[f.Node] = progress{f.Index, now}
		} else if now.Sub(p.since) >= stuckAfter {
			stuck = f.Node
		}
		if f.Fresh && !f.Learner && f.Index > best.Index {
			best = f
		}
	}
	if stuck == "" || best.Node == "" || best.Node == stuck || now.Sub(w.last) < handoverPause {
		return "", "", false
	}
	w.last = now
	w.seen = nil
	return stuck, best.Node, true
}

// Reset forgets what was seen: leadership ended.
func (w *Watchdog) Reset() { w.seen = nil }
