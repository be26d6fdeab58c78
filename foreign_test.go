package gapless

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSwappedDisks: two nodes' disks change places, without and with the nodes' configurations.
func TestSwappedDisks(t *testing.T) {
	c := newTestCluster(t, 3)
	c.startAll()
	leader, followers := c.leader()
	c.waitRegistered(leader, 3)
	postFrames(t, leader, "d", 0, 99)
	a, b := c.place(followers[0]), c.place(leader)
	c.stop(a)
	c.stop(b)
	c.cfgs[a].Data, c.cfgs[b].Data = c.cfgs[b].Data, c.cfgs[a].Data
	for _, i := range []int{a, b} {
		if _, err := Open(c.cfgs[i]); err == nil || !strings.Contains(err.Error(), "belongs to node") {
			t.Fatalf("%s took the disk of another node: %v", c.cfgs[i].Node, err)
		}
	}
	// With their configurations: each is itself, at the other's address.
	c.cfgs[a].Node, c.cfgs[b].Node = c.cfgs[b].Node, c.cfgs[a].Node
	c.start(a)
	c.start(b)
	for _, n := range c.nodes {
		c.ready(n)
	}
	leader, _ = c.leader()
	postFrames(t, leader, "d", 100, 199)
	for _, n := range c.nodes {
		if got := countFrames(t, n, "d", "&consistency=linearizable"); got != 200 {
			t.Errorf("%s: %d frames, want 200", n.cfg.Node, got)
		}
	}
}

// TestOtherCluster: a node of another cluster of the same name is at the address of a member.
func TestOtherCluster(t *testing.T) {
	c := newTestCluster(t, 3)
	c.startAll()
	leader, followers := c.leader()
	c.waitRegistered(leader, 3)
	keepsCluster(t, c.nodes...)
	postFrames(t, leader, "d", 0, 9)
	away := c.place(followers[0])
	c.stop(away)

	foreign := newTestCluster(t, 1)
	foreign.cfgs[0].Node, foreign.cfgs[0].Listen, foreign.cfgs[0].Peers = c.cfgs[away].Node, c.cfgs[away].Listen, nil
	foreign.startAll()
	stranger := foreign.nodes[0]
	keepsCluster(t, stranger)
	for _, op := range []string{"join", "replace"} {
		code, a, said := askChange(t, leader, c.cfgs[away].Node, op, c.cfgs[away].Listen)
		if code == http.StatusOK && op == "replace" || a.Server == stranger.id.server() {
			t.Errorf("%s of a node of another cluster: %d %s", op, code, said)
		}
	}
	c.stop(c.place(leader)) // a member starts again, and one of those that it asks is the stranger
	other := c.place(followers[1])
	c.stop(other)
	n := c.start(other)
	waits(t, n, "cluster")
	if n.raft() != nil {
		t.Error("a stranger's word let a node in")
	}
	foreign.stop(0)
	for i := range c.nodes {
		if c.nodes[i] == nil {
			c.start(i)
		}
	}
	for _, n := range c.nodes {
		c.ready(n)
	}
	if got := countFrames(t, n, "d", "&consistency=linearizable"); got != 10 {
		t.Errorf("%d frames, want 10", got)
	}

}

// TestMixedUpFiles: the log of one cluster under the identity of another.
func TestMixedUpFiles(t *testing.T) {
	c := newTestCluster(t, 1)
	c.cfgs[0].Peers = nil
	c.startAll()
	n := c.nodes[0]
	keepsCluster(t, n)
	c.stop(0)
	id, err := loadIdentity(n.dir, "test", n.cfg.Node)
	if err != nil {
		t.Fatal(err)
	}
	id.ClusterID = strings.Repeat("0", 32)
	if _, err := writeIdentity(n.dir, id); err != nil {
		t.Fatal(err)
	}
	fatal := c.catchFatal(0)
	c.start(0)
	select {
	case err := <-fatal:
		if !errors.Is(err, errMixedUp) {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("a log of another cluster was taken")
	}
}
