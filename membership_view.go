package gapless

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/raftfsm"
)

// Roles of a server, as GET /v1/cluster names them.
const (
	roleLeader   = "leader"
	roleVoter    = "voter"
	roleNonvoter = "nonvoter"
	roleOutside  = "outside" // answers, and is not in the configuration
)

// memberAnswer is one server in GET /v1/cluster.
type memberAnswer struct {
	raftfsm.Member
	Role          string `json:"role"`
	Voter         bool   `json:"voter"`
	State         string `json:"state,omitempty"` // of its Raft, as it last said
	Answers       bool   `json:"answers"`         // within the last two seconds
	LastContactMS int64  `json:"last_contact_ms,omitempty"`
	DurableIndex  uint64 `json:"durable_index,omitempty"`
	Behind        uint64 `json:"behind,omitempty"`  // entries its log lacks
	Pending       string `json:"pending,omitempty"` // what is to be done about it
}

// memberAnswers lists the servers of the configuration, and the nodes that answer outside it.
func (n *Node) memberAnswers() (list []memberAnswer) {
	registered := map[string]raftfsm.Member{}
	n.state.View(func(v raftfsm.View) {
		for _, m := range v.Members.All() {
			registered[m.Server] = m
		}
	})
	leader, last, servers := n.leaderServer(), n.lastIndex(), n.servers()
	for _, s := range servers {
		m, ok := registered[string(s.ID)]
		if !ok {
			m = raftfsm.Member{Node: nodeOf(string(s.ID)), Server: string(s.ID)}
			m.Raft, _ = n.addrOf(s.ID)
		}
		a := memberAnswer{Member: m, Voter: s.Suffrage == raft.Voter, Role: roleNonvoter}
		switch {
		case string(s.ID) == leader:
			a.Role = roleLeader
		case a.Voter:
			a.Role = roleVoter
		}
		n.addContact(&a, last)
		a.Pending = n.pending(&a)
		list = append(list, a)
	}
	for _, h := range append(n.peers.fresh(time.Now()), heard{status: n.ownStatus()}) {
		if slices.ContainsFunc(servers, func(s raft.Server) bool { return string(s.ID) == h.status.Server }) {
			continue
		}
		a := memberAnswer{Member: raftfsm.Member{Node: h.status.Node, Server: h.status.Server, Raft: h.status.Raft, HTTP: h.status.HTTP}, Role: roleOutside}
		n.addContact(&a, last)
		a.Pending = n.pending(&a)
		list = append(list, a)
	}
	slices.SortStableFunc(list, func(a, b memberAnswer) int {
		return cmp.Or(strings.Compare(a.Node, b.Node), strings.Compare(a.Role, b.Role))
	})
	return list
}

// addContact fills in what a server last said.
func (n *Node) addContact(a *memberAnswer, last uint64) {
	st, answers := n.ownStatus(), true
	if a.Server != n.id.server() {
		var h heard
		if h, answers = n.peers.of(a.Server); answers {
			st, a.LastContactMS = h.status, time.Since(h.at).Milliseconds()
		}
	}
	if a.Answers = answers; answers {
		a.State, a.DurableIndex, a.Behind = st.State, st.LastIndex, last-min(last, st.LastIndex)
	}
}

// pending says what an operator should do about a server, "" for nothing.
func (n *Node) pending(a *memberAnswer) string {
	if a.Server == n.id.server() {
		return *n.waiting.Load()
	}
	h, answers := n.peers.of(a.Server)
	switch why := n.refusalOf(a.Server); {
	case answers && h.status.Waiting != "":
		return h.status.Waiting
	case a.Role == roleNonvoter && n.hasVoter(a.Node):
		return fmt.Sprintf("taking over: `gapless ctl replace %s` goes on with it", a.Node)
	case answers && a.Role == roleNonvoter && a.Behind <= nearEnough:
		return fmt.Sprintf("caught up: `gapless ctl promote %s` lets it vote", a.Node)
	case answers && a.Role == roleNonvoter:
		return "catching up"
	case !answers && why != "":
		return why
	}
	return ""
}

func (n *Node) hasVoter(node string) bool {
	return slices.ContainsFunc(n.servers(), func(s raft.Server) bool { return s.Suffrage == raft.Voter && nodeOf(string(s.ID)) == node })
}

// lastIndex is the end of this node's log.
func (n *Node) lastIndex() uint64 {
	if r := n.raft(); r != nil {
		return r.LastIndex()
	}
	return n.durable().Index
}
