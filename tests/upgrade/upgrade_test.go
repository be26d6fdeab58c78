package upgrade

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/tests/cluster"
)

// run is one cluster on its way from the release before to today's code.
type run struct {
	t     *testing.T
	c     *cluster.Cluster
	l     *load
	tag   string
	old   string // binary of tag
	today string
	floor uint64 // newest index at which all nodes had the same floor

	out *cluster.Node // had to halt once, under a binary that the cluster had left behind
}

// olderVersion is the newest release that knows cluster versions below today's alone. Whoever adds a cluster version sets it to the release before.
const olderVersion = "v0.5.0"

// begin starts a cluster of a release.
func begin(t *testing.T, tag string) *run {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIP(upgrade): -short")
	}
	r := &run{t: t, tag: tag}
	if to, _ := promised(t, r.tag); to != oneByOne {
		t.Fatalf("docs/operations.md asks for %q on the way from %s: this test goes %s", to, r.tag, oneByOne)
	}
	r.old, r.today = cluster.Release(t, r.tag), cluster.Binary(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("from %s, seed %d", r.tag, seed)
	r.c = cluster.New(t, r.old, 3, func(string) []string { return nil })
	r.c.StartAll()
	r.l = startLoad(r.c, seed)
	r.mixed()
	return r
}

// TestFollowersFirst is the way that docs/operations.md describes: the leader last. Afterwards one node goes back.
func TestFollowersFirst(t *testing.T) {
	r := begin(t, cluster.Previous(t))
	leader := r.c.Leader()
	for _, n := range r.others(leader) {
		r.swap(n, r.today)
		r.lead(leader)
		r.mixed()
	}
	r.swap(leader, r.today)
	r.mixed()
	r.back(r.others(r.c.Leader())[0])
	r.end()
}

// TestLeaderFirst upgrades the leader and gives it its office back, so that a new leader proposes to old followers. It comes from a release that is left
// behind when the cluster version is raised.
func TestLeaderFirst(t *testing.T) {
	cluster.Previous(t) // or there are no tags
	r := begin(t, olderVersion)
	first := r.c.Leader()
	r.swap(first, r.today)
	r.mixed()
	r.lead(first)
	r.mixed()
	for _, n := range r.others(first) {
		r.early()
		r.swap(n, r.today)
		r.mixed()
	}
	r.raise()
	r.end()
}

// early uses what the release before cannot apply: it is refused, whoever leads, and nobody notices but the client.
func (r *run) early() {
	r.t.Helper()
	for _, n := range r.c.Nodes {
		status, answer, err := r.seal(n)
		if err != nil || status < 400 || status >= 500 && status != http.StatusNotImplemented {
			r.t.Errorf("%s, beside nodes of %s, answered %d %s %v to a seal", n.Name, r.tag, status, answer, err)
		}
	}
}

// seal ends the open seal, which came with cluster version 3, and waits for what a majority of the nodes counts and signs.
func (r *run) seal(n *cluster.Node) (status int, answer []byte, err error) {
	return cluster.Post(n.HTTP+"/v1/proof/seal", "application/json", "")
}

// raise ends the upgrade: what is new can be used, and the release before is out.
func (r *run) raise() {
	r.t.Helper()
	var a struct{ From, To int }
	n := r.others(r.c.Leader())[0]
	cluster.Eventually(r.t, patience, func() bool { // a member may not have said yet that it is new
		status, answer, err := cluster.Post(n.HTTP+"/v1/cluster/raise", "application/json", "")
		return err == nil && status == http.StatusOK && json.Unmarshal(answer, &a) == nil
	}, func() string { return "the cluster version was not raised" })
	if a.To != raftfsm.SupportedVersion {
		r.t.Fatalf("the cluster version was raised from %d to %d, not to %d", a.From, a.To, raftfsm.SupportedVersion)
	}
	if status, answer, err := r.seal(n); err != nil || status != http.StatusOK {
		r.t.Errorf("after the raise a seal was answered %d %s %v", status, answer, err)
	}
	r.mixed()
	if a.From == a.To {
		r.t.Fatalf("%s knows cluster version %d, too: olderVersion is wrong", r.tag, a.To)
	}
	if code := r.c.Stop(n); code != 0 {
		r.t.Fatalf("%s ended itself with code %d", n.Name, code)
	}
	n.Bin, r.out = r.old, n
	r.c.Run(n)
	if code := r.c.Ended(n, patience); code == 0 || !strings.Contains(r.c.Log(n), "upgrade it") {
		r.t.Errorf("%s of %s ended with code %d beside a cluster of version %d, and its log does not say what to do", n.Name, r.tag, code, a.To)
	}
	n.Bin = r.today
	r.c.Run(n)
	r.c.WaitReady(n, patience)
	r.mixed()
}

