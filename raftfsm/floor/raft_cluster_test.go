package floor

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/vfs"
	"github.com/gaplessdb/gapless/wal"
)

// counter is a state machine that wants the commands 1, 2, 3, ..., some of them perhaps twice. Every tenth one seals its state, which a
// goroutine publishes as a floor, while commands go on.
type counter struct {
	mu        sync.Mutex
	changed   *sync.Cond
	n         uint64 // commands applied
	conf      raft.Configuration
	confIndex uint64
	restores  int
	broken    error

	store   *Store
	sealed  chan sealedState
	flushed chan struct{} // closed when the flusher has returned
}

type sealedState struct {
	header Header
	n      uint64
}

func newCounter(s *Store) *counter {
	c := &counter{store: s, sealed: make(chan sealedState, 1000), flushed: make(chan struct{})}
	c.changed = sync.NewCond(&c.mu)
	go c.flusher()
	return c
}

func (c *counter) flusher() {
	defer close(c.flushed)
	for st := range c.sealed {
		part := bytesPart("counter", binary.LittleEndian.AppendUint64(nil, st.n))
		if _, _, err := c.store.Publish(st.header, []Part{part}); err != nil {
			c.fail(fmt.Errorf("publish %d: %w", st.header.Index, err))
		}
		c.mu.Lock()
		c.changed.Broadcast()
		c.mu.Unlock()
	}
}

func (c *counter) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken == nil {
		c.broken = err
	}
	c.changed.Broadcast()
}

func (c *counter) Apply(e *raft.Log) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := binary.LittleEndian.Uint64(e.Data)
	if n <= c.n { // sent again, because nobody knew what became of it
		return nil
	}
	if n != c.n+1 && c.broken == nil {
		c.broken = fmt.Errorf("index %d: command %d after %d", e.Index, n, c.n)
	}
	c.n = n
	if c.n%10 == 0 {
		c.sealed <- sealedState{n: c.n, header: Header{
			Cluster: "test", History: 1, Index: e.Index, Term: e.Term,
			Configuration: raft.EncodeConfiguration(c.conf), ConfigurationIndex: c.confIndex,
		}}
	}
	c.changed.Broadcast()
	return nil
}

// StoreConfiguration makes counter a raft.ConfigurationStore: a floor needs the configuration as of its index.
func (c *counter) StoreConfiguration(index uint64, conf raft.Configuration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conf, c.confIndex = conf.Clone(), index
}

func (c *counter) Snapshot() (raft.FSMSnapshot, error) {
	floors := c.store.Floors()
	if len(floors) == 0 {
		return nil, raft.ErrNothingNewToSnapshot
	}
	return existing(floors[0].Index), nil
}

// existing is Raft's own snapshot: the newest floor is there already.
type existing uint64

func (e existing) Persist(k raft.SnapshotSink) error { return k.(*Sink).Existing(uint64(e)) }
func (e existing) Release()                          {}

func (c *counter) Restore(r io.ReadCloser) error {
	defer r.Close()
	var n uint64
	h, _, err := Read(r, nil, func(name string, r io.Reader) error {
		if name != "counter" {
			return fmt.Errorf("part %q", name)
		}
		return binary.Read(r, binary.LittleEndian, &n)
	})
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n, c.conf, c.confIndex = n, raft.DecodeConfiguration(h.Configuration), h.ConfigurationIndex
	c.restores++
	c.changed.Broadcast()
	return nil
}

// wait returns when done says so.
func (c *counter) wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	late := time.AfterFunc(20*time.Second, func() { c.fail(fmt.Errorf("%s never came", what)) })
	defer late.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !done() && c.broken == nil {
		c.changed.Wait()
	}
	if c.broken != nil {
		t.Fatalf("%v; at command %d after %d restores", c.broken, c.n, c.restores)
	}
}

// peer is one node; everything but Raft itself survives a restart.
type peer struct {
	id    raft.ServerID
	fs    *vfs.Mem
	meta  *raft.InmemStore
	trans *raft.InmemTransport

	fsm   *counter
	log   *wal.Log
	store *Store
	raft  *raft.Raft
}

func (p *peer) start(t *testing.T) {
	t.Helper()
	var err error
	p.store, err = Open(p.fs, testDir, Options{})
	must(t, err)
	p.log, err = wal.Open(p.fs, "data/wal", wal.Options{FileBytes: 4096, PrefillBytes: -1, TailCacheBytes: 1 << 10})
	must(t, err)
	p.closeGap(t)
	p.fsm = newCounter(p.store)
	_, p.trans = raft.NewInmemTransport(raft.ServerAddress(p.id))
	conf := raft.DefaultConfig()
	conf.LocalID, conf.Logger = p.id, hclog.NewNullLogger()
	conf.HeartbeatTimeout, conf.ElectionTimeout, conf.LeaderLeaseTimeout = 200*time.Millisecond, 200*time.Millisecond, 100*time.Millisecond
	conf.CommitTimeout, conf.MaxAppendEntries, conf.TrailingLogs = 5*time.Millisecond, 16, 1
	conf.SnapshotThreshold, conf.SnapshotInterval = 1<<62, time.Hour
	p.raft, err = raft.NewRaft(conf, p.fsm, p.log, p.meta, p.store, p.trans)
	must(t, err)
}

// closeGap wipes a log that ends below the newest floor, as doc.go demands.
func (p *peer) closeGap(t *testing.T) {
	t.Helper()
	first, last := p.bounds(t)
	if floors := p.store.Floors(); len(floors) > 0 && last > 0 && last < floors[0].Index {
		must(t, p.log.DeleteRange(first, last))
	}
}

func (p *peer) stop(t *testing.T) {
	t.Helper()
	must(t, p.raft.Shutdown().Error())
	close(p.fsm.sealed)
	<-p.fsm.flushed
	must(t, p.log.Close())
	must(t, p.store.Close())
}

func (p *peer) bounds(t *testing.T) (first, last uint64) {
	first, err := p.log.FirstIndex()
	must(t, err)
	last, err = p.log.LastIndex()
	must(t, err)
	return first, last
}

// published waits until the floor of command n is on the disk of p.
func (p *peer) published(t *testing.T, n uint64) Published {
	t.Helper()
	var f Published
	p.fsm.wait(t, fmt.Sprintf("floor of command %d on %s", n, p.id), func() bool {
		floors := p.store.Floors()
		if len(floors) == 0 {
			return false
		}
		f = floors[0]
		return p.fsm.n >= n && p.count(f.Index) == n
	})
	return f
}

// count is how many commands the floor at index holds.
func (p *peer) count(index uint64) (n uint64) {
	_ = p.store.Read(index, nil, func(_ string, r io.Reader) error { return binary.Read(r, binary.LittleEndian, &n) })
	return n
}
