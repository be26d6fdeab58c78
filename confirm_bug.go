//go:build bug_stale_linearizable

package gapless

import (
	"context"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/raftfsm"
)

// Breaks: a linearizable read shows everything that was acknowledged before it. A leader that was cut off takes its own word for it.
func (n *Node) confirm(_ context.Context, r *raftfsm.Instance, term uint64) error {
	if r.State() != raft.Leader || r.CurrentTerm() != term {
		return raftfsm.ErrNotLeader
	}
	return nil
}
