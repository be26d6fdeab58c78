package floor

import (
	"bytes"
	"encoding/binary"
	"errors"
	"path"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/vfs"
)

type cluster struct {
	*testing.T
	peers []*peer
	n     uint64 // commands committed
}

func newCluster(t *testing.T) *cluster {
	c := &cluster{T: t}
	var conf raft.Configuration
	for _, id := range []raft.ServerID{"a", "b", "c"} {
		p := &peer{id: id, fs: vfs.NewMem(), meta: raft.NewInmemStore()}
		c.peers = append(c.peers, p)
		conf.Servers = append(conf.Servers, raft.Server{ID: id, Address: raft.ServerAddress(id)})
		p.start(t)
	}
	c.connect(c.peers...)
	must(t, c.peers[0].raft.BootstrapCluster(conf).Error())
	t.Cleanup(func() {
		for _, p := range c.peers {
			p.stop(t)
		}
	})
	return c
}

func (c *cluster) connect(peers ...*peer) {
	for _, p := range peers {
		for _, q := range c.peers {
			if p != q {
				p.trans.Connect(raft.ServerAddress(q.id), q.trans)
				q.trans.Connect(raft.ServerAddress(p.id), p.trans)
			}
		}
	}
}

func (c *cluster) disconnect(p *peer) {
	p.trans.DisconnectAll()
	for _, q := range c.peers {
		q.trans.Disconnect(raft.ServerAddress(p.id))
	}
}

