package gapless

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	boltdb "github.com/hashicorp/raft-boltdb/v2"

	"github.com/gaplessdb/gapless/raftfsm"
	"github.com/gaplessdb/gapless/raftfsm/port"
	"github.com/gaplessdb/gapless/vfs"
	"github.com/gaplessdb/gapless/wal"
)

// transportTimeout bounds one Raft exchange; connections per peer are few, because Raft keeps one for its log and one for heartbeats.
const (
	transportTimeout = 5 * time.Second
	transportPool    = 3
)

// consensus is what one Raft instance stands on.
type consensus struct {
	running atomic.Pointer[raftfsm.Instance]
	log     *wal.Log
	stable  VoteStore
	trans   *raft.NetworkTransport
	witness witness
	closed  atomic.Bool // the stores are, or are about to be
}

// stores are opened before Raft, because whether a node may start depends on what is in them.
func openStores(cfg *Config, dir vfs.FS) (*consensus, error) {
	log, err := wal.Open(dir, walDir, wal.Options{FileBytes: cfg.LogFileBytes, Logger: cfg.Logger, Metrics: cfg.Registerer})
	if err != nil {
		return nil, err
	}
	stable, err := cfg.Machine.Votes(dir, cfg.Data, stableFile)
	if err != nil {
		return nil, closing(err, log)
	}
	return &consensus{log: log, stable: stable}, nil
}

// termKey is where hashicorp/raft keeps the current term in its stable store.
var termKey = []byte("CurrentTerm")

// prepare compares log, vote store and identity, and reports whether this node never took part in a cluster. A node that lost
// its log or its votes must not start: it would vote as if it had them.
func (n *Node) prepare() (empty bool, err error) {
	end, err := logEnd(n.cons.log)
	if err != nil {
		return false, err
	}
	term, err := n.cons.stable.GetUint64(termKey)
	if err != nil && !errors.Is(err, boltdb.ErrKeyNotFound) {
		return false, fmt.Errorf("gapless: vote store: %w", err)
	}
	end = end.Max(n.floorEnd())
	if err := logLost(n.id, end, term); err != nil {
		return false, err
	}
	switch {
	case end.Index > 0 || term > 1:
		return false, nil
	case term == 1:
		return true, n.resetVotes() // founding was cut off before its first entry; nobody voted in term 1
	}
	return true, nil
}

// resetVotes replaces the vote store by an empty one.
func (n *Node) resetVotes() error {
	if err := n.cons.stable.Close(); err != nil {
		return fmt.Errorf("gapless: vote store: %w", err)
	}
	if err := n.dir.Remove(stableFile); err != nil {
		return err
	}
	var err error
	n.cons.stable, err = n.cfg.Machine.Votes(n.dir, n.cfg.Data, stableFile)
	return err
}

// nodeLog is the log as this node's Raft sees it. It notes in the identity that entries were stored, before the first of them is
// acknowledged, and asks for Raft to be opened anew where that is needed.
type nodeLog struct {
	raft.LogStore
	node *Node
}

func (l *nodeLog) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

func (l *nodeLog) StoreLogs(logs []*raft.Log) error {
	if err := l.LogStore.StoreLogs(logs); err != nil {
		return err
	}
	return l.node.join()
}

// DeleteRange refuses to cut off what was applied: only a log that forgot can be asked to, and the state cannot follow it.
//
// It also looks at the wipe after an install. Raft keeps the last index of its log in memory and does not reset it then: where the
// old log reached beyond the floor, it would refuse every entry of the leader for ever.
func (l *nodeLog) DeleteRange(first, last uint64) error {
	before, err := l.LastIndex()
	if err != nil {
		return err
	}
	applied := l.node.state.Index()
	if last >= before && first <= applied && l.node.newestFloor().Index < applied {
		return fmt.Errorf("gapless: the leader replaces entries from %d on, and this node applied up to %d: a majority of the disks forgot what they had stored", first, applied)
	}
	if err := l.LogStore.DeleteRange(first, last); err != nil {
		return err
	}
	after, err := l.LastIndex()
	if err == nil && after == 0 && before > l.node.newestFloor().Index {
		l.node.askReopen()
	}
	return err
}

