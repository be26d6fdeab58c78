package drive

import (
	"encoding/binary"

	"github.com/gaplessdb/gapless/tests/check"
)

// Where hashicorp/raft keeps its term and its vote: in a file of the data directory and, where that is a bbolt file, in a bucket.
const (
	VoteFile   = "raft.db"
	VoteBucket = "conf"

	termKey          = "CurrentTerm"
	voteTermKey      = "LastVoteTerm"
	voteCandidateKey = "LastVoteCand"
)

// Vote is the newest vote in a vote store: who voted for whom.
type Vote struct {
	Server    string
	Term      uint64
	Candidate string
}

// Take takes a value of the store, and reports whether that makes a vote: Raft stores the term first, and then the candidate.
func (v *Vote) Take(key, value []byte) bool {
	switch string(key) {
	case voteTermKey:
		if len(value) == 8 {
			v.Term = binary.BigEndian.Uint64(value)
		}
	case voteCandidateKey:
		v.Candidate = string(value)
		return true
	}
	return false
}

// Event is the vote in the history.
func (v Vote) Event() check.Event {
	return check.Event{Kind: check.Voted, Server: v.Server, Term: v.Term, Candidate: v.Candidate}
}
