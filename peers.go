package gapless

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/raftfsm"
)

// peers is what this node last heard of each other node.
type peers struct {
	mu    sync.Mutex // protects heard
	heard map[string]heard
}

type heard struct {
	status status
	at     time.Time
}

const (
	pollEvery = 500 * time.Millisecond
	freshFor  = 2 * time.Second
)

func newPeers() *peers { return &peers{heard: map[string]heard{}} }

func (p *peers) note(st status, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard[st.Node] = heard{st, at}
}

// fresh returns what was heard within the last two seconds, ordered by node.
func (p *peers) fresh(now time.Time) []heard {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []heard
	for _, node := range slices.Sorted(maps.Keys(p.heard)) {
		if h := p.heard[node]; now.Sub(h.at) <= freshFor {
			list = append(list, h)
		}
	}
	return list
}

// pollPeers asks every other member for its status, twice a second.
func (n *Node) pollPeers() {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		var asking sync.WaitGroup
		for node, addr := range n.otherAddrs() {
			asking.Go(func() {
				if st, err := n.askStatus(n.ctx, addr); err == nil && st.Node == node {
					n.peers.note(st, time.Now())
				}
			})
		}
		asking.Wait()
		select {
		case <-ticker.C:
		case <-n.ctx.Done():
			return
		}
	}
}

// otherAddrs lists the other nodes' cluster addresses: the members', and until they are known the configured ones.
func (n *Node) otherAddrs() map[string]string {
	addrs := maps.Clone(n.cfg.Peers)
	if addrs == nil {
		addrs = map[string]string{}
	}
	n.state.View(func(v raftfsm.View) {
		for _, m := range v.Members.All() {
			addrs[m.Node] = m.Raft
		}
	})
	delete(addrs, n.cfg.Node)
	return addrs
}

// readings turns what voters said into a tick's readings, each clock carried on to now.
func (n *Node) readings(now time.Time) []raftfsm.Reading {
	own := n.ownStatus()
	list := append(n.peers.fresh(now), heard{own, now})
	slices.SortFunc(list, func(a, b heard) int {
		if a.status.Node < b.status.Node {
			return -1
		}
		return 1
	})
	var readings []raftfsm.Reading
	for _, h := range list {
		if !slices.Contains(own.Servers, h.status.Server) {
			continue // not a member of our configuration
		}
		readings = append(readings, raftfsm.Reading{
			Node: h.status.Node, Server: h.status.Server, Term: h.status.LastTerm, Index: h.status.LastIndex,
			ClockMS: h.status.ClockMS + now.Sub(h.at).Milliseconds(),
		})
	}
	return readings
}

// followers is what the watchdog looks at.
func (n *Node) followers() []raftfsm.Follower {
	n.peers.mu.Lock()
	defer n.peers.mu.Unlock()
	now := time.Now()
	members := n.ownStatus().Servers
	var list []raftfsm.Follower
	for _, node := range slices.Sorted(maps.Keys(n.peers.heard)) {
		h := n.peers.heard[node]
		if !slices.Contains(members, h.status.Server) {
			continue // a wiped node, say, that is kept out
		}
		list = append(list, raftfsm.Follower{Node: node, Index: h.status.LastIndex, Fresh: now.Sub(h.at) <= freshFor})
	}
	return list
}

// askStatus asks one node who it is and how far it got.
func (n *Node) askStatus(ctx context.Context, addr string) (status, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	var st status
	return st, n.call(ctx, addr, opStatus, nil, &st)
}

// ownStatus is this node's answer to askStatus.
func (n *Node) ownStatus() status {
	st := status{
		Node: n.cfg.Node, Server: n.id.server(), Peers: n.cfg.Peers, HTTP: n.cfg.AdvertiseHTTP, Raft: n.cfg.Advertise,
		ClockMS: n.cfg.Clock().UnixMilli(), Applied: n.state.Index(), Empty: n.empty, State: "Waiting",
	}
	r := n.raft()
	if r == nil {
		return st
	}
	st.Empty = false
	st.State = r.State().String()
	st.Term = r.CurrentTerm()
	st.Commit = r.CommitIndex()
	st.LastIndex, st.LastTerm = n.durable()
	for _, s := range r.GetConfiguration().Configuration().Servers {
		st.Servers = append(st.Servers, string(s.ID))
	}
	return st
}

// durable is the last entry in this node's log; the WAL counts only what was synced.
func (n *Node) durable() (index, term uint64) {
	last, err := n.cons.log.LastIndex()
	if err != nil || last == 0 {
		return 0, 0
	}
	var entry raft.Log
	if err := n.cons.log.GetLog(last, &entry); err != nil {
		return 0, 0
	}
	return last, entry.Term
}
