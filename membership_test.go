package gapless

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/ingest"
	"github.com/gaplessdb/gapless/raftfsm"
)

// TestGrow takes a cluster from one node to three while its first node runs on, and lets that one go at the end.
func TestGrow(t *testing.T) {
	c := newTestCluster(t, 1)
	c.cfgs[0].Peers = nil
	c.startAll()
	first := c.nodes[0]
	postFrames(t, first, "d", 0, 99)
	mustRefuse(t, first, "n1", "remove", "", "last_voter")
	mustRefuse(t, first, "n2", "promote", "", "unknown_node")
	mustRefuse(t, first, "n2", "replace", "", "unknown_node")
	for _, node := range []string{"n2", "n3"} {
		i := c.add(node)
		n := c.start(i)
		waits(t, n, "gapless ctl join "+node)
		if n.raft() != nil {
			t.Fatal("Raft runs on a node that was not taken in")
		}
		if a := mustChange(t, first, node, "join", c.cfgs[i].Listen); a.Server != n.id.server() {
			t.Errorf("joined %+v, want %s", a, n.id.server())
		}
		if roles(first)[node] != roleNonvoter {
			t.Errorf("roles %v after a join", roles(first))
		}
		mustChange(t, first, node, "join", c.cfgs[i].Listen) // again: nothing happens
		waitTick(t, first, func(tick raftfsm.Tick) bool {    // a non-voter is noted, and its clock does not count
			note, noted := tick.Note(n.id.server())
			return noted && !note.Voter && tick.Voters == i && len(tick.Readings) <= i
		})
		mustChange(t, first, node, "promote", "")
		mustChange(t, first, node, "promote", "")
		c.ready(n)
		postFrames(t, n, "d", 100*i, 100*i+99) // forwarded
	}
	want := map[string]string{"n1": roleVoter, "n2": roleVoter, "n3": roleVoter}
	for _, n := range c.nodes {
		c.waitRoles(n, want)
	}
	keepsCluster(t, c.nodes...)
	if a, b := first.knownClusterID(), c.nodes[2].knownClusterID(); a != b {
		t.Errorf("cluster ids %s and %s", a, b)
	}
	mustRefuse(t, first, "n4", "join", c.cfgs[1].Listen, "wrong_node")
	mustRefuse(t, first, "n2", "explode", "", "unknown_path")
	c.stop(0)
	second, _ := c.leader()
	postFrames(t, second, "d", 300, 399)
	if got := countFrames(t, second, "d", "&consistency=linearizable"); got != 400 {
		t.Errorf("%d frames without the first node, want 400", got)
	}
	mustRefuse(t, second, second.cfg.Node, "remove", "", "would_lose_quorum") // one of two would be left of which none answers
	c.cfgs[0].Peers = c.cfgs[2].Peers
	c.ready(c.start(0))
	if got := countFrames(t, c.nodes[0], "d", ""); got != 400 {
		t.Errorf("%d frames on the first node, want 400", got)
	}
}

// TestRemove takes a fourth node in and out again, and then makes the leader remove itself.
func TestRemove(t *testing.T) {
	c := newTestCluster(t, 3)
	c.startAll()
	leader, _ := c.leader()
	postFrames(t, leader, "d", 0, 9)
	i := c.add("n4")
	fourth := c.start(i)
	mustChange(t, c.nodes[1], "n4", "join", c.cfgs[i].Listen) // any node takes the request
	mustChange(t, c.nodes[2], "n4", "promote", "")
	c.ready(fourth)
	mustChange(t, fourth, "n4", "remove", "")
	mustChange(t, leader, "n4", "remove", "")
	waits(t, fourth, "removed: ")
	if code, body := get(t, fourth, "/readyz"); code != 503 || !strings.Contains(body, "removed") {
		t.Errorf("readyz of a removed node: %d %s", code, body)
	}
	c.stop(i)
	fourth = c.start(i)
	waits(t, fourth, "was removed")
	if fourth.raft() != nil {
		t.Error("Raft runs on a removed node")
	}
	mustChange(t, leader, "n4", "join", c.cfgs[i].Listen) // its old disk is welcome: it belongs to this cluster
	c.ready(fourth)
	mustChange(t, leader, "n4", "remove", "")
	c.stop(i)

	leader, followers := c.leader()
	mustChange(t, leader, leader.cfg.Node, "remove", "")
	second := followers[0]
	c.waitRoles(second, map[string]string{followers[0].cfg.Node: roleVoter, followers[1].cfg.Node: roleVoter, leader.cfg.Node: roleOutside})
	c.stop(c.place(leader))
	second, _ = c.leader()
	postFrames(t, second, "d", 10, 19)
	if got := countFrames(t, second, "d", "&consistency=linearizable"); got != 20 {
		t.Errorf("%d frames after the leader was removed, want 20", got)
	}
}

