package gapless

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/raftfsm/port"
)

// membership is what a node knows and does about who belongs to its cluster. The zero value is ready.
type membership struct {
	notes notebook

	amending sync.Mutex // held while the identity file is written; protects amended
	amended  *identity  // as last written, nil: as it was when the node started

	changing turn // of the change of the configuration that is decided and made

	registered atomic.Pointer[map[raft.ServerID]string] // cluster addresses that members registered, as of the last poll

	unknown int // polls in a row in which the leader's configuration lacked this node; owned by pollPeers

	mu       sync.Mutex // protects refusals
	refusals map[string]refusal
}

// refusal is a node that asked to enter on a disk that is behind its note.
type refusal struct {
	server, why string
}

// nodeOf is the node part of a server id.
func nodeOf(server string) string {
	node, _, _ := strings.Cut(server, ".")
	return node
}

// hostPort is where a server listens according to Raft's configuration. Addresses there may carry the server's id (port.JoinAddress): Raft wants
// them to differ, and while a node is being replaced two of its incarnations have one host and port.
func hostPort(s raft.Server) string {
	_, addr := port.SplitAddress(string(s.Address))
	return addr
}

// addrOf finds the host and port of a server: where it answered of late, as it registered, as Raft's configuration has it, or as its node is
// configured here. It never waits for apply: Raft calls it.
func (n *Node) addrOf(server raft.ServerID) (string, bool) {
	if string(server) == n.id.server() {
		return n.cfg.Advertise, true
	}
	if h, fresh := n.peers.of(string(server)); fresh {
		return h.addr, true
	}
	if registered := n.membership.registered.Load(); registered != nil {
		if addr, ok := (*registered)[server]; ok {
			return addr, true
		}
	}
	for _, s := range n.servers() {
		if s.ID == server {
			return hostPort(s), true
		}
	}
	addr, ok := n.cfg.Peers[nodeOf(string(server))]
	return addr, ok
}

// targetOf is addrOf for Raft's transport, which names the server that it means to whoever it dials.
func (n *Node) targetOf(server string) (addr string, ok bool) { return n.addrOf(raft.ServerID(server)) }

// noteRegistered keeps the members' addresses where addrOf finds them without waiting for apply.
func (n *Node) noteRegistered() {
	addrs := map[raft.ServerID]string{}
	n.state.View(func(v raftfsm.View) {
		for _, m := range v.Members.All() {
			addrs[raft.ServerID(m.Server)] = m.Raft
		}
	})
	n.membership.registered.Store(&addrs)
}

// nearEnough is how many entries a server may be behind the leader and still count as caught up: it goes on while one looks.
const nearEnough = 1000

// behind is how many entries a server's log lacks, as it last said; ok is false when it does not answer or its Raft does not run.
func (n *Node) behind(server string) (entries uint64, ok bool) {
	r := n.raft()
	if server == n.id.server() {
		return 0, r != nil
	}
	h, fresh := n.peers.of(server)
	if !fresh || !h.status.running() || r == nil {
		return 0, false
	}
	last := r.LastIndex()
	return last - min(last, h.status.LastIndex), true
}

// verifiedCopy reports whether a server holds everything the cluster has committed, but for what is on its way.
func (n *Node) verifiedCopy(server string) bool {
	entries, ok := n.behind(server)
	return ok && entries <= nearEnough && n.hasSegments(server)
}

// hasSegments reports whether a server has every segment: it says that it lacks none, and once this node has reported a floor, it has
// reported one that is not below those kept here.
func (n *Node) hasSegments(server string) (ok bool) {
	if server == n.id.server() {
		return len(n.shelf.Missing()) == 0
	}
	h, fresh := n.peers.of(server)
	if !fresh || h.status.Missing > 0 {
		return false
	}
	oldest, _ := n.floors.Oldest()
	n.state.View(func(v raftfsm.View) {
		reported := len(v.Floors.Of(n.id.server())) > 0 // also where it took a report back: copies are scarce then
		ok = !reported || v.Floors.Common(n.id.server(), []string{server}) >= max(oldest.Index, 1)
	})
	return ok
}

