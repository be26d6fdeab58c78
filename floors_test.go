package gapless

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/frame"
	"github.com/gaplessdb/gapless/proof"
	"github.com/gaplessdb/gapless/proof/record"
	"github.com/gaplessdb/gapless/raftfsm"
)

// newCalmCluster is three nodes that elect no new leader because the machine is busy with their flushes.
func newCalmCluster(t *testing.T) *testCluster {
	c := newTestCluster(t, 3)
	for i := range c.cfgs {
		c.cfgs[i].Heartbeat = time.Second
	}
	return c
}

// flushOften lowers the policy so that a few hundred frames make a flush point.
func (c *testCluster) flushOften() {
	c.t.Helper()
	leader, _ := c.leader()
	var p raftfsm.Policy
	leader.state.View(func(v raftfsm.View) { p = v.Policy })
	p.FlushBytes = 64 << 10
	body, err := json.Marshal(p)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, _, err := leader.ProposeCommand(c.t.Context(), raftfsm.KindPolicy, 1, body); err != nil {
		c.t.Fatal(err)
	}
}

func storageOf(t *testing.T, n *Node) (a storageAnswer) {
	t.Helper()
	code, body := get(t, n, "/v1/storage")
	if code != http.StatusOK {
		t.Fatalf("storage: %d %s", code, body)
	}
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// postFat posts frames of half a KiB each, which no encoding makes small.
func postFat(t *testing.T, n *Node, device string, from, to int) {
	t.Helper()
	var b strings.Builder
	for seq := from; seq <= to; seq++ {
		fmt.Fprintf(&b, `{"device":%q,"seq":%d,"first":0,"fields":{"v":%d.5,"pad":"%0500d"}}`+"\n", device, seq, seq, seq)
	}
	var code int
	var answer map[string]any
	eventually(t, func() bool { // while two heads are sealed the answer is 429
		code, answer = post(t, n, "/v1/frames", "application/x-ndjson", b.String())
		return code == http.StatusOK
	}, func() string { return fmt.Sprintf("posting %s %d..%d: %d %v", device, from, to, code, answer) })
}

// flush makes a flush point.
func (c *testCluster) flush() (pos frame.Position) {
	c.t.Helper()
	leader, _ := c.leader()
	var err error
	eventually(c.t, func() bool { // refused while a head is sealed
		pos, _, err = leader.ProposeCommand(c.t.Context(), raftfsm.KindFlush, 1, nil)
		return err == nil
	}, func() string { return err.Error() })
	return pos
}

// flushed flushes and returns the storage of every running node once all have that floor and all its segments.
func (c *testCluster) flushed() (all []storageAnswer) {
	c.t.Helper()
	pos := c.flush()
	for _, n := range c.nodes {
		if n == nil {
			continue
		}
		var a storageAnswer
		eventually(c.t, func() bool {
			a = storageOf(c.t, n)
			return a.Floor >= pos.Index && a.Missing == 0
		}, func() string {
			return fmt.Sprintf("%s is at floor %d of %d, %d missing", a.Node, a.Floor, pos.Index, a.Missing)
		})
		all = append(all, a)
	}
	return all
}

// keysKnown waits until the proof's log has the key of every node.
func (c *testCluster) keysKnown() {
	c.t.Helper()
	known := func() int { look := (&proofCatalog{c.nodes[0]}).Look(); return len(look.Section.Keys()) }
	eventually(c.t, func() bool { return known() == len(c.nodes) }, func() string { return fmt.Sprintf("the keys of %d nodes are known", known()) })
}

// proofLog counts the records of the proof's log by their types.
type proofLog map[record.Type]uint64

func (l proofLog) records() (sum uint64) {
	for _, n := range l {
		sum += n
	}
	return sum
}

// logAt counts the records of the proof's log that a floor has: so many frames of the log are in the segments below it.
func (c *testCluster) logAt(index uint64) proofLog {
	c.t.Helper()
	n, section := c.nodes[0], proof.NewSection()
	err := n.floors.Read(index, nil, func(name string, r io.Reader) error {
		if name == proof.SectionName {
			return section.Restore(r)
		}
		_, err := io.Copy(io.Discard, r)
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	log := proofLog{}
	err = n.logRecords(c.t.Context(), 0, int(section.LogSize()), func(_ int64, data []byte) error {
		var head record.Head
		err := json.Unmarshal(data, &head)
		log[head.Type]++
		return err
	})
	if err != nil || int64(log.records()) != section.LogSize() {
		c.t.Fatalf("%d records of the proof's log are readable, the floor at %d has %d: %v", log.records(), index, section.LogSize(), err)
	}
	return log
}

// wantSame compares floors and segments.
func wantSame(t *testing.T, all []storageAnswer) {
	t.Helper()
	names := func(a storageAnswer) (list []string) {
		for _, s := range a.Segments {
			list = append(list, s.Name)
		}
		return list
	}
	for _, a := range all[1:] {
		if a.FloorHash != all[0].FloorHash || !slices.Equal(names(a), names(all[0])) {
			t.Errorf("%s has floor %d %.12s and %d segments, %s has floor %d %.12s and %d", a.Node, a.Floor, a.FloorHash, len(a.Segments),
				all[0].Node, all[0].Floor, all[0].FloorHash, len(all[0].Segments))
		}
	}
}

// TestSegmentsAreTheSameEverywhere flushes under load, compares what the nodes wrote, restarts all of them, and asks for every frame.
func TestSegmentsAreTheSameEverywhere(t *testing.T) {
	c := newCalmCluster(t)
	c.startAll()
	c.keysKnown()
	c.flushOften()
	for from := 0; from < 6000; from += 500 {
		postFrames(t, c.nodes[from/500%3], "d1", from, from+499)
		postFrames(t, c.nodes[from/500%3], fmt.Sprint("other-", from), 0, 19)
	}
	before := c.flushed()
	wantSame(t, before)
	log := c.logAt(before[0].Floor)
	if log[record.TypeKey] != 3 || log[record.TypePolicy] != 1 || log.records() != 4 {
		t.Errorf("the proof's log has %v: want 3 keys and 1 policy", log)
	}
	if len(before[0].Segments) < 2 || before[0].Total.Frames != 6240+1+log.records() || before[0].Head.Frames != 0 {
		t.Errorf("%d segments with %d frames, %d in the head; want several with 6245, the audit of the policy and the proof's log among them",
			len(before[0].Segments), before[0].Total.Frames, before[0].Head.Frames)
	}
	for i := range c.nodes {
		c.stop(i)
	}
	c.startAll()
	for _, n := range c.nodes {
		if got := countFrames(t, n, "d1", "&consistency=linearizable"); got != 6000 {
			t.Errorf("%s has %d frames after the restart, want 6000", n.cfg.Node, got)
		}
		if code, body := get(t, n, "/v1/latest?device=d1"); code != http.StatusOK || !strings.Contains(body, `"seq":5999`) {
			t.Errorf("%s has as latest frame after the restart: %d %s", n.cfg.Node, code, body)
		}
	}
	postFrames(t, c.nodes[0], "d1", 6000, 6099)
	wantSame(t, c.flushed())
	if got := countFrames(t, c.nodes[1], "d1", "&consistency=linearizable"); got != 6100 {
		t.Errorf("%d frames, want 6100", got)
	}
}

// TestDamagedSegmentIsRepaired flips a byte on the disk of a stopped node: it must not be served, and be pulled again from another node.
func TestDamagedSegmentIsRepaired(t *testing.T) {
	c := newCalmCluster(t)
	c.startAll()
	postFrames(t, c.nodes[0], "d1", 0, 2999)
	segments := c.flushed()[2].Segments
	c.stop(2)
	path := filepath.Join(c.cfgs[2].Data, segmentsDir, segments[0].Name+".gseg")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/3] ^= 0x10
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	n := c.start(2)
	eventually(t, func() bool {
		code, body := get(t, n, "/v1/frames?device=d1&limit=10000&consistency=stale")
		return code == http.StatusOK && strings.Count(body, `"seq"`) >= 3000
	}, func() string { return "the damaged segment was not repaired" })
	if damaged, err := os.ReadDir(filepath.Join(c.cfgs[2].Data, segmentsDir, "quarantine")); err != nil || len(damaged) != 1 {
		t.Errorf("quarantine holds %v, %v; want the damaged copy", damaged, err)
	}
	c.ready(n)
}

// TestFollowerInstallsAFloor keeps a follower away until the log it lacks is gone.
func TestFollowerInstallsAFloor(t *testing.T) {
	c := newCalmCluster(t)
	for i := range c.cfgs {
		c.cfgs[i].LogKeepBytes = 1 << 20
	}
	c.startAll()
	c.flushOften()
	postFrames(t, c.nodes[0], "d1", 0, 499)
	_, followers := c.leader()
	away := slices.Index(c.nodes, followers[0])
	last := storageOf(t, c.nodes[away]).Log.Last
	c.stop(away)
	other := c.nodes[(away+1)%3]
	sent := 500
	eventually(t, func() bool {
		postFat(t, other, "d1", sent, sent+999)
		sent += 1000
		return storageOf(t, other).Log.First > last+1 && storageOf(t, c.nodes[(away+2)%3]).Log.First > last+1
	}, func() string { return fmt.Sprintf("the log is not cut: %+v", storageOf(t, other).Log) })
	n := c.start(away)
	c.ready(n)
	if got := countFrames(t, n, "d1", "&consistency=linearizable"); got != sent {
		t.Errorf("%d frames after the install, want %d", got, sent)
	}
	a := storageOf(t, n)
	if !slices.ContainsFunc(a.Floors, func(f floorAnswer) bool { return f.Installed }) {
		t.Errorf("no floor was installed: %+v", a.Floors)
	}
	wantSame(t, c.flushed())
}

// TestAppliedEntriesStay asks the log of a node to give up entries that are applied and in no floor, as a leader that forgot them would.
func TestAppliedEntriesStay(t *testing.T) {
	c := newTestCluster(t, 1)
	c.startAll()
	n := c.nodes[0]
	postFrames(t, n, "d1", 0, 9)
	applied := n.state.Index()
	_, last, err := n.logRange()
	if err != nil {
		t.Fatal(err)
	}
	log := &nodeLog{n.cons.log, n}
	if err := log.DeleteRange(applied, last+1); err == nil || !strings.Contains(err.Error(), "applied") {
		t.Errorf("entries from %d on may be replaced although they are applied: %v", applied, err)
	}
	if _, now, err := n.logRange(); err != nil || now < last {
		t.Errorf("the log ends at %d, before at %d: %v", now, last, err)
	}
}

// TestLogLostBesideAFloor: a node that flushed up to F had F in its log, so an empty log was lost, and with it what came after F.
func TestLogLostBesideAFloor(t *testing.T) {
	c := newTestCluster(t, 1)
	c.startAll()
	postFrames(t, c.nodes[0], "d1", 0, 9)
	c.flushed()
	postFrames(t, c.nodes[0], "d1", 10, 19)
	c.stop(0)
	if err := os.RemoveAll(filepath.Join(c.cfgs[0].Data, walDir)); err != nil {
		t.Fatal(err)
	}
	if n, err := Open(c.cfgs[0]); err == nil || !strings.Contains(err.Error(), "the end of the log was lost") {
		t.Errorf("a node whose log was lost behind its floor started: %v", err)
		if n != nil {
			n.Close()
		}
	}
}
