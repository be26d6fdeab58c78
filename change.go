package gapless

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/raftfsm"
)

// A change of the membership is a number of small steps. Which one comes next follows from Raft's configuration and from what the nodes say,
// and from nothing else: so a change can be asked for again after any failure, at any node and under any leader, and goes on where it was.
// Every configuration in between is safe: a new disk first learns as a non-voter, the old id goes before the new one votes, and no
// voter goes whose absence would leave fewer caught-up voters than a quorum.

// Changes of the membership.
const (
	opJoin    = "join"    // take a node in as a non-voter
	opPromote = "promote" // let a non-voter vote
	opRemove  = "remove"
	opReplace = "replace" // put a node's new disk in the place of its old one
)

// Steps of a change, as its answers name them.
const (
	stepWaiting    = "waiting" // for the node to answer
	stepCatchingUp = "catching_up"
	stepChanged    = "changed" // one step was made, the next follows at once
	stepDone       = "done"
)

// changeRequest asks for a change, or for its continuation.
type changeRequest struct {
	Op      string `json:"op"`
	Node    string `json:"node"`
	Address string `json:"address,omitempty"` // of the node's cluster port, where it is not known yet
}

// changeAnswer is how far a change got.
type changeAnswer struct {
	Node    string `json:"node"`
	Server  string `json:"server,omitempty"` // server id that the change is about
	Step    string `json:"step"`
	Done    bool   `json:"done"`
	Behind  uint64 `json:"behind,omitempty"` // entries still to catch up
	Message string `json:"message"`

	Did []string `json:"did,omitempty"` // steps made for this answer
}

const (
	changeWaits = 3 * time.Second        // for a change to get on, before its answer
	changeLooks = 100 * time.Millisecond // between two looks
)

// changeHere makes the steps of a change on this leader until it is done, refused, or has to wait for longer than an answer should.
func (n *Node) changeHere(ctx context.Context, req changeRequest) (changeAnswer, error) {
	answerBy, did := time.Now().Add(changeWaits), []string(nil)
	for {
		a, err := n.changeStep(ctx, req)
		if err == nil && a.Step == stepChanged {
			n.log.Info("membership changed", "op", req.Op, "of", req.Node, "did", a.Message)
			did = append(did, a.Message)
			continue
		}
		a.Did = did
		if err != nil || a.Done {
			return a, err
		}
		if time.Now().After(answerBy) {
			return a, nil
		}
		select {
		case <-time.After(changeLooks):
		case <-ctx.Done():
			return a, nil
		}
	}
}

// change is one look at the configuration, for one step.
type change struct {
	*Node
	ctx     context.Context
	node    string // that the change is about
	addr    string // where it was said to be, "" for where it is known to be
	raft    *raftfsm.Instance
	servers []raft.Server
	own     []raft.Server // of node
}

func (n *Node) changeStep(ctx context.Context, req changeRequest) (changeAnswer, error) {
	if err := n.membership.changing.take(ctx); err != nil {
		return changeAnswer{}, fmt.Errorf("%w: %w", raftfsm.ErrNotLeader, err)
	}
	defer n.membership.changing.give()
	r := n.raft()
	if r == nil || n.proposer.Term() == 0 {
		return changeAnswer{}, raftfsm.ErrNotLeader
	}
	c := &change{Node: n, ctx: ctx, node: req.Node, addr: req.Address, raft: r, servers: n.servers()}
	for _, s := range c.servers {
		if nodeOf(string(s.ID)) == req.Node {
			c.own = append(c.own, s)
		}
	}
	switch req.Op {
	case opJoin:
		return c.join()
	case opPromote:
		return c.promote()
	case opRemove:
		return c.remove()
	case opReplace:
		return c.replace()
	}
	return changeAnswer{}, c.refuse(http.StatusBadRequest, "unknown_change", "there is no change %q of the membership",
		"join, promote, remove or replace", req.Op)
}

// join takes a node in as a non-voter. A non-voter whose disk is new again is taken in under its new id.
func (c *change) join() (changeAnswer, error) {
	st, wait, err := c.find()
	if st == nil {
		return wait, err
	}
	if voter, votes := c.voter(); votes && string(voter.ID) != st.Server {
		return changeAnswer{}, c.conflict("use_replace", "%s votes as %s, and answers as %s",
			"`gapless ctl replace NODE` puts the new disk in the place of the old one", c.node, voter.ID, st.Server)
	} else if votes {
		return c.done(st.Server, "%s votes already", c.node), nil
	}
	for _, s := range c.own {
		if string(s.ID) == st.Server {
			return c.catchUp(st, func() (changeAnswer, error) {
				return c.done(st.Server, "%s is a non-voter and has caught up: `gapless ctl promote %s` lets it vote", c.node, c.node), nil
			})
		}
	}
	if len(c.own) > 0 {
		return c.drop(c.own[0].ID)
	}
	return c.add(st)
}

