package gapless

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/segment"
)

// newMergingCluster is three nodes that merge whenever two segments lie in a window.
func newMergingCluster(t *testing.T) *testCluster {
	c := newCalmCluster(t)
	for i := range c.cfgs {
		c.cfgs[i].RetireAfter = 100 * time.Millisecond
		c.cfgs[i].Merging = Merging{Interval: 20 * time.Millisecond, PatienceFor: 2 * time.Second, GiveUpAfter: 10 * time.Second, Rebuild: true}
	}
	c.startAll()
	c.setPolicy("merge", map[string]any{"window_ms": 3_600_000, "fan_in": 2, "max_bytes": 1 << 20})
	return c
}

// setPolicy changes one part of the policy.
func (c *testCluster) setPolicy(part string, value any) {
	c.t.Helper()
	leader, _ := c.leader()
	code, body := get(c.t, leader, "/v1/policy")
	var policy map[string]any
	if err := json.Unmarshal([]byte(body), &policy); code != http.StatusOK || err != nil {
		c.t.Fatalf("policy: %d %s %v", code, body, err)
	}
	policy[part] = value
	changed, err := json.Marshal(policy)
	if err != nil {
		c.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPut, "http://"+leader.HTTPAddr()+"/v1/policy", strings.NewReader(string(changed)))
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		c.t.Fatalf("policy: %d", resp.StatusCode)
	}
}

// postTimed posts frames, one a minute from a time on, with a text that tells them apart.
func postTimed(t *testing.T, n *Node, device string, from, to int, at time.Time) {
	t.Helper()
	var b strings.Builder
	for seq := from; seq <= to; seq++ {
		ns := at.Add(time.Duration(seq-from) * time.Minute).UnixNano()
		fmt.Fprintf(&b, `{"device":%q,"seq":%d,"first":0,"time_ns":%d,"fields":{"v":%d.5,"text":"frame %d"}}`+"\n", device, seq, ns, seq, seq)
	}
	if code, answer := post(t, n, "/v1/frames", "application/x-ndjson", b.String()); code != http.StatusOK {
		t.Fatalf("posting %s %d..%d: %d %v", device, from, to, code, answer)
	}
}

func mergesAt(t *testing.T, n *Node) (a mergesAnswer) {
	t.Helper()
	code, body := get(t, n, "/v1/merges")
	if err := json.Unmarshal([]byte(body), &a); code != http.StatusOK || err != nil {
		t.Fatalf("merges: %d %s %v", code, body, err)
	}
	return a
}

// merged waits until merges wait for a floor, and none is under way, makes that floor, and returns the storage of every node.
func (c *testCluster) merged() []storageAnswer {
	c.t.Helper()
	leader, _ := c.leader()
	var a mergesAnswer
	eventually(c.t, func() bool {
		a = mergesAt(c.t, leader)
		return len(a.Waiting) > 0 && len(a.Pending) == 0
	}, func() string { return fmt.Sprintf("merges: %+v", a) })
	return c.flushed()
}

// TestThreeNodesMerge: segments become fewer on all nodes alike, every frame stays readable, what was replaced goes, and a node that starts has the same.
func TestThreeNodesMerge(t *testing.T) {
	c := newMergingCluster(t)
	c.keysKnown()
	hour := time.Now().Truncate(time.Hour)
	for i := range 4 { // each covers three windows
		postTimed(t, c.nodes[i%3], "d1", 120*i, 120*i+119, hour.Add(-2*time.Hour+time.Minute))
		c.flushed()
	}
	all := c.merged()
	wantSame(t, all)
	for _, s := range all[0].Segments {
		if s.State != "present" {
			t.Errorf("segment %s is %s", s.Name, s.State)
		}
	}
	log := c.logAt(all[0].Floor)
	if merges := log[record.TypeMerge]; merges == 0 || log[record.TypeKey] != 3 || log[record.TypePolicy] != 1 || log.records() != merges+4 {
		t.Errorf("the proof's log has %v: want 3 keys, 1 policy, and merges", log)
	}
	if want := 480 + 1 + log.records(); all[0].Total.Frames != want { // with what the change of the policy left behind
		t.Errorf("%d frames in segments, want %d", all[0].Total.Frames, want)
	}
	readAll := func() {
		t.Helper()
		for _, n := range c.nodes {
			code, body := get(t, n, "/v1/frames?device=d1&limit=1000&consistency=linearizable")
			for seq := range 480 {
				if !strings.Contains(body, fmt.Sprintf(`"text":"frame %d"`, seq)) {
					t.Fatalf("%s answers %d without frame %d", n.cfg.Node, code, seq)
				}
			}
		}
	}
	readAll()
	eventually(t, func() bool { c.flushed(); return !c.surplusFiles() }, func() string { return "files that no floor lists are still here" })
	for i := range c.nodes {
		c.stop(i)
	}
	c.startAll()
	readAll()
	wantSame(t, c.flushed())
}

