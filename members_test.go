package gapless

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/tests/ports"
)

// add configures another node, which knows the cluster's nodes, and returns its place.
func (c *testCluster) add(node string) int {
	c.t.Helper()
	addr := freeAddr(c.t)
	peers := map[string]string{node: addr}
	for _, cfg := range c.cfgs {
		peers[cfg.Node] = cfg.Listen
	}
	c.cfgs = append(c.cfgs, Config{
		Node: node, Cluster: "test", Data: filepath.Join(c.t.TempDir(), node), HTTP: "127.0.0.1:0", Listen: addr, Peers: peers,
		FenceAfter: 10 * time.Second, RequestTimeout: 10 * time.Second, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		OnFatal: func(err error) { c.t.Errorf("%s: fatal: %v", node, err) },
	})
	c.nodes = append(c.nodes, nil)
	return len(c.nodes) - 1
}

func freeAddr(t *testing.T) string {
	t.Helper()
	addrs, err := ports.Free(1)
	if err != nil {
		t.Fatal(err)
	}
	return addrs[0]
}

func (c *testCluster) wipe(i int) {
	c.t.Helper()
	if err := os.RemoveAll(c.cfgs[i].Data); err != nil {
		c.t.Fatal(err)
	}
}

// place is where a node stands in the cluster.
func (c *testCluster) place(n *Node) int {
	for i := range c.nodes {
		if c.nodes[i] == n {
			return i
		}
	}
	c.t.Fatal("no such node")
	return -1
}

// askChange asks for one change and returns what was answered.
func askChange(t *testing.T, n *Node, node, op, address string) (int, changeAnswer, string) {
	t.Helper()
	body := ""
	if address != "" {
		body = fmt.Sprintf(`{"address":%q}`, address)
	}
	resp, err := http.Post("http://"+n.HTTPAddr()+"/v1/cluster/members/"+node+"/"+op, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var a changeAnswer
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatalf("answer %d %q: %v", resp.StatusCode, b, err)
	}
	return resp.StatusCode, a, string(b)
}

// mustChange repeats a change, as ctl does, until it is done.
func mustChange(t *testing.T, n *Node, node, op, address string) changeAnswer {
	t.Helper()
	var code int
	var a changeAnswer
	var said string
	eventually(t, func() bool {
		code, a, said = askChange(t, n, node, op, address)
		if code != http.StatusOK && code != http.StatusAccepted && code != http.StatusServiceUnavailable {
			t.Fatalf("%s %s: %d %s", op, node, code, said)
		}
		return a.Done
	}, func() string { return fmt.Sprintf("%s %s: %d %s", op, node, code, said) })
	return a
}

// mustRefuse asks for a change that must be refused with a code.
func mustRefuse(t *testing.T, n *Node, node, op, address, code string) {
	t.Helper()
	var status int
	var said string
	eventually(t, func() bool {
		status, _, said = askChange(t, n, node, op, address)
		return status != http.StatusServiceUnavailable
	}, func() string { return said })
	if status/100 != 4 || !strings.Contains(said, `"code":"`+code+`"`) {
		t.Errorf("%s %s: %d %s, want it refused with %s", op, node, status, said, code)
	}
}

// roles are the roles of the servers as a node sees them, by node; a node with two servers has both.
func roles(n *Node) map[string]string {
	m := map[string]string{}
	for _, a := range n.memberAnswers() {
		role := a.Role
		if role == roleLeader {
			role = roleVoter
		}
		m[a.Node] += role
	}
	return m
}

func (c *testCluster) waitRoles(n *Node, want map[string]string) {
	c.t.Helper()
	eventually(c.t, func() bool { return fmt.Sprint(roles(n)) == fmt.Sprint(want) }, func() string { return fmt.Sprintf("roles %v, want %v", roles(n), want) })
}