// swap stops a node in order and starts another binary on its directory.
func (r *run) swap(n *cluster.Node, bin string) {
	r.t.Helper()
	if code := r.c.Stop(n); code != 0 {
		r.t.Fatalf("%s ended itself with code %d", n.Name, code)
	}
	start := time.Now()
	n.Bin = bin
	r.c.Run(n)
	r.c.WaitReady(n, patience)
	ready := time.Since(start).Round(time.Millisecond)
	r.t.Logf("%s runs %s, ready after %s, %d frames acknowledged so far", n.Name, r.version(n), ready, r.l.acked.Load())
}

// version is what a node says of its binary; it must be the one that was started.
func (r *run) version(n *cluster.Node) string {
	r.t.Helper()
	var a struct{ Version string }
	if err := cluster.GetJSON(n.HTTP+"/v1/cluster", &a); err != nil {
		r.t.Fatal(err)
	}
	if (a.Version == r.tag) != (n.Bin == r.old) {
		r.t.Fatalf("%s says that it is %s", n.Name, a.Version)
	}
	return a.Version
}

// mixed lets the cluster work as it is: frames are acknowledged, and every node makes the same floor.
func (r *run) mixed() {
	r.t.Helper()
	r.l.progress(r.t, 1000)
	r.agree()
	r.supported()
}

// supported waits until every member has said what it knows, and holds that the cluster is not at a version beyond it.
func (r *run) supported() {
	r.t.Helper()
	type member struct {
		Node     string
		Versions int
	}
	var a struct {
		Version int `json:"cluster_version"`
		Members []member
	}
	cluster.Eventually(r.t, patience, func() bool {
		if err := cluster.GetJSON(r.c.Leader().HTTP+"/v1/cluster", &a); err != nil {
			return false
		}
		return len(a.Members) == len(r.c.Nodes) && !slices.ContainsFunc(a.Members, func(m member) bool { return m.Versions == 0 })
	}, func() string { return fmt.Sprintf("not every member has registered: %+v", a) })
	for _, m := range a.Members {
		if m.Versions < a.Version {
			r.t.Errorf("the cluster is at version %d, %s knows %d", a.Version, m.Node, m.Versions)
		}
	}
}

// lead gives a node the leadership.
func (r *run) lead(n *cluster.Node) {
	r.t.Helper()
	cluster.Eventually(r.t, patience, func() bool {
		leader := r.c.Leader()
		if leader == n {
			return true
		}
		cluster.Post(leader.HTTP+"/v1/cluster/transfer", "application/json", fmt.Sprintf(`{"to":%q}`, n.Name))
		return false
	}, func() string { return n.Name + " does not lead" })
}

// others are all nodes but one.
func (r *run) others(than *cluster.Node) []*cluster.Node {
	return slices.DeleteFunc(slices.Clone(r.c.Nodes), func(n *cluster.Node) bool { return n == than })
}

// agree waits until all nodes have a floor in common that is newer than the one before, each of its own making, and compares hashes.
func (r *run) agree() {
	r.t.Helper()
	var said string
	cluster.Eventually(r.t, patience, func() bool {
		said = ""
		hashes := map[uint64][]string{}
		for _, n := range r.c.Nodes {
			for _, f := range cluster.StorageOf(r.t, n.HTTP).Floors {
				said += fmt.Sprintf(" %s:%d", n.Name, f.Index)
				hashes[f.Index] = append(hashes[f.Index], f.Hash)
				if f.Installed {
					r.t.Fatalf("%s took floor %d from another node: its own was another", n.Name, f.Index)
				}
			}
		}
		newest := r.floor
		for index, h := range hashes {
			if n := len(slices.Compact(h)); n > 1 {
				r.t.Fatalf("floor %d has several hashes: %v", index, h)
			}
			if len(h) == len(r.c.Nodes) {
				newest = max(newest, index)
			}
		}
		grown := newest > r.floor
		r.floor = newest
		return grown
	}, func() string { return fmt.Sprintf("no new floor in common after %d:%s", r.floor, said) })
}

