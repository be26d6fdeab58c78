package gapless

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/raftfsm/port"
)

// peers is what this node last heard of each other server.
type peers struct {
	mu    sync.Mutex       // protects heard
	heard map[string]heard // by server id
}

type heard struct {
	status   status
	at       time.Time
	addr     string         // that it answered at
	furthest raftfsm.LogEnd // that it ever said was durable
}

const (
	pollEvery  = 500 * time.Millisecond
	freshFor   = 2 * time.Second
	pollWithin = 250 * time.Millisecond // for the leader's round before a tick
	forgetIn   = time.Hour              // a server that was heard no more
)

func newPeers() *peers { return &peers{heard: map[string]heard{}} }

func (p *peers) note(st status, addr string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	end := st.logEnd().Max(p.heard[st.Server].furthest)
	p.heard[st.Server] = heard{st, at, addr, end}
	maps.DeleteFunc(p.heard, func(server string, h heard) bool { // gone for good, or another one answers there now
		return at.Sub(h.at) > forgetIn || h.addr == addr && server != st.Server
	})
}

// of returns what was heard of one server.
func (p *peers) of(server string) (h heard, fresh bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h, ok := p.heard[server]
	return h, ok && time.Since(h.at) <= freshFor
}

// fresh returns what was heard within the last two seconds, ordered by node and server.
func (p *peers) fresh(now time.Time) (list []heard) {
	for _, h := range p.all() {
		if now.Sub(h.at) <= freshFor {
			list = append(list, h)
		}
	}
	return list
}

// all returns everything heard, ordered by node and server.
func (p *peers) all() []heard {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.SortedFunc(maps.Values(p.heard), func(a, b heard) int {
		return cmp.Or(strings.Compare(a.status.Node, b.status.Node), strings.Compare(a.status.Server, b.status.Server))
	})
}

// pollPeers asks every other member for its status, twice a second.
func (n *Node) pollPeers() {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		n.poll(askWithin)
		n.watchMembership()
		select {
		case <-ticker.C:
		case <-n.ctx.Done():
			return
		}
	}
}

// poll asks once at every address where another member may be.
func (n *Node) poll(limit time.Duration) {
	ctx, cancel := context.WithTimeout(n.ctx, limit)
	defer cancel()
	var asking sync.WaitGroup
	for _, t := range n.targets() {
		asking.Go(func() {
			if st, err := n.askStatus(ctx, t.addr); err == nil && st.Server != n.id.server() {
				n.peers.note(st, t.addr, time.Now())
			}
		})
	}
	asking.Wait()
}

// target is an address where a node may be.
type target struct{ node, addr string }

// targets lists where the other nodes may be: as they are configured, as they registered, and as Raft's configuration has them. A node that
// moved is found by one of them, or where another one was, which may be this one.
func (n *Node) targets() (list []target) {
	add := func(node, addr string) {
		own := node == n.cfg.Node && addr == n.cfg.Listen
		if t := (target{node, addr}); addr != "" && !own && !slices.Contains(list, t) {
			list = append(list, t)
		}
	}
	for node, addr := range n.cfg.Peers {
		add(node, addr)
	}
	n.state.View(func(v raftfsm.View) {
		for _, m := range v.Members.All() {
			add(m.Node, m.Raft)
		}
	})
	for _, s := range n.servers() {
		add(nodeOf(string(s.ID)), hostPort(s))
	}
	slices.SortFunc(list, func(a, b target) int { return cmp.Or(strings.Compare(a.node, b.node), strings.Compare(a.addr, b.addr)) })
	return list
}

// servers is Raft's newest configuration, or before Raft runs what this node's log says of it.
func (n *Node) servers() []raft.Server {
	if r := n.raft(); r != nil {
		return r.GetConfiguration().Configuration().Servers
	}
	p, err := n.membership.notes.newest(n.cons.log)
	if err != nil {
		return nil // whoever starts Raft meets the damage and says so
	}
	return p.members()
}

