package gapless

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/query"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/tests/ports"
)

// testCluster is three nodes in this process, on loopback and real disks.
type testCluster struct {
	t     *testing.T
	cfgs  []Config
	nodes []*Node // nil while stopped
}

func newTestCluster(t *testing.T, size int) *testCluster {
	t.Helper()
	c := &testCluster{t: t, nodes: make([]*Node, size)}
	peers := map[string]string{}
	addrs, err := ports.Free(size)
	if err != nil {
		t.Fatal(err)
	}
	for i, addr := range addrs {
		peers[fmt.Sprintf("n%d", i+1)] = addr
	}
	for i := range size {
		node := fmt.Sprintf("n%d", i+1)
		c.cfgs = append(c.cfgs, Config{
			Node: node, Cluster: "test", Data: filepath.Join(t.TempDir(), node), HTTP: "127.0.0.1:0", Listen: peers[node], Peers: peers,
			FenceAfter: 10 * time.Second, AdmitAfter: 2 * time.Second, RequestTimeout: 10 * time.Second,
			Logger:  slog.New(slog.NewTextHandler(io.Discard, nil)),
			OnFatal: func(err error) { t.Errorf("%s: fatal: %v", node, err) },
		})
	}
	t.Cleanup(func() {
		for i := range c.nodes {
			c.stop(i)
		}
	})
	return c
}

func (c *testCluster) start(i int) *Node {
	c.t.Helper()
	cfg := c.cfgs[i]
	cfg.Registerer = nil
	var n *Node
	var err error
	eventually(c.t, func() bool { // while a node is stopped, an outgoing connection may borrow its port
		n, err = Open(cfg)
		return !errors.Is(err, syscall.EADDRINUSE)
	}, func() string { return err.Error() })
	if err != nil {
		c.t.Fatal(err)
	}
	c.nodes[i] = n
	return n
}

func (c *testCluster) startAll() {
	c.t.Helper()
	for i := range c.nodes {
		c.start(i)
	}
	for _, n := range c.nodes {
		c.ready(n)
	}
}

func (c *testCluster) stop(i int) {
	if n := c.nodes[i]; n != nil {
		if err := n.Close(); err != nil {
			c.t.Errorf("closing %s: %v", n.cfg.Node, err)
		}
		c.nodes[i] = nil
	}
}

func (c *testCluster) ready(n *Node) {
	c.t.Helper()
	var last string
	eventually(c.t, func() bool {
		var code int
		code, last = get(c.t, n, "/readyz")
		return code == 200
	}, func() string { return n.cfg.Node + ": " + last })
}

func (c *testCluster) leader() (leader *Node, followers []*Node) {
	c.t.Helper()
	eventually(c.t, func() bool {
		leader, followers = nil, nil
		for _, n := range c.nodes {
			if n != nil && n.proposer.Term() != 0 {
				leader = n
			} else if n != nil {
				followers = append(followers, n)
			}
		}
		return leader != nil
	}, func() string { return "no leader" })
	return leader, followers
}

func eventually(t *testing.T, ok func() bool, why func() string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal(why())
		}
		<-tick.C
	}
}