// back puts one node back to the release before, on the directory that today's code wrote: it works or it refuses, as the page says.
func (r *run) back(n *cluster.Node) {
	r.t.Helper()
	_, promise := promised(r.t, r.tag)
	if strings.HasPrefix(promise, oneByOne) { // "until the cluster version is raised", which it is not here
		r.swap(n, r.old)
		r.mixed()
		return
	}
	_, text, _ := strings.Cut(promise, "`")
	text, _, quoted := strings.Cut(text, "`")
	if code := r.c.Stop(n); code != 0 || !quoted {
		r.t.Fatalf("%s ended itself with code %d; the page says %q", n.Name, code, promise)
	}
	n.Bin = r.old
	r.c.Run(n)
	if code := r.c.Ended(n, patience); code == 0 || !strings.Contains(r.c.Log(n), text) {
		r.t.Errorf("%s of %s ended with code %d, and its log does not say %q", n.Name, r.tag, code, text)
	}
	n.Bin = r.today
	r.c.Run(n)
	r.c.WaitReady(n, patience)
	r.mixed()
}

// end stops the load and compares everything.
func (r *run) end() {
	r.t.Helper()
	r.l.end(r.t)
	for _, d := range r.l.numbered {
		beat := fmt.Sprintf(`{"epoch":"7","first":0,"next_seq":%d}`, d.next+tailGap)
		cluster.Command(r.t, patience, http.MethodPost, r.c.Nodes[0].HTTP+"/v1/devices/"+d.device+"/heartbeat", beat)
	}
	cluster.Command(r.t, patience, http.MethodPost, r.c.Nodes[0].HTTP+"/v1/cluster/flush", "")
	r.same()
	sameLedger(r.t, r.c.Nodes)
	for _, n := range r.c.Nodes {
		for _, d := range r.l.numbered {
			d.check(r.t, n)
		}
		for _, d := range r.l.keyed {
			d.check(r.t, n)
		}
	}
	for _, n := range r.c.Nodes {
		if code := r.c.Stop(n); code != 0 {
			r.t.Errorf("%s ended itself with code %d", n.Name, code)
		}
		for _, bad := range []string{"floors differ", "apply halted"} {
			if strings.Contains(r.c.Log(n), bad) && (n != r.out || bad != "apply halted") {
				r.t.Errorf("the log of %s says %q", n.Name, bad)
			}
		}
	}
	r.t.Logf("%d frames acknowledged, %d requests sent again, %d flushes", r.l.acked.Load(), r.l.retries.Load(), r.l.flushes.Load())
}

// same waits until all nodes have the newest floor, and compares the segments that it lists, by hash.
func (r *run) same() {
	r.t.Helper()
	var all []cluster.Storage
	cluster.Eventually(r.t, patience, func() bool {
		all = nil
		for _, n := range r.c.Nodes {
			all = append(all, cluster.StorageOf(r.t, n.HTTP))
		}
		return !slices.ContainsFunc(all, func(s cluster.Storage) bool { return s.Floor != all[0].Floor || s.Missing > 0 })
	}, func() string { return fmt.Sprintf("floors %d, %d and %d", all[0].Floor, all[1].Floor, all[2].Floor) })
	for i, s := range all {
		if s.Hash != all[0].Hash || !slices.Equal(s.Segments, all[0].Segments) || len(s.Segments) == 0 {
			r.t.Errorf("%s has floor %d %s with %d segments, %s has %s with %d",
				r.c.Nodes[i].Name, s.Floor, s.Hash, len(s.Segments), r.c.Nodes[0].Name, all[0].Hash, len(all[0].Segments))
		}
	}
	r.t.Logf("%d segments with %d frames, the same on all nodes", all[0].Total.Segments, all[0].Total.Frames)
}