// readings turns what voters said into a tick's readings, each clock carried on to now.
func (n *Node) readings(now time.Time) (list []raftfsm.Reading) {
	voters := map[string]bool{}
	for _, s := range n.servers() {
		voters[string(s.ID)] = s.Suffrage == raft.Voter
	}
	for _, h := range append(n.peers.fresh(now), heard{status: n.ownStatus(), at: now}) {
		if voters[h.status.Server] {
			list = append(list, raftfsm.Reading{
				Node: h.status.Node, Server: h.status.Server, Term: h.status.LastTerm, Index: h.status.LastIndex,
				ClockMS: h.status.ClockMS + now.Sub(h.at).Milliseconds(),
			})
		}
	}
	slices.SortFunc(list, func(a, b raftfsm.Reading) int { return strings.Compare(a.Server, b.Server) })
	return list
}

// notes is how far each server of the configuration ever said that its log is durable: as the newest TICK has it, and as it said since.
func (n *Node) notes() ([]raftfsm.Note, error) {
	p, err := n.membership.notes.newest(n.cons.log)
	if err != nil {
		return nil, err
	}
	if p.tickEnd.Index == 0 { // the log begins at a floor
		n.state.View(func(v raftfsm.View) { p.tick = v.Tick })
	}
	var list []raftfsm.Note
	for _, s := range n.servers() {
		note, _ := p.tick.Note(string(s.ID))
		note.Server, note.Voter = string(s.ID), s.Suffrage == raft.Voter
		note.Raft, _ = n.addrOf(s.ID)
		h, _ := n.peers.of(note.Server)
		note.LogEnd = note.LogEnd.Max(h.furthest)
		if note.Server == n.id.server() {
			note.LogEnd = note.LogEnd.Max(n.durable())
		}
		list = append(list, note)
	}
	slices.SortFunc(list, func(a, b raftfsm.Note) int { return strings.Compare(a.Server, b.Server) })
	return list, nil
}

// followers is what the watchdog looks at.
func (n *Node) followers() (list []raftfsm.Follower) {
	learner := map[string]bool{}
	for _, s := range n.servers() {
		learner[string(s.ID)] = s.Suffrage != raft.Voter
	}
	for _, h := range n.peers.all() {
		if learns, member := learner[h.status.Server]; member { // else a wiped node, say, that is kept out
			list = append(list, raftfsm.Follower{Node: h.status.Node, Index: h.status.LastIndex, Fresh: time.Since(h.at) <= freshFor && h.status.Pressure < 3, Learner: learns})
		}
	}
	return list
}

// askStatus asks one node who it is and how far it got.
func (n *Node) askStatus(ctx context.Context, addr string) (status, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	var st status
	err := n.call(ctx, addr, opStatus, nil, &st)
	var notSent *port.NotSentError
	if errors.As(err, &notSent) {
		return st, notSent // nothing is proposed here: that it was not sent is no matter of leadership
	}
	return st, err
}

// ownStatus is this node's answer to askStatus.
func (n *Node) ownStatus() status {
	end := n.durable()
	st := status{
		Node: n.cfg.Node, Server: n.id.server(), ClusterID: n.knownClusterID(), Peers: n.cfg.Peers, HTTP: n.cfg.AdvertiseHTTP, Raft: n.cfg.Advertise,
		ClockMS: n.cfg.Clock().UnixMilli(), StartedMS: n.started.UnixMilli(), LastIndex: end.Index, LastTerm: end.Term, Applied: n.state.Index(), Empty: n.empty,
		State: stateWaiting, Waiting: *n.waiting.Load(), Missing: len(n.shelf.Missing()), Pressure: n.state.Pressure(),
	}
	for _, s := range n.servers() {
		st.Servers = append(st.Servers, string(s.ID))
	}
	if r := n.raft(); r != nil {
		st.Empty = false
		st.State = r.State().String()
		st.Term = r.CurrentTerm()
		st.Commit = r.CommitIndex()
		st.Leader = n.leaderServer()
	}
	return st
}

// durable is the end of this node's log, or its newest floor where the log has nothing behind it.
func (n *Node) durable() raftfsm.LogEnd {
	end, err := logEnd(n.cons.log)
	if err != nil {
		return raftfsm.LogEnd{}
	}
	return end.Max(n.floorEnd())
}
