package ingest

import (
	"encoding/json"
	"sync"
)

// Tally counts what came through one listener and what became of it. The unit is the item: one frame object, one line, one frame of a
// binary batch. Two exceptions, where the items cannot be counted: a document that is refused before it is read to its end counts as
// one, in Received and in Undecodable, or in Refused when it was turned away with 429. Commands (heartbeats and the like) are no frames
// and are not counted.
type Tally struct {
	Received    uint64 `json:"received"`
	Undecodable uint64 `json:"undecodable"` // documents refused whole: broken, of unknown type, too large, not the sender's to send
	Accepted    uint64 `json:"accepted"`    // stored
	Duplicate   uint64 `json:"duplicate"`   // there already; also every frame of a replayed Idempotency-Key
	Conflict    uint64 `json:"conflict"`    // there already with another content
	Unverified  uint64 `json:"unverified"`  // there already, too old to compare
	Rejected    uint64 `json:"rejected"`    // listed under "rejected" in the answer
	Shed        uint64 `json:"shed"`        // always 0 at this door: HTTP can say no, so it refuses instead of dropping
	Refused     uint64 `json:"refused"`     // turned away by 429, 503 or the Proposer: the client still has them
}

// Balance is Received minus all outcomes: 0 unless this package has a fault.
func (t Tally) Balance() int64 {
	return int64(t.Received - t.Undecodable - t.Accepted - t.Duplicate - t.Conflict - t.Unverified - t.Rejected - t.Shed - t.Refused)
}

// MarshalJSON adds the balance to the counts.
func (t Tally) MarshalJSON() ([]byte, error) {
	type counts Tally
	return json.Marshal(struct {
		counts
		Balance int64 `json:"balance"`
	}{counts(t), t.Balance()})
}

func (t *Tally) add(u Tally) {
	t.Received += u.Received
	t.Undecodable += u.Undecodable
	t.Accepted += u.Accepted
	t.Duplicate += u.Duplicate
	t.Conflict += u.Conflict
	t.Unverified += u.Unverified
	t.Rejected += u.Rejected
	t.Shed += u.Shed
	t.Refused += u.Refused
}

// Counters is balance B of one listener since the node started: received = undecodable + accepted + duplicate + conflict + unverified +
// rejected + shed + refused. A request is counted when its answer is known, all of it at once, so that every Snapshot balances.
// Safe for any number of goroutines.
type Counters struct {
	mu    sync.Mutex
	total Tally
}

// Snapshot returns the counts at one moment.
func (c *Counters) Snapshot() Tally {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}

func (c *Counters) add(t Tally) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total.add(t)
}
