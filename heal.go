package gapless

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/raftfsm/floor"
)

// healEvery is how long a node waits between two attempts to take over the majority's floor.
const healEvery = 5 * time.Second

// divergence is what the cluster's reports say against this node's newest floor.
type divergence struct {
	index uint64
	own   string
	other string // hash that most of the others have
	votes int    // how many
	outOf int    // members
}

// compareFloors looks whether other members made another floor of the same index: equal logs make equal floors, so somebody's state is
// damaged. A node that stands against a majority takes theirs.
func (n *Node) compareFloors(last *time.Time) {
	d := n.diverged()
	n.metrics.Diverged.Set(float64(min(d.votes, 1)))
	if d.votes == 0 || time.Since(*last) < healEvery {
		return
	}
	*last = time.Now()
	n.log.Error("floors differ: a node's state is damaged", "floor", d.index, "own", d.own, "other", d.other, "votes", d.votes, "members", d.outOf)
	if d.votes*2 <= d.outOf {
		return // no majority against us: the others may be the damaged ones
	}
	if err := n.heal(&d); err != nil {
		n.log.Error("the majority's floor could not be taken over", "floor", d.index, "hash", d.other, "err", err)
	}
}

// diverged has no votes where nobody differs.
func (n *Node) diverged() (d divergence) {
	newest := n.newestFloor()
	servers := n.ownStatus().Servers
	d = divergence{index: newest.Index, own: hex.EncodeToString(newest.Hash[:]), outOf: len(servers)}
	n.state.View(func(v raftfsm.View) { d.other, d.votes = v.Floors.Differs(d.index, d.own, servers) })
	return d
}

// heal hands leadership over and has the leader loop open Raft anew on the majority's floor.
func (n *Node) heal(d *divergence) error {
	if r := n.raft(); r != nil && r.State() == raft.Leader {
		if err := r.LeadershipTransfer().Error(); err != nil {
			return fmt.Errorf("gapless: handing leadership over first: %w", err)
		}
	}
	n.healing.Store(d)
	n.askReopen()
	return nil
}

// adopt replaces this node's newest floor by the majority's, while Raft does not run. Nothing of the state that is dropped is published after it;
// segments that differ are not in the new manifest, and those that are missing are pulled.
func (n *Node) adopt(d *divergence) error {
	n.state.Abandon()
	hash, err := hex.DecodeString(d.other)
	if err != nil || len(hash) != len(floor.Published{}.Hash) {
		return fmt.Errorf("gapless: %q is not a floor's hash", d.other)
	}
	var tried error
	for _, server := range n.holders(d) {
		r := &floorReader{ctx: n.ctx, node: n, server: server, hash: d.other}
		if _, err := n.floors.Adopt(r, [32]byte(hash)); err != nil {
			tried = errors.Join(tried, fmt.Errorf("%s: %w", server, err))
			continue
		}
		n.log.Warn("took over the majority's floor", "floor", d.index, "from", server)
		return nil
	}
	return tried
}

// holders lists the members that reported the majority's floor.
func (n *Node) holders(d *divergence) (servers []string) {
	n.state.View(func(v raftfsm.View) {
		for _, m := range v.Members.All() {
			for _, r := range v.Floors.Of(m.Server) {
				if r.Index == d.index && r.Hash == d.other {
					servers = append(servers, m.Server)
				}
			}
		}
	})
	return servers
}

// floorReader reads a peer's floor file range by range.
type floorReader struct {
	ctx    context.Context
	node   *Node
	server string
	hash   string
	offset int64
	rest   bytes.Reader
	ended  bool
}

func (r *floorReader) Read(b []byte) (int, error) {
	if r.rest.Len() == 0 && !r.ended {
		out, err := r.node.fetchRange(r.ctx, r.server, opFloor, rangeHead{r.hash, r.offset, maxRange})
		if err != nil {
			return 0, err
		}
		r.offset += int64(len(out))
		r.ended = len(out) < maxRange
		r.rest.Reset(out)
	}
	if r.rest.Len() == 0 {
		return 0, io.EOF
	}
	return r.rest.Read(b)
}

// serveFloor answers floorReader.
func (n *Node) serveFloor(payload []byte) ([]byte, error) {
	var head rangeHead
	if err := json.Unmarshal(payload, &head); err != nil {
		return nil, fmt.Errorf("gapless: head of a call: %w", err)
	}
	hash, err := hex.DecodeString(head.Name)
	if err != nil || len(hash) != len(floor.Published{}.Hash) {
		return nil, fmt.Errorf("gapless: %q is not a floor's hash", head.Name)
	}
	if err := head.check(); err != nil {
		return nil, err
	}
	b, err := n.floors.ReadRange([32]byte(hash), head.Offset, head.Bytes)
	if errors.Is(err, io.EOF) { // the file ended where the last range did
		return nil, nil
	}
	return b, err
}
