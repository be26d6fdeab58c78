package sim

import (
	"encoding/binary"

	"github.com/gaplessdb/gapless/tests/check"
)

// Keys under which hashicorp/raft keeps its vote.
const (
	voteTermKey = "LastVoteTerm"
	voteCandKey = "LastVoteCand"
)

// noteVote hears of every value of a vote store that has become durable. Raft stores the term of a vote first and then the candidate.
func (c *cluster) noteVote(m *machine, term *uint64, key, value []byte) {
	switch string(key) {
	case voteTermKey:
		if len(value) == 8 {
			*term = binary.BigEndian.Uint64(value)
		}
	case voteCandKey:
		c.event(m, check.Event{Kind: check.Voted, Server: m.server(), Term: *term, Candidate: string(value)})
	}
}
