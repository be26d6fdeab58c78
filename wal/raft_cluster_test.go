package wal

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// counter is a state machine that wants the commands 1, 2, 3, ... and whose only durable state is the one as of its floor: every tenth
// command moves it, as a flush does.
type counter struct {
	mu        sync.Mutex
	changed   *sync.Cond
	state     counterState
	floor     counterState
	published uint64 // floor of the newest snapshot
	log       *Log
	restores  int
	broken    error
}

type counterState struct{ N, Index, Term uint64 } // commands applied, and where

func newCounter() *counter {
	c := &counter{}
	c.changed = sync.NewCond(&c.mu)
	return c
}

func (c *counter) Apply(e *raft.Log) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := binary.LittleEndian.Uint64(e.Data); n != c.state.N+1 && c.broken == nil {
		c.broken = fmt.Errorf("index %d: command %d after %d", e.Index, n, c.state.N)
	}
	c.state = counterState{c.state.N + 1, e.Index, e.Term}
	if c.state.N%10 == 0 {
		c.floor = c.state
	}
	c.changed.Broadcast()
	return nil
}

func (c *counter) Snapshot() (raft.FSMSnapshot, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.floor.Index == c.published {
		return nil, raft.ErrNothingNewToSnapshot
	}
	c.published = c.floor.Index
	c.log.SetFloor(c.floor.Index)
	return c.floor, nil
}

func (c *counter) Restore(r io.ReadCloser) error {
	defer r.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.restores++
	defer c.changed.Broadcast()
	if err := json.NewDecoder(r).Decode(&c.floor); err != nil {
		return err
	}
	c.state, c.published = c.floor, c.floor.Index
	c.log.SetFloor(c.floor.Index)
	return nil
}

func (s counterState) Persist(sink raft.SnapshotSink) error {
	if err := json.NewEncoder(sink).Encode(s); err != nil {
		return err
	}
	return sink.Close()
}

func (s counterState) Release() {}

// wait returns when the counter has come to n.
func (c *counter) wait(t *testing.T, n uint64) {
	t.Helper()
	late := time.AfterFunc(20*time.Second, func() { // a deadline for a broken log
		c.mu.Lock()
		defer c.mu.Unlock()
		c.broken = fmt.Errorf("at %d, %d never came; %d restores", c.state.N, n, c.restores)
		c.changed.Broadcast()
	})
	defer late.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.state.N < n && c.broken == nil {
		c.changed.Wait()
	}
	if c.broken != nil {
		t.Fatal(c.broken)
	}
}

// floorStore publishes what this node snapshots as of the floor, not as of the last applied index.
type floorStore struct {
	*raft.InmemSnapshotStore
	fsm *counter
}

func (s floorStore) Create(v raft.SnapshotVersion, index, term uint64, conf raft.Configuration, confIndex uint64,
	trans raft.Transport) (raft.SnapshotSink, error) {
	s.fsm.mu.Lock()
	if s.fsm.published > 0 && index > s.fsm.published && s.fsm.state.Index >= index {
		index, term = s.fsm.floor.Index, s.fsm.floor.Term
	}
	s.fsm.mu.Unlock()
	return s.InmemSnapshotStore.Create(v, index, term, conf, confIndex, trans)
}

// peer is one node; everything but raft itself survives a restart.
type peer struct {
	id    raft.ServerID
	fs    *vfs.Mem
	meta  *raft.InmemStore
	snaps *raft.InmemSnapshotStore
	trans *raft.InmemTransport

	fsm  *counter
	log  *Log
	raft *raft.Raft
}

func (p *peer) start(t *testing.T) {
	t.Helper()
	var err error
	p.log, err = Open(p.fs, testDir, Options{FileBytes: 4096, PrefillBytes: -1, TailCacheBytes: 1 << 10})
	must(t, err)
	p.fsm = newCounter()
	p.fsm.log = p.log
	_, p.trans = raft.NewInmemTransport(raft.ServerAddress(p.id))
	conf := raft.DefaultConfig()
	conf.LocalID, conf.Logger = p.id, hclog.NewNullLogger()
	conf.HeartbeatTimeout, conf.ElectionTimeout, conf.LeaderLeaseTimeout = 100*time.Millisecond, 100*time.Millisecond, 50*time.Millisecond
	conf.CommitTimeout, conf.MaxAppendEntries, conf.TrailingLogs = 5*time.Millisecond, 16, 1
	conf.SnapshotThreshold, conf.SnapshotInterval = 1<<62, time.Hour
	p.raft, err = raft.NewRaft(conf, p.fsm, p.log, p.meta, floorStore{p.snaps, p.fsm}, p.trans)
	must(t, err)
}

func (p *peer) stop(t *testing.T) {
	t.Helper()
	must(t, p.raft.Shutdown().Error())
	must(t, p.log.Close())
}

type cluster struct {
	*testing.T
	peers []*peer
	n     uint64 // commands committed
}

func newCluster(t *testing.T) *cluster {
	c := &cluster{T: t}
	var conf raft.Configuration
	for _, id := range []raft.ServerID{"a", "b", "c"} {
		p := &peer{id: id, fs: vfs.NewMem(), meta: raft.NewInmemStore(), snaps: raft.NewInmemSnapshotStore()}
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

// apply commits n more commands through p.
func (c *cluster) apply(p *peer, n int) {
	c.Helper()
	for range n {
		c.n++
		must(c.T, p.raft.Apply(binary.LittleEndian.AppendUint64(nil, c.n), 10*time.Second).Error())
	}
}

func (p *peer) bounds(t *testing.T) (first, last uint64) {
	first, err := p.log.FirstIndex()
	must(t, err)
	last, err = p.log.LastIndex()
	must(t, err)
	return first, last
}