func get(t *testing.T, n *Node, path string) (int, string) {
	t.Helper()
	resp, err := http.Get("http://" + n.HTTPAddr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

func post(t *testing.T, n *Node, path, contentType, body string, header ...string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequest("POST", "http://"+n.HTTPAddr()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer map[string]any
	b, _ := io.ReadAll(resp.Body)
	if err := json.Unmarshal(b, &answer); err != nil {
		t.Fatalf("answer %d %q: %v", resp.StatusCode, b, err)
	}
	return resp.StatusCode, answer
}

func postFrames(t *testing.T, n *Node, device string, from, to int) string {
	t.Helper()
	var b bytes.Buffer
	for seq := from; seq <= to; seq++ {
		fmt.Fprintf(&b, `{"device":%q,"seq":%d,"first":0,"fields":{"v":%d.5}}`+"\n", device, seq, seq)
	}
	code, answer := post(t, n, "/v1/frames", "application/x-ndjson", b.String())
	if code != 200 || answer["accepted"] != float64(to-from+1) {
		t.Fatalf("posting %s %d..%d: %d %v", device, from, to, code, answer)
	}
	return answer["position"].(string)
}

func countFrames(t *testing.T, n *Node, device, more string) int {
	t.Helper()
	code, body := get(t, n, "/v1/frames?limit=10000&device="+device+more)
	if code != 200 {
		t.Fatalf("reading %s: %d %s", device, code, body)
	}
	var page struct {
		Frames []struct{} `json:"frames"`
	}
	if err := json.Unmarshal([]byte(body), &page); err != nil {
		t.Fatal(err)
	}
	return len(page.Frames)
}

func TestSingleNodeRestart(t *testing.T) {
	c := newTestCluster(t, 1)
	c.cfgs[0].Peers = nil
	c.startAll()
	postFrames(t, c.nodes[0], "d", 0, 99)
	c.stop(0)
	n := c.start(0)
	c.ready(n)
	if got := countFrames(t, n, "d", ""); got != 100 {
		t.Errorf("%d frames after a restart, want 100", got)
	}
	if code, answer := post(t, n, "/v1/frames", "application/json", `{"device":"d","seq":7,"first":0,"fields":{"v":7.5}}`); code != 200 || answer["duplicate"] != 1.0 {
		t.Errorf("a frame repeated after the restart: %d %v", code, answer)
	}
}

func TestThreeNodes(t *testing.T) {
	c := newTestCluster(t, 3)
	c.startAll()
	leader, followers := c.leader()
	postFrames(t, leader, "d", 0, 9)
	pos := postFrames(t, followers[0], "d", 10, 19) // forwarded
	for _, n := range c.nodes {
		for _, more := range []string{"&consistency=linearizable", "&consistency=leader", "&consistency=stale&after=" + pos} {
			if got := countFrames(t, n, "d", more); got != 20 {
				t.Errorf("%s%s: %d frames, want 20", n.cfg.Node, more, got)
			}
		}
	}
	eventually(t, func() bool {
		_, body := get(t, followers[1], "/v1/cluster")
		var a clusterAnswer
		return json.Unmarshal([]byte(body), &a) == nil && len(a.Members) == 3 && a.Leader != nil && a.Leader.Node == leader.cfg.Node
	}, func() string { return "members do not register" })

	for i, n := range c.nodes { // fail over
		if n == leader {
			c.stop(i)
		}
	}
	second, _ := c.leader()
	postFrames(t, second, "d", 20, 29)
	if got := countFrames(t, second, "d", "&consistency=linearizable"); got != 30 {
		t.Errorf("%d frames after the leader went, want 30", got)
	}
	for i := range c.nodes {
		if c.nodes[i] == nil {
			c.ready(c.start(i))
			if got := countFrames(t, c.nodes[i], "d", ""); got != 30 {
				t.Errorf("%d frames on the node that came back, want 30", got)
			}
		}
	}
	digests := map[string]bool{}
	pos = postFrames(t, second, "d", 30, 30)
	for _, n := range c.nodes {
		_, body := get(t, n, "/v1/ledger?consistency=stale&after="+pos)
		var a struct {
			Digest string `json:"digest"`
		}
		if err := json.Unmarshal([]byte(body), &a); err != nil || len(a.Digest) != 64 {
			t.Fatalf("ledger of %s: %s, %v", n.cfg.Node, body, err)
		}
		digests[a.Digest] = true
	}
	if len(digests) != 1 {
		t.Errorf("the nodes' ledgers have digests %v, want one", digests)
	}
}

func TestTransferByAnyNode(t *testing.T) {
	c := newTestCluster(t, 3)
	c.startAll()
	leader, followers := c.leader()
	eventually(t, func() bool {
		members := 0
		leader.state.View(func(v raftfsm.View) { members = len(v.Members.All()) })
		return members == 3
	}, func() string { return "members do not register" })
	to := followers[0].cfg.Node
	if code, answer := post(t, followers[1], "/v1/cluster/transfer", "application/json", `{"to":"`+to+`"}`); code != 200 {
		t.Fatalf("transfer: %d %v", code, answer)
	}
	eventually(t, func() bool { return followers[0].proposer.Term() != 0 }, func() string { return to + " does not lead" })
	postFrames(t, leader, "d", 0, 9)
}

func TestNoQuorumNoAnswer(t *testing.T) {
	c := newTestCluster(t, 3)
	c.startAll()
	leader, _ := c.leader()
	postFrames(t, leader, "d", 0, 9)
	for i, n := range c.nodes {
		if n != leader {
			c.stop(i)
		}
	}
	code, answer := post(t, leader, "/v1/frames", "application/json", `{"device":"d","seq":10,"fields":{"v":1.5}}`)
	if code != 503 {
		t.Errorf("a frame without a quorum was answered with %d %v", code, answer)
	}
	if code, body := get(t, leader, "/v1/frames?device=d&consistency=linearizable"); code != 503 {
		t.Errorf("a linearizable read without a quorum was answered with %d %s", code, body)
	}
	if got := countFrames(t, leader, "d", "&consistency=stale"); got != 10 {
		t.Errorf("a stale read without a quorum shows %d frames, want 10", got)
	}
}

// TestBootstrapNeedsEveryPeer: two of three configured nodes must not found a cluster.
func TestBootstrapNeedsEveryPeer(t *testing.T) {
	c := newTestCluster(t, 3)
	a, b := c.start(0), c.start(1)
	eventually(t, func() bool { return strings.Contains(*a.waiting.Load(), "n3") }, func() string { return *a.waiting.Load() })
	if a.raft() != nil || b.raft() != nil {
		t.Fatal("Raft runs although n3 never answered")
	}
	c.ready(c.start(2))
	c.ready(a)
}

// TestWipedNodeStaysOut: an empty disk must not vote under the name of the node that lost it.
func TestWipedNodeStaysOut(t *testing.T) {
	c := newTestCluster(t, 3)
	c.startAll()
	leader, _ := c.leader()
	postFrames(t, leader, "d", 0, 9)
	victim := 0
	if c.nodes[0] == leader {
		victim = 1
	}
	c.stop(victim)
	if err := os.RemoveAll(c.cfgs[victim].Data); err != nil {
		t.Fatal(err)
	}
	n := c.start(victim)
	staysOut(t, n, "does not know")
	if code, body := get(t, n, "/readyz"); code != 503 {
		t.Errorf("readyz of a wiped node: %d %s", code, body)
	}
}

func TestIdempotencyAcrossNodes(t *testing.T) {
	c := newTestCluster(t, 3)
	c.startAll()
	_, followers := c.leader()
	const body = `[{"device":"s","fields":{"v":1}},{"device":"s","fields":{"v":2}}]`
	code, first := post(t, followers[0], "/v1/frames", "application/json", body, "Idempotency-Key", "order-1")
	if code != 200 || first["delivery"] != "exactly_once" {
		t.Fatalf("first: %d %v", code, first)
	}
	code, again := post(t, followers[1], "/v1/frames", "application/json", body, "Idempotency-Key", "order-1")
	if code != 200 || again["replayed"] != true || again["position"] != first["position"] {
		t.Errorf("again at another node: %d %v", code, again)
	}
	if code, answer := post(t, followers[1], "/v1/frames", "application/json", `[{"device":"s"}]`, "Idempotency-Key", "order-1"); code != 422 {
		t.Errorf("the key with another body: %d %v", code, answer)
	}
	if got := countFrames(t, followers[0], "s", "&consistency=linearizable"); got != 2 {
		t.Errorf("%d frames, want 2", got)
	}
	if code, answer := post(t, followers[0], "/v1/frames", "application/json", `{"device":"s","fields":{"v":2}}`); code != 200 || answer["delivery"] != "at_least_once" {
		t.Errorf("an unnumbered frame without a key: %d %v", code, answer)
	}
}

var _ query.Source = (*Node)(nil)

// TestFirstFrameBesideFirstHeartbeat: a device's first frame and first heartbeat at once must not meet in two stream numbers.
func TestFirstFrameBesideFirstHeartbeat(t *testing.T) {
	n := startSingle(t, nil)
	for i := range 40 {
		device := fmt.Sprintf("d%d", i)
		done := make(chan int)
		go func() {
			resp, err := http.Post("http://"+n.HTTPAddr()+"/v1/devices/"+device+"/heartbeat", "application/json", strings.NewReader(`{"next_seq":3}`))
			if err != nil {
				done <- 0
				return
			}
			resp.Body.Close()
			done <- resp.StatusCode
		}()
		postFrames(t, n, device, 0, 1)
		if code := <-done; code != 200 {
			t.Fatalf("heartbeat of %s: %d", device, code)
		}
	}
	if err := n.state.Halted(); err != nil {
		t.Error(err)
	}
}

// TestLostStoresAreNoticed: a node that lost its log or its votes must not start.
func TestLostStoresAreNoticed(t *testing.T) {
	for _, lost := range []string{walDir, stableFile} {
		t.Run(lost, func(t *testing.T) {
			c := newTestCluster(t, 1)
			c.cfgs[0].Peers = nil
			c.startAll()
			postFrames(t, c.nodes[0], "d", 0, 9)
			c.stop(0)
			if err := os.RemoveAll(filepath.Join(c.cfgs[0].Data, lost)); err != nil {
				t.Fatal(err)
			}
			cfg := c.cfgs[0]
			if n, err := Open(cfg); err == nil {
				n.Close()
				t.Errorf("a node without its %s started", lost)
			}
		})
	}
}