// TestReplace puts a new disk in the place of a lost one, under load, with a change of leader in between.
func TestReplace(t *testing.T) {
	c := newTestCluster(t, 3)
	c.startAll()
	leader, followers := c.leader()
	c.waitRegistered(leader, 3)
	postFrames(t, leader, "d", 0, 199)
	victim := c.place(followers[0])
	node, old := followers[0].cfg.Node, followers[0].id.server()
	mustChange(t, leader, node, "replace", "") // nothing to do: it votes
	c.stop(victim)
	c.wipe(victim)
	n := c.start(victim)
	waits(t, n, "gapless ctl replace "+node)
	c.waitRoles(leader, map[string]string{node: roleOutside + roleVoter, leader.cfg.Node: roleVoter, followers[1].cfg.Node: roleVoter})

	// The first step, and then another leader has to go on.
	eventually(t, func() bool {
		a, err := leader.changeStep(t.Context(), changeRequest{Op: opReplace, Node: node})
		return err == nil && a.Step == stepChanged
	}, func() string { return "not added" })
	if err := leader.transfer(followers[1].cfg.Node); err != nil {
		t.Fatal(err)
	}
	a := mustChange(t, leader, node, "replace", "")
	if a.Server != n.id.server() || a.Server == old {
		t.Errorf("replaced by %+v, want %s", a, n.id.server())
	}
	mustChange(t, followers[1], node, "replace", "")
	c.ready(n)
	c.waitRoles(n, map[string]string{"n1": roleVoter, "n2": roleVoter, "n3": roleVoter})
	leader, _ = c.leader()
	postFrames(t, leader, "d", 200, 299)
	if got := countFrames(t, n, "d", "&consistency=linearizable"); got != 300 {
		t.Errorf("%d frames on the new disk, want 300", got)
	}
	for _, s := range n.servers() {
		if string(s.ID) == old {
			t.Errorf("%s is still in the configuration", old)
		}
	}
	checkConfigurations(t, n)
	for _, other := range c.nodes { // the new disk votes: it and one other are enough
		if other != n && other != leader {
			c.stop(c.place(other))
			break
		}
	}
	leader, _ = c.leader()
	postFrames(t, leader, "d", 300, 309)
}

// TestReplaceNeedsTheOthers: while a third node is away, the lost disk's vote cannot be taken over.
func TestReplaceNeedsTheOthers(t *testing.T) {
	c := newTestCluster(t, 3)
	c.startAll()
	leader, followers := c.leader()
	victim, away := c.place(followers[0]), c.place(followers[1])
	mustRefuse(t, leader, "n9", "replace", c.cfgs[victim].Listen, "unknown_node")
	i := c.add(followers[0].cfg.Node) // a second machine with the same name
	twin := c.start(i)
	waits(t, twin, "replace")
	mustRefuse(t, leader, twin.cfg.Node, "replace", c.cfgs[i].Listen, "still_running")
	c.stop(i)
	c.stop(victim)
	c.wipe(victim)
	mustRefuse(t, leader, followers[1].cfg.Node, "remove", "", "would_lose_quorum")
	code, a, said := askChange(t, leader, c.cfgs[victim].Node, "replace", "")
	if code != http.StatusAccepted || a.Step != stepWaiting {
		t.Errorf("replacing a node that does not run: %d %s", code, said)
	}
	c.start(victim)
	c.stop(away)
	if code, _, said := askChange(t, leader, c.cfgs[victim].Node, "replace", ""); code == http.StatusOK || code == http.StatusAccepted {
		t.Errorf("replaced with two of three voters away: %d %s", code, said)
	}
	c.ready(c.start(away))
	mustChange(t, leader, c.cfgs[victim].Node, "replace", "")
}

// TestMovedNode: a node that comes back at another address is found, by the leader and by those that start later.
func TestMovedNode(t *testing.T) {
	c := newTestCluster(t, 3)
	c.startAll()
	leader, followers := c.leader()
	c.waitRegistered(leader, 3)
	moved := c.place(followers[0])
	c.stop(moved)
	peers := map[string]string{}
	for node, addr := range c.cfgs[moved].Peers {
		peers[node] = addr
	}
	addr := freeAddr(t)
	peers[c.cfgs[moved].Node] = addr
	c.cfgs[moved].Peers, c.cfgs[moved].Listen = peers, addr
	n := c.start(moved)
	c.ready(n)
	eventually(t, func() bool {
		for _, a := range leader.memberAnswers() {
			if a.Server == n.id.server() && a.Raft == addr {
				return true
			}
		}
		return false
	}, func() string {
		return fmt.Sprintf("the new address %s is not registered: %+v", addr, leader.memberAnswers())
	})
	other := c.place(followers[1])
	waitTick(t, followers[1], func(tick raftfsm.Tick) bool {
		note, _ := tick.Note(n.id.server())
		return note.Raft == addr
	})
	c.stop(other)
	c.stop(c.place(leader))
	c.ready(c.start(other)) // knows the old address from its configuration only, and the new one from its log
	postFrames(t, c.nodes[other], "d", 0, 9)
}

// TestAddRefuses: the handshake turns most strangers away; what it cannot know is asked before a server is added.
func TestAddRefuses(t *testing.T) {
	n := startSingle(t, nil)
	keepsCluster(t, n)
	c := &change{Node: n, ctx: t.Context(), node: "n2", raft: n.raft(), servers: n.servers()}
	for _, tc := range []struct {
		code string
		st   status
		addr string
	}{
		{"not_empty", status{Server: "n2.1", LastIndex: 5, ClusterID: strings.Repeat("0", 32)}, "127.0.0.1:1"},
		{"not_empty", status{Server: "n2.1", LastIndex: 5}, "127.0.0.1:1"},
		{"address_in_use", status{Server: "n2.1", Empty: true}, n.cfg.Listen},
	} {
		_, err := c.add(&located{tc.st, tc.addr})
		var refused *ingest.RefusedError
		if !errors.As(err, &refused) || refused.Code != tc.code {
			t.Errorf("adding %+v at %s: %v, want it refused with %s", tc.st, tc.addr, err, tc.code)
		}
	}
	if len(n.servers()) != 1 {
		t.Errorf("servers %v", n.servers())
	}
}