// join is called by whoever writes the log, which is one goroutine.
func (n *Node) join() (err error) {
	if n.joined {
		return nil
	}
	err = n.amendIdentity(func(id *identity) { id.Joined = true })
	n.joined = err == nil
	return err
}

// start runs Raft on the stores.
func (n *Node) startConsensus() error {
	c, logger := n.cons, raftLogger(n.cfg.Logger)
	c.trans = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: n.port.Raft(), ServerAddressProvider: port.Targets(n.targetOf), MaxPool: transportPool, MaxRPCsInFlight: 1, Timeout: transportTimeout, Logger: logger,
	})
	log := raftfsm.HaltLog(n.guard.Log(n.noted(&nodeLog{c.log, n}), n.proposer.Stored), n.fail)
	votes := raftfsm.HaltStable(n.guard.Stable(c.stable), n.fail)
	started, err := raft.NewRaft(raftConfig(&n.cfg, n.id.server(), logger), n.fsm, log, votes, n.floors, witnessed{c.trans, &c.witness})
	if err != nil {
		return fmt.Errorf("gapless: raft: %w", err)
	}
	r := raftfsm.NewInstance(started)
	n.proposer.Bind(r)
	c.running.Store(r)
	if n.failed.Load() { // while it started
		r.Abandon()
	}
	return nil
}

// askReopen makes the leader loop open Raft anew.
func (n *Node) askReopen() {
	select {
	case n.reopen <- struct{}{}:
	default:
	}
}

// reopenConsensus ends Raft and starts it on the same stores: it restores the newest floor and replays the log behind it.
func (n *Node) reopenConsensus() error {
	n.log.Info("opening raft anew", "floor", n.newestFloor().Index)
	n.proposer.End()
	if err := n.cons.stop(); err != nil {
		return fmt.Errorf("gapless: opening raft anew: %w", err)
	}
	if d := n.healing.Swap(nil); d != nil {
		if err := n.adopt(d); err != nil {
			n.log.Error("the majority's floor could not be taken over", "floor", d.index, "hash", d.other, "err", err)
		}
	}
	return n.startConsensus()
}

// stop ends Raft and leaves the stores open.
func (c *consensus) stop() (errs error) {
	if r := c.running.Load(); r != nil {
		errs = r.Stop()
	}
	if c.trans != nil {
		c.trans.CloseStreams()
		errs = closing(errs, c.trans)
	}
	return errs
}

// raftConfig has what differs from the library's defaults; docs/configuration.md says why.
func raftConfig(cfg *Config, server string, logger hclog.Logger) *raft.Config {
	rc := raft.DefaultConfig()
	rc.LocalID = raft.ServerID(server)
	rc.HeartbeatTimeout = cfg.Heartbeat
	rc.ElectionTimeout = cfg.Heartbeat
	rc.LeaderLeaseTimeout = cfg.Heartbeat / 2
	rc.CommitTimeout = 10 * time.Millisecond
	rc.MaxAppendEntries = 16
	rc.BatchApplyCh = true
	rc.TrailingLogs = 1
	rc.SnapshotThreshold = math.MaxUint64
	rc.SnapshotInterval = time.Hour
	rc.NoLegacyTelemetry = true
	rc.Logger = logger
	return rc
}

func (c *consensus) close() error {
	err := c.stop()
	c.closed.Store(true)
	return closing(err, c.stable, c.log)
}

// raftLogger sends what Raft has to say to slog, a line each.
func raftLogger(log *slog.Logger) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: lineLogger{log}, DisableTime: true})
}

type lineLogger struct{ log *slog.Logger }

func (l lineLogger) Write(b []byte) (int, error) {
	line := strings.TrimSpace(string(b))
	if text, ok := strings.CutPrefix(line, "[ERROR]"); ok {
		l.log.Error("raft", "says", strings.TrimSpace(text))
	} else {
		l.log.Warn("raft", "says", strings.TrimSpace(strings.TrimPrefix(line, "[WARN]")))
	}
	return len(b), nil
}
