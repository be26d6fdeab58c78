package gapless

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"syscall"

	"github.com/hashicorp/raft"
	boltdb "github.com/hashicorp/raft-boltdb/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gaplessdb/gapless/compact"
	"github.com/gaplessdb/gapless/ledger"
	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/segment"
	"github.com/gaplessdb/gapless/segment/shelf"
	"github.com/gaplessdb/gapless/vfs"
	"github.com/gaplessdb/gapless/wal"
)

// storageNode is a node without Raft and network: its log, floors, segments and state, opened and driven as a node does it, but step by step
// in one goroutine, so that the same calls do the same operations in the same order.
type storageNode struct {
	*Node
	store   raft.LogStore // as Raft sees the log
	flusher *raftfsm.Flusher
	propose func(kind uint16, body []byte) // what merging proposes; nil: the story has it
	fatal   error                          // after which the process would have ended
}

var storageMetrics = raftfsm.NewMetrics(prometheus.NewRegistry())

// bootStorage opens what is on a disk as Open does, restores the newest floor and replays the log behind it, as Raft does.
func bootStorage(disk vfs.FS) (*storageNode, error) {
	discard := slog.New(slog.DiscardHandler)
	n := &storageNode{}
	cfg := Config{Node: "n1", Cluster: "test", LogKeepBytes: 1, CacheBytes: -1, Merging: Merging{AtOnce: true}, Registerer: prometheus.NewRegistry()}
	n.Node = &Node{cfg: cfg, log: discard, dir: disk, metrics: storageMetrics}
	n.ctx = context.Background()
	n.cfg.OnFatal = func(err error) { n.fatal = err }
	err := n.openStorage()
	if err == nil {
		err = n.restoreNewest()
	}
	if err == nil {
		err = n.replay()
	}
	if err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	return n, nil
}

// openStorage is Node.open without what needs a network.
func (n *storageNode) openStorage() (err error) {
	if n.lock, err = n.dir.Lock(lockFile); err != nil {
		return err
	}
	if _, err := readIdentity(n.dir); err != nil { // of a new directory, with an incarnation that is the same in every run
		if _, err := writeIdentity(n.dir, identity{Version: identityVersion, Cluster: "test", Node: "n1", Incarnation: "a"}); err != nil {
			return err
		}
	}
	if n.id, err = loadIdentity(n.dir, "test", "n1"); err != nil {
		return err
	}
	log, err := wal.Open(n.dir, walDir, wal.Options{FileBytes: 4096, SpareFiles: 1, PrefillBytes: -1, Inline: true, Rand: salts{}})
	if err != nil {
		return err
	}
	n.cons = &consensus{log: log, stable: settledVotes{}}
	n.joined = n.id.Joined
	if err := n.openFloors(); err != nil {
		return err
	}
	if n.empty, err = n.prepare(); err != nil {
		return err
	}
	n.state = raftfsm.NewState(Sections)
	if n.merges, err = compact.New(compact.Options{
		Catalog: n, Shelf: n.shelf, Fetch: nobody, Server: n.id.server(), Pressure: func() int { return 0 }, BytesPerSecond: 1 << 40,
	}); err != nil {
		return err
	}
	n.fsm = raftfsm.NewFSM(n.state, n.log, n.metrics, n.wantSegments, n.fail)
	n.store = &nodeLog{n.cons.log, n.Node}
	n.flusher = n.newFlusher()
	return nil
}

// Look implements compact.Catalog.
func (n *storageNode) Look() compact.Look { return (&catalog{n.Node}).state() }

// Section implements compact.Catalog.
func (n *storageNode) Section() compact.Section { return (&catalog{n.Node}).Section() }

// Propose implements compact.Catalog.
func (n *storageNode) Propose(_ context.Context, kind uint16, _ uint8, body []byte) error {
	if n.propose != nil {
		n.propose(kind, body)
	}
	return nil
}

// nobody is asked for segments but by bring.
func nobody(context.Context, string, segment.Name, int64, int) ([]byte, error) {
	return nil, shelf.ErrNotHere
}

// merge builds what this node is to build, if it has the inputs.
func (n *storageNode) merge() error {
	_, err := n.merges.Step(n.ctx)
	if errors.Is(err, shelf.ErrNotHere) {
		return nil
	}
	return err
}

