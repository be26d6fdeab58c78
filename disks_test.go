package gapless

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/raftfsm"
)

// TestAmnesia: frames are acknowledged by A and B while C is away; B's disk is lost and A is down. B's new disk and C are two of three nodes,
// and must not become a cluster that forgot. GAPLESS_SEEDS=30 runs it longer.
func TestAmnesia(t *testing.T) {
	seeds, err := strconv.ParseInt(cmp.Or(os.Getenv("GAPLESS_SEEDS"), "3"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewSource(seed))
			c := newTestCluster(t, 3)
			c.startAll()
			order := r.Perm(3)
			a, b, away := order[0], order[1], order[2]
			postFrames(t, c.nodes[a], "d", 0, 9)
			c.stop(away)
			c.leader()
			last := 10 + r.Intn(200)
			postFrames(t, c.nodes[r.Intn(2)*(b-a)+a], "d", 10, last)
			if r.Intn(2) == 0 {
				c.stop(a)
				c.stop(b)
			} else {
				c.stop(b)
				c.stop(a)
			}
			c.wipe(b)
			for _, i := range [][]int{{b, away}, {away, b}}[r.Intn(2)] {
				c.start(i)
			}
			staysOut(t, c.nodes[b], "does not know")
			waits(t, c.nodes[away], "is empty")
			if st := c.nodes[b].ownStatus(); st.running() || !st.Empty {
				t.Fatalf("the wiped node takes part: %+v", st)
			}
			if c.nodes[away].proposer.Term() != 0 {
				t.Fatal("a leader without the acknowledged frames")
			}
			c.ready(c.start(a))
			c.ready(c.nodes[away])
			if got := countFrames(t, c.nodes[away], "d", "&consistency=linearizable"); got != last+1 {
				t.Errorf("%d frames, want %d", got, last+1)
			}
			mustChange(t, c.nodes[a], c.cfgs[b].Node, "replace", "")
			c.ready(c.nodes[b])
			if got := countFrames(t, c.nodes[b], "d", "&consistency=linearizable"); got != last+1 {
				t.Errorf("%d frames on the new disk, want %d", got, last+1)
			}
		})
	}
}

