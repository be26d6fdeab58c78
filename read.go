package gapless

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/ingest"
	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/raftfsm/port"
)

// partition is the number of this Raft group; a node hosts one so far.
const partition = 0

// View implements query.Source: one consistent look at this node's state, no older than the consistency and position asked for.
// stale takes the state as it is; leader waits for what the leader's log has, and may be behind after a leader paused unnoticed;
// linearizable also makes a quorum confirm the leader.
func (n *Node) View(ctx context.Context, c query.Consistency, after frame.Position, fn func(*query.View) error) error {
	index := after.Index
	if c != query.Stale {
		ri, err := n.readIndex(ctx, c == query.Linearizable)
		if err != nil {
			return adminError(err)
		}
		index = max(index, ri)
	}
	var history uint64
	n.state.View(func(v raftfsm.View) { history = v.Members.History() })
	if history == 0 && index == 0 { // a node that starts and has not heard from its cluster yet: "nothing is stored" would be a lie
		return &httpError{http.StatusServiceUnavailable, "not_ready", "this node does not know yet what its cluster holds", "ask another node, or this one again in a moment"}
	}
	if history != 0 && after.History != 0 && after.History != history {
		return otherHistory(after, history)
	}
	if err := n.state.Wait(ctx, index); err != nil {
		return err
	}
	var err error
	n.state.View(func(v raftfsm.View) {
		err = fn(&query.View{
			AsOf:   query.AsOf{Partition: partition, History: v.Members.History(), Index: v.Index, TimeMS: v.Clock.NowMS},
			Ledger: v.Ledger, Head: v.Head, Sealed: v.Sealed, Manifest: v.Manifest, Registry: registryOf(&v),
		})
	})
	return err
}

// Changed is closed at the next change of this node's state: it is what readers of what is new wait for.
func (n *Node) Changed() <-chan struct{} { return n.state.Changed() }

func otherHistory(after frame.Position, history uint64) error {
	return &httpError{
		status: http.StatusConflict, code: "other_history",
		message: fmt.Sprintf("position %s belongs to history %d, this cluster is in history %d", after, after.History, history),
		hint:    "the cluster was restored: start again without a position",
	}
}

// readIndex is the index that a read must have applied.
func (n *Node) readIndex(ctx context.Context, verify bool) (index uint64, err error) {
	err = n.atLeader(ctx, func(ctx context.Context, leader string) (err error) {
		if leader == "" {
			index, err = n.readIndexHere(ctx, verify)
			return err
		}
		payload, err := joinHead(readIndexHead{verify}, nil)
		if err != nil {
			return err
		}
		err = n.call(ctx, leader, opReadIndex, payload, &index)
		if errors.Is(err, raftfsm.ErrUnknown) { // a read can be asked again
			return fmt.Errorf("%w: %w", raftfsm.ErrNotLeader, err)
		}
		return err
	})
	return index, err
}

// readIndexHere is the last command at or below the commit index of this leader, whose term's barrier was applied. Only commands
// count: the FSM never sees barriers and configurations, so their index could not be waited for.
func (n *Node) readIndexHere(ctx context.Context, verify bool) (uint64, error) {
	term := n.proposer.Term()
	if term == 0 {
		return 0, raftfsm.ErrNotLeader
	}
	r := n.raft()
	index := r.CommitIndex()
	if verify {
		if err := n.confirm(ctx, r, term); err != nil {
			return 0, err
		}
	}
	applied := n.state.Index()
	var entry raft.Log
	for ; index > applied; index-- {
		if err := n.cons.log.GetLog(index, &entry); err != nil {
			return 0, fmt.Errorf("gapless: read index %d: %w", index, err)
		}
		if entry.Type == raft.LogCommand {
			break
		}
	}
	return index, nil
}

// upToDate waits until this node's state has all that was committed when it was asked, as a quorum confirms. What is proposed by the state, such as
// the version of a command by that of the cluster, is then not proposed by an old one.
func (n *Node) upToDate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.RequestTimeout)
	defer cancel()
	index, err := n.readIndex(ctx, true)
	if err != nil {
		return adminError(err)
	}
	if err := n.state.Wait(ctx, index); err != nil {
		return &httpError{http.StatusServiceUnavailable, "not_ready", err.Error(), "ask another node, or this one again when `gapless ctl members` shows that it has caught up"}
	}
	return nil
}

// transfer hands leadership to a node ("": whichever is most up to date), from whichever node it is asked.
func (n *Node) transfer(to string) error {
	r := n.raft()
	if r == nil {
		return raftfsm.ErrNotLeader
	}
	if r.State() != raft.Leader {
		_, id := r.LeaderWithID()
		addr, ok := n.addrOf(id)
		if id == "" || !ok {
			return &ingest.NoLeaderError{}
		}
		ctx, cancel := context.WithTimeout(n.ctx, n.cfg.RequestTimeout)
		defer cancel()
		payload, err := joinHead(transferHead{to}, nil)
		if err != nil {
			return err
		}
		return n.call(ctx, port.JoinAddress(string(id), addr), opTransfer, payload, &struct{}{})
	}
	if to == "" {
		return r.LeadershipTransfer().Error()
	}
	servers := n.servers()
	i := slices.IndexFunc(servers, func(s raft.Server) bool { return nodeOf(string(s.ID)) == to && s.Suffrage == raft.Voter })
	if i < 0 {
		return &ingest.RefusedError{Status: http.StatusNotFound, Code: "unknown_node", Message: fmt.Sprintf("no node %q votes in this cluster", to), Hint: "gapless ctl members"}
	}
	server := servers[i]
	if string(server.ID) == n.id.server() {
		return nil
	}
	if !n.verifiedCopy(string(server.ID)) {
		return &ingest.RefusedError{
			Status: http.StatusConflict, Code: "not_ready", Message: fmt.Sprintf("node %q does not answer or is far behind", to), Hint: "wait until `gapless ctl status` shows it near the leader",
		}
	}
	return r.LeadershipTransferToServer(server.ID, server.Address).Error()
}

// caughtUp reports whether this node has applied what the cluster had committed when it was asked.
func (n *Node) caughtUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	index, err := n.readIndex(ctx, false)
	if err != nil {
		return err
	}
	return n.state.Wait(ctx, index)
}
