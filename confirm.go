//go:build !bug_stale_linearizable

package gapless

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/raftfsm"
)

// confirm makes a majority of the voters say, from now on, that r still leads in this term: another leader may have committed what this one does not
// know. Raft's own verification also counts servers without a vote, and answers that were under way before.
//
// One question is asked at a time, for all who came before it was asked: Raft stops its heartbeats when more than 64 wait for it.
func (n *Node) confirm(ctx context.Context, r *raftfsm.Instance, term uint64) error {
	came := time.Now()
	if err := n.confirming.take(ctx); err != nil {
		return err
	}
	defer n.confirming.give()
	if last := n.confirmed; last.term == term && !last.asked.Before(came) {
		return nil
	}
	asked := time.Now()
	for ctx.Err() == nil {
		if err := r.VerifyLeader().Error(); err != nil {
			return fmt.Errorf("%w: %w", raftfsm.ErrNotLeader, err)
		}
		if r.CurrentTerm() != term { // led, lost and led again in between: this term's barrier is still to come
			return raftfsm.ErrNotLeader
		}
		if n.cons.witness.majority(r.GetConfiguration().Configuration().Servers, raft.ServerID(n.id.server()), term, asked) {
			n.confirmed = agreement{term, asked}
			return nil
		}
	}
	return ctx.Err()
}
