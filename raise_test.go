package gapless

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/tests/cluster"
)

// newOldCluster is three nodes on the disks of a cluster that an older release left, at cluster version 1.
func newOldCluster(t *testing.T) *testCluster {
	t.Helper()
	c, dir := newTestCluster(t, 3), t.TempDir()
	f, err := os.Open(filepath.Join("tests", "compat", "testdata", "0.2.0-three.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	files, err := gzip.NewReader(f)
	if err == nil {
		err = cluster.Unpack(files, dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.cfgs {
		c.cfgs[i].Data = filepath.Join(dir, c.cfgs[i].Node)
	}
	c.startAll()
	for _, n := range c.nodes {
		eventually(t, func() bool { return versions(n) == [2]int{1, raftfsm.SupportedVersion} }, func() string { return "the nodes have not said what they support" })
	}
	return c
}

// versions are that of the cluster and the newest that every member supports, as a node knows.
func versions(n *Node) (v [2]int) {
	n.state.View(func(view raftfsm.View) {
		v = [2]int{view.Members.Version(), raftfsm.SupportedVersion}
		for _, m := range view.Members.All() {
			v[1] = min(v[1], m.Versions)
		}
	})
	return v
}

// TestRaise: an upgrade is ended at any node, once, one version after the other, and an audit frame of each says who did. From then on what the cluster
// stored before can be proven, too.
func TestRaise(t *testing.T) {
	c := newOldCluster(t)
	leader, followers := c.leader()
	if code, answer := post(t, leader, "/v1/proof/seal", "application/json", ""); code != http.StatusConflict || !strings.Contains(fmt.Sprint(answer), "cluster_version") {
		t.Errorf("a seal at cluster version 1: %d %v", code, answer)
	}
	const seals = `"seal":{"off":false,"interval_ms":3600000}`
	if _, body := get(t, leader, "/v1/policy"); strings.Contains(body, "seal") {
		t.Errorf("the policy at cluster version 1: %s", body)
	}
	for _, want := range []string{`{"from":1,"to":3}`, `{"from":3,"to":3}`} {
		if code, body := send(t, followers[0], "POST", "/v1/cluster/raise", ""); code != http.StatusOK || strings.TrimSpace(body) != want {
			t.Errorf("raise: %d %s, want %s", code, body, want)
		}
	}
	var said []string
	audits := frame.StreamKey{Tenant: raftfsm.TenantSystem, Device: raftfsm.DeviceAudit, Stream: frame.DefaultStream}
	err := leader.queries.Newest(t.Context(), audits, func(f *frame.Frame) bool {
		said = append(said, field(f, "action")+" by "+field(f, "by")+": "+field(f, "subject"))
		return true
	})
	if err != nil || strings.Join(said, "; ") != "cluster_raise by anonymous: cluster version 3; cluster_raise by anonymous: cluster version 2" {
		t.Errorf("the audit has, the newest first, %q: %v", said, err)
	}
	if _, body := get(t, followers[0], "/v1/policy"); !strings.Contains(body, seals) {
		t.Errorf("the policy at cluster version 3, before its first change: %s", body)
	}
	if st := c.seal(followers[0]); st.Sealed != 1 || st.Checkpoint.Census == 0 || len(st.Differences) != 0 {
		t.Errorf("after a seal: %+v", st)
	}
}

// TestPolicyAtALaggingNode: a node that missed the raise of the cluster version proposes nothing by what it knows from before.
func TestPolicyAtALaggingNode(t *testing.T) {
	c := newOldCluster(t)
	_, followers := c.leader()
	late := c.place(followers[0])
	c.stop(late)
	if code, body := send(t, followers[1], "POST", "/v1/cluster/raise", ""); code != http.StatusOK {
		t.Fatalf("raise: %d %s", code, body)
	}
	p, _ := followers[1].policy()
	p.Merge.FanIn = 9
	policy, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.nodes {
		c.stop(i)
	}
	n := c.start(late)
	if v := versions(n)[0]; v > 1 {
		t.Fatalf("the node that is late knows of cluster version %d already", v)
	}
	change := func() (int, string) { return send(t, n, "PUT", "/v1/policy?note=wider", string(policy)) }
	if code, body := change(); code != http.StatusServiceUnavailable || !strings.Contains(body, "no_leader") {
		t.Errorf("a node that cannot know the cluster's version answers %d %s", code, body)
	}
	for i := range c.nodes {
		if i != late {
			c.start(i)
		}
	}
	var code int
	var body string
	eventually(t, func() bool { code, body = change(); return code != http.StatusServiceUnavailable }, func() string { return body })
	var now raftfsm.Policy
	if err := json.Unmarshal([]byte(body), &now); err != nil || code != http.StatusOK || now.Merge.FanIn != 9 {
		t.Errorf("the change at the node that was late: %d %s", code, body)
	}
	if _, history := get(t, n, "/v1/policy/history"); !strings.Contains(history, `"note":"wider"`) {
		t.Errorf("the history is %s", history)
	}
}