func (c *testCluster) waitRegistered(n *Node, nodes int) {
	c.t.Helper()
	eventually(c.t, func() bool {
		count := 0
		for _, a := range n.memberAnswers() {
			if a.HTTP != "" && a.Answers {
				count++
			}
		}
		return count == nodes
	}, func() string { return fmt.Sprintf("members %+v, want %d", n.memberAnswers(), nodes) })
}

// checkConfigurations reads every configuration in a node's log: each differs from the one before by one server, and no node ever had two votes.
func checkConfigurations(t *testing.T, n *Node) {
	t.Helper()
	first, err := n.cons.log.FirstIndex()
	if err != nil {
		t.Fatal(err)
	}
	var before raft.Configuration
	for index := max(first, 1); index <= n.lastIndex(); index++ {
		var e raft.Log
		if err := n.cons.log.GetLog(index, &e); err != nil {
			t.Fatal(err)
		}
		if e.Type != raft.LogConfiguration {
			continue
		}
		now := raft.DecodeConfiguration(e.Data)
		voters := map[string]bool{}
		changes := len(before.Servers) - len(now.Servers)
		for _, s := range now.Servers {
			node := nodeOf(string(s.ID))
			if s.Suffrage == raft.Voter && voters[node] {
				t.Errorf("entry %d: %s votes twice: %v", index, node, now.Servers)
			}
			voters[node] = voters[node] || s.Suffrage == raft.Voter
		}
		if before.Servers != nil && (changes > 1 || changes < -1) {
			t.Errorf("entry %d changes %v to %v at once", index, before.Servers, now.Servers)
		}
		before = now
	}
}

// catchFatal makes node i hand over its fatal fault instead of failing the test.
func (c *testCluster) catchFatal(i int) <-chan error {
	fatal := make(chan error, 1)
	c.cfgs[i].OnFatal = func(err error) { fatal <- err }
	return fatal
}

func (c *testCluster) copyDisk(from, to string) {
	c.t.Helper()
	if err := os.RemoveAll(to); err != nil {
		c.t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		c.t.Fatal(err)
	}
}

// waitNoted waits until the newest TICK in the log of one node notes what another has stored.
func (c *testCluster) waitNoted(in, of *Node) {
	c.t.Helper()
	end := of.durable()
	waitTick(c.t, in, func(tick raftfsm.Tick) bool {
		note, _ := tick.Note(of.id.server())
		return note.Compare(end) >= 0
	})
}

// waits waits until a node says that it waits, and why.
func waits(t *testing.T, n *Node, why string) {
	t.Helper()
	eventually(t, func() bool { return strings.Contains(*n.waiting.Load(), why) }, func() string { return *n.waiting.Load() })
}

// staysOut waits until a node on a disk that was wiped says why it waits. It must not run Raft.
func staysOut(t *testing.T, n *Node, why string) {
	t.Helper()
	eventually(t, func() bool { return n.raft() != nil || strings.Contains(*n.waiting.Load(), why) }, func() string { return *n.waiting.Load() })
	if n.raft() != nil {
		t.Fatalf("%s takes part on a disk that was wiped, as %s", n.cfg.Node, n.id.server())
	}
}

// keepsCluster waits until the disks of nodes know their cluster.
func keepsCluster(t *testing.T, nodes ...*Node) {
	t.Helper()
	for _, n := range nodes {
		eventually(t, func() bool { return n.knownClusterID() != "" }, func() string { return n.cfg.Node + " does not keep the cluster's id" })
	}
}

// waitTick waits until the newest TICK in a node's log is as wanted.
func waitTick(t *testing.T, n *Node, ok func(raftfsm.Tick) bool) {
	t.Helper()
	var p page
	eventually(t, func() bool {
		var err error
		p, err = n.membership.notes.newest(n.cons.log)
		return err == nil && ok(p.tick)
	}, func() string { return fmt.Sprintf("newest TICK of %s: %+v", n.cfg.Node, p.tick) })
}
