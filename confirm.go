//go:build !bug_stale_linearizable

package gapless

import (
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/raftfsm"
)

// confirm makes a majority of the voters say, from now on, that r still leads in this term: another leader may have committed what this one does not
// know. Raft's own verification also counts servers without a vote, and answers that were under way before.
func (n *Node) confirm(r *raftfsm.Instance, term uint64) error {
	for asked := time.Now(); ; {
		if err := r.VerifyLeader().Error(); err != nil {
			return fmt.Errorf("%w: %w", raftfsm.ErrNotLeader, err)
		}
		if r.CurrentTerm() != term { // led, lost and led again in between: this term's barrier is still to come
			return raftfsm.ErrNotLeader
		}
		if n.cons.witness.majority(r.GetConfiguration().Configuration().Servers, raft.ServerID(n.id.server()), term, asked) {
			return nil
		}
	}
}