// TestOldCopy puts an old copy of a node's directory in its place: the node must not start on it, however often it is asked to.
func TestOldCopy(t *testing.T) {
	c := newTestCluster(t, 3)
	c.startAll()
	leader, followers := c.leader()
	postFrames(t, leader, "d", 0, 99)
	victim, node := c.place(followers[0]), followers[0].cfg.Node
	c.stop(victim)
	kept := filepath.Join(t.TempDir(), "yesterday")
	c.copyDisk(c.cfgs[victim].Data, kept)
	n := c.start(victim)
	c.ready(n)
	postFrames(t, leader, "d", 100, 199)
	c.waitNoted(followers[1], n)
	c.stop(victim)
	c.copyDisk(kept, c.cfgs[victim].Data)
	others := []int{c.place(leader), c.place(followers[1])} // that start again never heard of it but from their logs
	for _, i := range others {
		c.stop(i)
	}
	for _, i := range others {
		c.start(i)
	}
	leader, _ = c.leader()

	for _, members := range []string{"there", "away"} { // once refused, the disk is refused for good
		fatal := c.catchFatal(victim)
		n = c.start(victim)
		select {
		case err := <-fatal:
			if !strings.Contains(err.Error(), errBehind.Error()) || !strings.Contains(err.Error(), "gapless ctl replace "+node) {
				t.Errorf("members %s: %v", members, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("members %s: an old copy of the disk was not refused: %s", members, *n.waiting.Load())
		}
		if n.raft() != nil {
			t.Error("Raft runs on an old copy of the disk")
		}
		if code, body := get(t, n, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "older copy") {
			t.Errorf("readyz: %d %s", code, body)
		}
		server := n.id.server()
		c.stop(victim)
		if members == "there" {
			eventually(t, func() bool {
				for _, a := range leader.memberAnswers() {
					if a.Server == server && !a.Answers {
						return strings.Contains(a.Pending, "gapless ctl replace "+node)
					}
				}
				return false
			}, func() string {
				return fmt.Sprintf("the others do not say why it does not start: %+v", leader.memberAnswers())
			})
			for _, i := range others {
				c.stop(i)
			}
		}
	}
	c.cfgs[victim].OnFatal = func(err error) { t.Errorf("fatal: %v", err) }
	for _, i := range others {
		c.start(i)
	}
	leader, _ = c.leader()
	c.wipe(victim)
	n = c.start(victim)
	mustChange(t, leader, node, "replace", "")
	c.ready(n)
	if got := countFrames(t, n, "d", "&consistency=linearizable"); got != 200 {
		t.Errorf("%d frames, want 200", got)
	}
}

// TestPowerLoss: all nodes end at once and start again, with and without the one that is broken for good. Nobody may wait for anybody for ever.
func TestPowerLoss(t *testing.T) {
	c := newTestCluster(t, 3)
	c.startAll()
	leader, _ := c.leader()
	postFrames(t, leader, "d", 0, 9)
	for i := range c.nodes {
		c.stop(i)
	}
	c.startAll()
	leader, _ = c.leader()
	postFrames(t, leader, "d", 10, 19)
	for i := range c.nodes {
		c.stop(i)
	}
	c.start(0)
	c.start(2)
	c.ready(c.nodes[0])
	c.ready(c.nodes[2])
	if got := countFrames(t, c.nodes[2], "d", "&consistency=linearizable"); got != 20 {
		t.Errorf("%d frames, want 20", got)
	}
}

// TestFoundingCutOff: a cluster that ended before its first TICK starts again.
func TestFoundingCutOff(t *testing.T) {
	c := newTestCluster(t, 3)
	for i := range c.nodes {
		c.start(i)
	}
	eventually(t, func() bool { return c.nodes[0].raft() != nil }, func() string { return *c.nodes[0].waiting.Load() })
	for i := range c.nodes {
		c.stop(i)
	}
	c.startAll()
	postFrames(t, c.nodes[1], "d", 0, 9)
}

// TestOldCopyAndStaleMember: the only member that answers was away when the frames were acknowledged. A node that starts on an old copy of its disk
// waits a moment for the member that knows better.
func TestOldCopyAndStaleMember(t *testing.T) {
	c := newTestCluster(t, 3)
	c.startAll()
	a, b, stale := c.nodes[0], c.nodes[1], 2
	postFrames(t, a, "d", 0, 9)
	c.stop(stale)
	c.leader()
	postFrames(t, a, "d", 10, 19)
	c.waitNoted(b, b)
	c.stop(1)
	kept := filepath.Join(t.TempDir(), "yesterday")
	c.copyDisk(c.cfgs[1].Data, kept)
	b = c.start(1)
	c.ready(b)
	c.leader()
	postFrames(t, c.nodes[0], "d", 20, 29)
	c.waitNoted(c.nodes[0], b)
	c.stop(0)
	c.stop(1)
	c.copyDisk(kept, c.cfgs[1].Data)
	fatal := c.catchFatal(1)
	b = c.start(1)
	c.start(stale)
	waits(t, b, "a newer log")
	began := time.Now()
	eventually(t, func() bool { return b.raft() != nil || time.Since(began) > b.cfg.AdmitAfter/2 }, func() string { return "" })
	c.start(0)
	select {
	case err := <-fatal:
		if !errors.Is(err, errBehind) {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("an old copy of the disk was not refused: " + *b.waiting.Load())
	}
	if b.raft() != nil {
		t.Error("Raft runs on an old copy of the disk")
	}
	c.ready(c.nodes[stale])
	if got := countFrames(t, c.nodes[stale], "d", "&consistency=linearizable"); got != 30 {
		t.Errorf("%d frames, want 30", got)
	}
}

// TestGivenUpEndCounts: a node that ended while Raft replaced the end of its log is no older copy.
func TestGivenUpEndCounts(t *testing.T) {
	n := startSingle(t, nil)
	store := raft.NewInmemStore()
	log := n.noted(store)
	end := raftfsm.LogEnd{Term: 9, Index: 1 << 40}
	for _, e := range []*raft.Log{{Index: end.Index - 1, Term: 8}, {Index: end.Index, Term: end.Term}} {
		if err := log.StoreLog(e); err != nil {
			t.Fatal(err)
		}
	}
	e, err := n.entrant()
	if err != nil || e.End.Compare(end) >= 0 {
		t.Fatalf("end %v, %v", e.End, err)
	}
	if err := log.DeleteRange(end.Index, end.Index); err != nil {
		t.Fatal(err)
	}
	if e, err = n.entrant(); err != nil || e.End != end {
		t.Errorf("end %v, %v; want %v", e.End, err, end)
	}
}