// unknownPolls is after how many polls in a row a node believes that it was removed.
const unknownPolls = 4

// watchMembership notes where members are, and whether the cluster's leader still knows this node.
func (n *Node) watchMembership() {
	n.noteRegistered()
	if n.raft() == nil {
		return
	}
	m, lacks, servers := &n.membership, false, []string(nil)
	own := n.durable()
	for _, h := range n.peers.fresh(time.Now()) {
		if h.status.State == raft.Leader.String() && h.status.logEnd().Compare(own) >= 0 {
			servers = h.status.Servers
			lacks = !slices.Contains(servers, n.id.server())
		}
	}
	if n.proposer.Term() != 0 || !lacks {
		if m.unknown >= unknownPolls {
			n.setWaiting("")
		}
		m.unknown = 0
		return
	}
	if m.unknown++; m.unknown == unknownPolls {
		why := fmt.Sprintf("removed: the cluster is %v now, without %s; stop this node, or run `gapless ctl join %s ADDRESS` to take it in again",
			servers, n.id.server(), n.cfg.Node)
		n.log.Warn(why)
		n.setWaiting(why)
	}
}

// isMember reports whether Raft's newest configuration on this node has it.
func (n *Node) isMember() bool {
	return slices.ContainsFunc(n.servers(), func(s raft.Server) bool { return string(s.ID) == n.id.server() })
}

// unreached returns the address of a leader that counts this node as a member and yet does not reach it, because the node moved: the leader
// must be told.
func (n *Node) unreached() (leader string, ok bool) {
	if n.leaderServer() != "" {
		return "", false
	}
	for _, h := range n.peers.fresh(time.Now()) {
		if h.status.State == raft.Leader.String() && slices.Contains(h.status.Servers, n.id.server()) {
			return port.JoinAddress(h.status.Server, h.addr), true
		}
	}
	return "", false
}

// registerAt commits what this node says of itself, at a leader that it knows from elsewhere than Raft.
func (n *Node) registerAt(leader string, member []byte) error {
	payload, err := joinHead(commandHead{raftfsm.KindMember, 1, member}, nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(n.ctx, n.cfg.RequestTimeout)
	defer cancel()
	return n.call(ctx, leader, opCommand, payload, &json.RawMessage{})
}

// noteRefusal remembers an entrant whose disk is behind its note: it is about to end and cannot say so itself.
func (n *Node) noteRefusal(e *entrant, t *testimony) {
	m := &n.membership
	m.mu.Lock()
	defer m.mu.Unlock()
	if !t.Noted || e.End.Compare(t.Note) >= 0 || foreign(e.ClusterID, t.Status.ClusterID) {
		delete(m.refusals, e.Node)
		return
	}
	if _, again := m.refusals[e.Node]; !again {
		n.log.Warn("a node may not start: its disk is behind its note", "refused", e.Server, "end", e.End.String(), "note", t.Note.String())
	}
	if m.refusals == nil {
		m.refusals = map[string]refusal{}
	}
	m.refusals[e.Node] = refusal{e.Server, fmt.Sprintf("refused: its log ended at %s, but it had stored up to %s: %s", e.End, t.Note, replaceHint(e.Node))}
}

func (n *Node) refusalOf(server string) string {
	m := &n.membership
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.refusals[nodeOf(server)]; r.server == server {
		return r.why
	}
	return ""
}

// validAddress reports whether others can dial addr.
func validAddress(addr string) bool {
	host, port, err := net.SplitHostPort(addr)
	return err == nil && host != "" && port != "" && !net.ParseIP(host).IsUnspecified()
}

// floorEnd is the last entry of the newest floor on this disk.
func (n *Node) floorEnd() raftfsm.LogEnd {
	newest := n.newestFloor()
	return raftfsm.LogEnd{Term: newest.Term, Index: newest.Index}
}