// restoreNewest is what raft.NewRaft does: it takes the first floor of the list that can be restored, and fails if there are some and none
// can.
func (n *storageNode) restoreNewest() error {
	list, err := n.floors.List()
	if err != nil {
		return err
	}
	var errs []error
	for _, meta := range list {
		_, r, err := n.floors.Open(meta.ID)
		if err == nil {
			err = n.fsm.Restore(r)
		}
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// replay applies the log behind the floor.
func (n *storageNode) replay() error {
	_, last, err := n.logRange()
	if err != nil {
		return err
	}
	for index := n.state.Index() + 1; index <= last; index++ {
		var l raft.Log
		if err := n.cons.log.GetLog(index, &l); err != nil {
			return err
		}
		if err := n.apply(&l); err != nil {
			return err
		}
	}
	return nil
}

// applied is the last entry that is applied: all of the log, or the floor that it begins behind.
func (n *storageNode) applied() (uint64, error) {
	_, last, err := n.logRange()
	return max(last, n.state.Index()), err
}

// apply applies an entry, after flushes that it would wait for.
func (n *storageNode) apply(l *raft.Log) error {
	for n.state.Pressure() > 2 {
		if err := n.step(); err != nil {
			return err
		}
	}
	n.fsm.Apply(l)
	return errors.Join(n.fatal, n.state.Halted())
}

// append stores entries with one write and applies them.
func (n *storageNode) append(entries ...*raft.Log) error {
	if err := n.store.StoreLogs(entries); err != nil {
		return err
	}
	for _, l := range entries {
		if err := n.apply(l); err != nil {
			return err
		}
	}
	return nil
}

// step flushes the oldest sealed head. A full disk is given two more tries, everything else ends the process.
func (n *storageNode) step() error {
	var err error
	for range 3 {
		if _, err = n.flusher.Step(); !errors.Is(err, syscall.ENOSPC) || n.fatal != nil {
			break
		}
	}
	return errors.Join(err, n.fatal)
}

// flushAll flushes until no head is sealed.
func (n *storageNode) flushAll() error {
	for n.state.Pressure() > 0 {
		if err := n.step(); err != nil {
			return err
		}
	}
	return nil
}

// receive stores a floor that the leader sends. The state does not have it before restoreNewest.
func (n *storageNode) receive(c chapter) error {
	configuration := raft.DecodeConfiguration(c.header.Configuration)
	sink, err := n.floors.Create(1, c.Index, c.Term, configuration, c.header.ConfigurationIndex, nil)
	if err != nil {
		return err
	}
	if _, err := io.Copy(sink, onlyReads{bytes.NewReader(c.file)}); err != nil {
		return errors.Join(err, sink.Cancel())
	}
	return errors.Join(sink.Close(), n.fatal)
}

// wipe deletes the whole log, as Raft does after an install.
func (n *storageNode) wipe() error {
	first, last, err := n.logRange()
	if err != nil || last == 0 {
		return err
	}
	return n.store.DeleteRange(first, last)
}

// bring pulls what is missing from a peer that has the whole story.
func (n *storageNode) bring(s *story) error {
	fetch := func(_ context.Context, _ string, name segment.Name, offset int64, size int) ([]byte, error) {
		b := s.segments[name]
		if b == nil {
			return nil, shelf.ErrNotHere
		}
		return b[offset : offset+int64(size)], nil
	}
	return n.shelf.Bring(n.ctx, fetch, func() []string { return []string{"n2.b"} })
}

func (n *storageNode) cut() error { return n.cutLog(storyServers) }

func (n *storageNode) root() (root ledger.Digest) {
	n.state.View(func(v raftfsm.View) { root = v.Ledger.Root() })
	return root
}

// close ends the process in order.
func (n *storageNode) close() error {
	n.state.Close()
	return closing(nil, n.cons.log, n.shelf, n.floors, n.lock)
}

// listed returns the segments that each floor on the disk lists.
func (n *storageNode) listed() (all []segment.Info, err error) {
	for _, f := range n.floors.Floors() {
		err = errors.Join(err, n.floors.Read(f.Index, nil, func(name string, r io.Reader) error {
			if name != "manifest" {
				return nil
			}
			b, err := io.ReadAll(r)
			if err != nil {
				return err
			}
			m, err := segment.ParseManifest(b)
			all = append(all, m.Segments()...)
			return err
		}))
	}
	return all, err
}

type onlyReads struct{ io.Reader }

// salts gives each generation of a log file one that no other has, over all starts of all nodes.
type salts struct{}

var generations atomic.Uint64

func (salts) Read(p []byte) (int, error) {
	return copy(p, binary.LittleEndian.AppendUint64(nil, generations.Add(1)*0x9e3779b97f4a7c15)), nil
}

// settledVotes is the vote store of a node that is in the story's term.
type settledVotes struct{}

func (settledVotes) Set(_, _ []byte) error            { return nil }
func (settledVotes) Get([]byte) ([]byte, error)       { return nil, boltdb.ErrKeyNotFound }
func (settledVotes) SetUint64([]byte, uint64) error   { return nil }
func (settledVotes) GetUint64([]byte) (uint64, error) { return storyTerm, nil }
func (settledVotes) Close() error                     { return nil }
