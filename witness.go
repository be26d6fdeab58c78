package gapless

import (
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// witness remembers of each server the newest exchange of Raft in which it was in this node's term: when the exchange began, for an answer may
// be under way for as long as this process stands still.
type witness struct {
	mu     sync.Mutex
	agreed map[raft.ServerID]agreement // protected by mu
}

type agreement struct {
	term  uint64
	asked time.Time
}

// witnessed is a transport whose exchanges a witness sees.
type witnessed struct {
	*raft.NetworkTransport
	witness *witness
}

// AppendEntries implements raft.Transport, for entries and for heartbeats.
func (w witnessed) AppendEntries(id raft.ServerID, target raft.ServerAddress, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	asked := time.Now()
	err := w.NetworkTransport.AppendEntries(id, target, req, resp)
	if err == nil && resp.Term == req.Term {
		w.witness.agree(id, agreement{req.Term, asked})
	}
	return err
}

func (w *witness) agree(id raft.ServerID, a agreement) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.agreed == nil {
		w.agreed = map[raft.ServerID]agreement{}
	}
	if w.agreed[id].asked.Before(a.asked) {
		w.agreed[id] = a
	}
}

// majority reports whether self and the voters that were in the term when they were asked, since then, are more than half of all voters: no
// newer term had a leader at that time.
func (w *witness) majority(servers []raft.Server, self raft.ServerID, term uint64, since time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	voters, agreed := 0, 0
	for _, s := range servers {
		if s.Suffrage != raft.Voter {
			continue
		}
		voters++
		if a := w.agreed[s.ID]; s.ID == self || a.term == term && !a.asked.Before(since) {
			agreed++
		}
	}
	return agreed > voters/2
}
