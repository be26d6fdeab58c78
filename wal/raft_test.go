package wal

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// A follower that missed what the others have deleted gets a snapshot as of the floor and the log after it, once; it works because the
// entry at the floor stayed. Then it can lead, and it restarts from the same place.
func TestRaft(t *testing.T) {
	c := newCluster(t)
	lead := c.leader(c.peers...)
	c.apply(lead, 57)
	for _, p := range c.peers {
		p.fsm.wait(t, c.n)
	}
	var others []*peer
	for _, p := range c.peers {
		if p != lead {
			others = append(others, p)
		}
	}
	lost := others[1]
	c.disconnect(lost)
	c.apply(lead, 68) // 125: the floor is command 120
	for _, p := range []*peer{lead, others[0]} {
		p.fsm.wait(t, c.n)
		must(t, p.raft.Snapshot().Error())
		if first, last := p.bounds(t); first != p.fsm.floor.Index || last < first+5 {
			t.Errorf("%s holds %d..%d, floor %d", p.id, first, last, p.fsm.floor.Index)
		}
	}
	lead = c.leader(lead, others[0])
	floor := lead.fsm.floor.Index
	c.connect(lost)
	lost.fsm.wait(t, c.n)
	if first, _ := lost.bounds(t); first != floor+1 || lost.fsm.restores != 1 {
		t.Errorf("the lost node's log begins at %d after %d restores, floor %d", first, lost.fsm.restores, floor)
	}
	c.apply(c.leader(c.peers...), 3)
	lost.fsm.wait(t, c.n)
	if p := c.leader(c.peers...); p != lost {
		must(t, p.raft.LeadershipTransferToServer(lost.id, raft.ServerAddress(lost.id)).Error())
	}
	c.apply(c.leader(c.peers...), 20)
	for _, p := range c.peers {
		p.fsm.wait(t, c.n)
	}
	lost.stop(t)
	lost.fs = powerCut(lost.fs)
	lost.start(t)
	c.connect(lost)
	lost.fsm.wait(t, c.n)
	c.apply(c.leader(c.peers...), 1)
	for _, p := range c.peers {
		p.fsm.wait(t, c.n)
	}
}

// A deposed leader's uncommitted entries are truncated and do not come back.
func TestRaftTruncates(t *testing.T) {
	c := newCluster(t)
	old := c.leader(c.peers...)
	c.apply(old, 10)
	c.disconnect(old)
	for range 20 { // stored by the old leader only
		old.raft.Apply(binary.LittleEndian.AppendUint64(nil, 1<<40), time.Second)
	}
	var rest []*peer
	for _, p := range c.peers {
		if p != old {
			rest = append(rest, p)
		}
	}
	c.apply(c.leader(rest...), 15)
	c.connect(old)
	old.fsm.wait(t, c.n)
	for _, p := range c.peers {
		p.fsm.wait(t, c.n)
		es, err := contents(p.log)
		must(t, err)
		for _, e := range es {
			if e.Type == raft.LogCommand && binary.LittleEndian.Uint64(e.Data) > c.n {
				t.Errorf("%s still holds the uncommitted entry %d", p.id, e.Index)
			}
		}
	}
}