// surplusFiles reports whether some node has segment files that its manifest does not list.
func (c *testCluster) surplusFiles() bool {
	c.t.Helper()
	for i, n := range c.nodes {
		listed := map[string]bool{}
		for _, s := range storageOf(c.t, n).Segments {
			listed[s.Name+".gseg"] = true
		}
		files, err := os.ReadDir(filepath.Join(c.cfgs[i].Data, segmentsDir))
		if err != nil {
			c.t.Fatal(err)
		}
		if slices.ContainsFunc(files, func(f os.DirEntry) bool { return !f.IsDir() && !listed[f.Name()] }) {
			return true
		}
	}
	return false
}

// TestReplacedSegmentIsSaidToBe: who asks for a segment that is gone is told to look at the newest state.
func TestReplacedSegmentIsSaidToBe(t *testing.T) {
	c := newTestCluster(t, 1)
	c.startAll()
	_, _, err := opener{c.nodes[0]}.Open(segment.Name{1})
	var shaped interface {
		HTTPError() (status int, code, message, hint string)
	}
	if !errors.As(err, &shaped) {
		t.Fatal(err)
	}
	if status, code, _, hint := shaped.HTTPError(); status != http.StatusServiceUnavailable || code != "segment_dropped" || !strings.Contains(hint, "ask again") {
		t.Errorf("%d %s: %s", status, code, hint)
	}
}

// TestMergesGoOnWithoutTheLeader: who leads, and has planned, is gone before the merge is done; and comes back when it has taken effect.
func TestMergesGoOnWithoutTheLeader(t *testing.T) {
	c := newMergingCluster(t)
	c.setPolicy("merge", map[string]any{"off": true, "window_ms": 3_600_000, "fan_in": 2, "max_bytes": 1 << 20})
	for i := range 3 {
		postFrames(t, c.nodes[i], "d1", 100*i, 100*i+99)
		c.flushed()
	}
	if a := mergesAt(t, c.nodes[0]); !a.Policy.Off || len(a.Pending)+len(a.Waiting) > 0 || a.Spread.Max < 3 || a.Disk.Files != a.Disk.Manifest {
		t.Errorf("merging is off, and yet: %+v", a)
	}
	c.setPolicy("merge", map[string]any{"off": false, "window_ms": 3_600_000, "fan_in": 2, "max_bytes": 1 << 20})
	leader, _ := c.leader()
	eventually(t, func() bool { a := mergesAt(t, leader); return len(a.Pending)+len(a.Waiting) > 0 }, func() string { return "nothing is planned" })
	away := c.place(leader)
	c.stop(away)
	all := c.merged()
	if len(all) != 2 || len(all[0].Segments) >= 3 {
		t.Errorf("%d nodes have %d segments", len(all), len(all[0].Segments))
	}
	n := c.start(away)
	c.ready(n)
	wantSame(t, c.flushed())
	if got := countFrames(t, n, "d1", "&consistency=linearizable"); got != 300 {
		t.Errorf("%d frames, want 300", got)
	}
}