// leader waits for one among peers.
func (c *cluster) leader(peers ...*peer) *peer {
	c.Helper()
	tick, late := time.NewTicker(5*time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for {
		for _, p := range peers {
			if p.raft.State() == raft.Leader && p.raft.Barrier(time.Second).Error() == nil {
				return p
			}
		}
		select {
		case <-tick.C:
		case <-late:
			c.Fatal("no leader")
		}
	}
}

// apply commits n more commands through whoever of peers leads.
func (c *cluster) apply(n int, peers ...*peer) {
	c.Helper()
	lead := c.leader(peers...)
	for range n {
		c.n++
		for {
			err := lead.raft.Apply(binary.LittleEndian.AppendUint64(nil, c.n), 10*time.Second).Error()
			if err == nil {
				break
			}
			if !errors.Is(err, raft.ErrNotLeader) && !errors.Is(err, raft.ErrLeadershipLost) { // which a busy machine may cost
				c.Fatal(err)
			}
			lead = c.leader(peers...)
		}
	}
}

// handOver makes p the leader.
func (c *cluster) handOver(p *peer) {
	c.Helper()
	for range 20 {
		lead := c.leader(c.peers...)
		if lead == p {
			return
		}
		_ = lead.raft.LeadershipTransferToServer(p.id, raft.ServerAddress(p.id)).Error() // if it failed, somebody leads
	}
	c.Fatalf("%s does not become leader", p.id)
}

// caughtUp waits until every peer has applied everything.
func (c *cluster) caughtUp(peers ...*peer) {
	c.Helper()
	for _, p := range peers {
		p.fsm.wait(c.T, "the last command", func() bool { return p.fsm.n == c.n })
	}
}

// others are the peers that are not p.
func (c *cluster) others(p *peer) []*peer {
	return slices.DeleteFunc(slices.Clone(c.peers), func(q *peer) bool { return p == q })
}

// wipe gives p an empty disk. It has the old name, which is fine as long as what it acknowledged is on both others.
func (c *cluster) wipe(p *peer) {
	p.stop(c.T)
	p.fs, p.meta = vfs.NewMem(), raft.NewInmemStore()
	p.start(c.T)
}

// apart brings a cluster to 127 commands, of which lost has only 57; the others have the floors of 120 and 110, and trim deletes
// their logs.
func (c *cluster) apart(trim func(p *peer)) (lost *peer, rest []*peer) {
	c.Helper()
	c.apply(57, c.peers...)
	c.caughtUp(c.peers...)
	lost = c.others(c.leader(c.peers...))[1]
	rest = c.others(lost)
	c.disconnect(lost)
	c.apply(70, rest...)
	c.caughtUp(rest...)
	for _, p := range rest {
		p.published(c.T, 120)
		old, ok := p.store.Oldest()
		if !ok || p.count(old.Index) != 110 {
			c.Fatalf("%s: the oldest floor is of command %d", p.id, p.count(old.Index))
		}
		p.log.SetFloor(old.Index)
		trim(p)
		if first, _ := p.bounds(c.T); first != old.Index {
			c.Fatalf("%s: the log begins at %d, the oldest floor is %d", p.id, first, old.Index)
		}
	}
	return lost, rest
}

// trimmings are the ways to delete a log: by a snapshot that the library takes, and labels with an index of its own, and behind its back.
var trimmings = map[string]func(t *testing.T) func(p *peer){
	"by the library": func(t *testing.T) func(p *peer) {
		return func(p *peer) {
			f := p.raft.Snapshot()
			must(t, f.Error())
			meta, r, err := f.Open()
			must(t, err)
			must(t, r.Close())
			if newest := p.store.Floors()[0].Index; meta.Index != newest || p.raft.Stats()["last_snapshot_index"] == "0" || newest == p.raft.AppliedIndex() {
				t.Errorf("%s: the snapshot is of %d, the floor is %d, applied is %d", p.id, meta.Index, newest, p.raft.AppliedIndex())
			}
		}
	},
	"behind its back": func(t *testing.T) func(p *peer) {
		return func(p *peer) { must(t, p.log.DeleteRange(1, p.store.Floors()[0].Index)) }
	},
}

// fewRestores says that p was restored, and not in a loop. A change of leader may cost one more: the new one goes back through a log
// that the follower has not, and sends the floor that it has.
func fewRestores(p *peer) bool {
	p.fsm.mu.Lock()
	defer p.fsm.mu.Unlock()
	return p.fsm.restores >= 1 && p.fsm.restores <= 3
}

// A follower that was wiped gets the floor and the log after it, once. Then it can lead, and every node restarts from its floor.
func TestRaftInstall(t *testing.T) {
	for name, trim := range trimmings {
		t.Run(name, func(t *testing.T) {
			c := newCluster(t)
			lost, rest := c.apart(trim(t))
			c.wipe(lost)
			c.connect(lost)
			c.caughtUp(lost)
			mine, theirs := lost.store.Floors(), rest[0].store.Floors()
			if len(mine) != 1 || !mine[0].Installed || mine[0].Hash != theirs[0].Hash || !fewRestores(lost) {
				t.Errorf("after %d restores it has %v, the leader %v", lost.fsm.restores, describe(mine), describe(theirs))
			}
			if first, _ := lost.bounds(t); first != mine[0].Index+1 {
				t.Errorf("its log begins at %d, the floor is %d", first, mine[0].Index)
			}
			c.handOver(lost)
			c.apply(26, c.peers...)
			c.caughtUp(c.peers...)
			for _, p := range c.peers { // 153 commands
				p.published(t, 150)
				p.stop(t)
				p.fs = p.fs.CrashClone(vfs.Crash{})
				p.start(t)
			}
			c.connect(c.peers...)
			c.apply(8, c.peers...)
			c.caughtUp(c.peers...)
			newest := c.peers[0].published(t, 160)
			for _, p := range c.peers {
				if f := p.published(t, 160); f.Hash != newest.Hash || !fewRestores(p) {
					t.Errorf("%s: %d restores, floor %x, want %x", p.id, p.fsm.restores, f.Hash, newest.Hash)
				}
			}
		})
	}
}

// A leader whose newest floor is damaged finds out when it sends it, and sends the older one: the log reaches down to it.
func TestRaftDamagedFloor(t *testing.T) {
	c := newCluster(t)
	lost, rest := c.apart(trimmings["behind its back"](t))
	for _, p := range rest {
		f := p.store.Floors()[0]
		must(t, p.fs.Flip(path.Join(testDir, fileName(f.Index, f.Installed)), f.Bytes/2, 1))
	}
	c.wipe(lost)
	c.connect(lost)
	c.caughtUp(lost)
	mine := lost.published(t, 120) // it comes to 120 by itself
	floors := lost.store.Floors()
	if mine.Installed || len(floors) != 2 || !floors[1].Installed || lost.count(floors[1].Index) != 110 {
		t.Errorf("it has %v", describe(floors))
	}
	if !slices.ContainsFunc(rest, func(p *peer) bool { return len(p.store.Floors()) == 1 }) {
		t.Error("nobody put the damaged floor aside")
	}
}

// A node that crashed after an install and before its log was deleted starts from the floor, with a log that ends below it.
func TestRaftGap(t *testing.T) {
	c := newCluster(t)
	lost, rest := c.apart(trimmings["behind its back"](t))
	f := rest[0].store.Floors()[0]
	file, err := rest[0].store.ReadRange(f.Hash, 0, int(f.Bytes))
	must(t, err)
	_, err = lost.store.Adopt(bytes.NewReader(file), f.Hash)
	must(t, err)
	for _, p := range c.peers { // all of them: a leader only ever goes back from where it lost sight of a follower, and would install again
		p.stop(t)
		p.fs = p.fs.CrashClone(vfs.Crash{})
		p.start(t)
	}
	c.connect(c.peers...)
	c.apply(6, c.peers...)
	c.caughtUp(c.peers...)
	if first, _ := lost.bounds(t); first != f.Index+1 || lost.fsm.restores != 1 {
		t.Errorf("its log begins at %d after %d restores, the floor is %d", first, lost.fsm.restores, f.Index)
	}
	if a, b := lost.published(t, 130), rest[0].published(t, 130); a.Hash != b.Hash {
		t.Errorf("floor %x, the leader's is %x", a.Hash, b.Hash)
	}
}