// promote lets a caught-up non-voter vote.
func (c *change) promote() (changeAnswer, error) {
	voter, votes := c.voter()
	switch {
	case votes && len(c.own) > 1:
		return changeAnswer{}, c.conflict("use_replace", "%s is being replaced: it has the servers %v",
			"`gapless ctl replace NODE` goes on with it", c.node, ids(c.own))
	case votes:
		return c.done(string(voter.ID), "%s votes", c.node), nil
	case len(c.own) != 1:
		return changeAnswer{}, c.refuse(http.StatusNotFound, "unknown_node", "%s is not in the cluster",
			"`gapless ctl join NODE ADDRESS` first", c.node)
	}
	st, wait, err := c.find()
	if st == nil {
		return wait, err
	}
	if st.Server != string(c.own[0].ID) {
		return changeAnswer{}, c.conflict("other_disk", "%s answers as %s, the cluster knows %s: its disk is new",
			"`gapless ctl join NODE ADDRESS` takes it in again", c.node, st.Server, c.own[0].ID)
	}
	return c.catchUp(st, func() (changeAnswer, error) { return c.vote(c.own[0]) })
}

// remove takes every incarnation of a node out, the non-voting ones first. A leader hands over before it goes.
func (c *change) remove() (changeAnswer, error) {
	if len(c.own) == 0 {
		return c.done("", "%s is not in the cluster", c.node), nil
	}
	if i := slices.IndexFunc(c.own, func(s raft.Server) bool { return s.Suffrage != raft.Voter }); i >= 0 {
		return c.drop(c.own[i].ID)
	}
	voter := c.own[0]
	if err := c.canLose(voter.ID); err != nil {
		return changeAnswer{}, err
	}
	if string(voter.ID) == c.id.server() {
		if err := c.raft.LeadershipTransfer().Error(); err != nil {
			return changeAnswer{Node: c.node, Server: string(voter.ID), Step: stepWaiting, Message: fmt.Sprintf("%s hands leadership over: %v", c.node, err)}, nil
		}
		return changeAnswer{}, raftfsm.ErrNotLeader // whoever leads now goes on
	}
	return c.drop(voter.ID)
}

// replace puts the disk that answers now in the place of the one that is lost: added as a non-voter, caught up; then the old id goes, and only
// then the new one votes.
func (c *change) replace() (changeAnswer, error) {
	if len(c.own) == 0 {
		return changeAnswer{}, c.refuse(http.StatusNotFound, "unknown_node", "%s is not in the cluster",
			"`gapless ctl join NODE ADDRESS` takes a new node in", c.node)
	}
	st, wait, err := c.find()
	if st == nil {
		return wait, err
	}
	i := slices.IndexFunc(c.own, func(s raft.Server) bool { return string(s.ID) == st.Server })
	old := slices.DeleteFunc(slices.Clone(c.own), func(s raft.Server) bool { return string(s.ID) == st.Server })
	switch {
	case i < 0:
		if err := c.canReplace(old); err != nil {
			return changeAnswer{}, err
		}
		return c.add(st)
	case len(old) == 0 && c.own[i].Suffrage == raft.Voter:
		return c.done(st.Server, "%s votes as %s", c.node, st.Server), nil
	case len(old) == 0:
		return c.catchUp(st, func() (changeAnswer, error) { return c.vote(c.own[i]) })
	}
	return c.catchUp(st, func() (changeAnswer, error) {
		slices.SortStableFunc(old, func(a, b raft.Server) int { return int(b.Suffrage) - int(a.Suffrage) }) // non-voters first
		if old[0].Suffrage == raft.Voter {
			if err := c.canLose(old[0].ID); err != nil {
				return changeAnswer{}, err
			}
		}
		return c.drop(old[0].ID)
	})
}

// canReplace refuses to replace what is alive, what never voted, and what the cluster cannot miss in between.
func (c *change) canReplace(old []raft.Server) error {
	voter, votes := c.voter()
	if !votes {
		return c.conflict("no_voter", "%s is no voter: there is no vote to take over", "`gapless ctl join NODE ADDRESS` takes its new disk in", c.node)
	}
	for _, s := range old {
		h, _ := c.peers.of(string(s.ID))
		if st, err := c.askStatus(c.ctx, h.addr); err == nil && st.Server == string(s.ID) {
			return c.conflict("still_running", "%s still answers as %s at %s",
				"stop that process first, or name the address of the new disk's node", c.node, s.ID, h.addr)
		}
	}
	return c.canLose(voter.ID)
}
