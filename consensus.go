package gapless

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	boltdb "github.com/hashicorp/raft-boltdb/v2"

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
	raft   *raft.Raft
	log    *wal.Log
	stable *boltdb.BoltStore
	trans  *raft.NetworkTransport
}

// stores are opened before Raft, because whether a node may start depends on what is in them.
func openStores(cfg *Config, dir vfs.FS) (*consensus, error) {
	log, err := wal.Open(dir, walDir, wal.Options{Logger: cfg.Logger, Metrics: cfg.Registerer})
	if err != nil {
		return nil, err
	}
	stable, err := openStable(cfg, dir)
	if err != nil {
		return nil, closing(err, log)
	}
	return &consensus{log: log, stable: stable}, nil
}

func openStable(cfg *Config, dir vfs.FS) (*boltdb.BoltStore, error) {
	path := filepath.Join(cfg.Data, stableFile)
	stable, err := boltdb.New(boltdb.Options{Path: path})
	if err != nil {
		return nil, fmt.Errorf("gapless: vote store %s: %w", path, err)
	}
	// raft-boltdb does not sync the directory that holds its file.
	if err := dir.SyncDir("."); err != nil {
		return nil, fmt.Errorf("gapless: vote store: %w", closing(err, stable))
	}
	return stable, nil
}

// termKey is where hashicorp/raft keeps the current term in its stable store.
var termKey = []byte("CurrentTerm")

// prepare compares log, vote store and identity, and reports whether this node never took part in a cluster. A node that lost
// its log or its votes must not start: it would vote as if it had them.
func (n *Node) prepare() (empty bool, err error) {
	last, err := n.cons.log.LastIndex()
	if err != nil {
		return false, err
	}
	term, err := n.cons.stable.GetUint64(termKey)
	if err != nil && !errors.Is(err, boltdb.ErrKeyNotFound) {
		return false, fmt.Errorf("gapless: vote store: %w", err)
	}
	switch {
	case last > 0 && term == 0:
		return false, fmt.Errorf("gapless: the log has entries up to %d but %s has no term: the file was lost, and with it how this node voted: the node must not start", last, stableFile)
	case last == 0 && n.id.Joined:
		return false, fmt.Errorf("gapless: this node stored entries before, but its log in %s is empty: it was lost, and the node must not vote without it", walDir)
	case last > 0 || term > 1:
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
	n.cons.stable, err = openStable(&n.cfg, n.dir)
	return err
}

// joiningLog notes in the identity that this node has stored entries, before the first of them is acknowledged.
type joiningLog struct {
	raft.LogStore
	join func() error
}

func (l *joiningLog) StoreLog(log *raft.Log) error { return l.StoreLogs([]*raft.Log{log}) }

func (l *joiningLog) StoreLogs(logs []*raft.Log) error {
	if err := l.LogStore.StoreLogs(logs); err != nil {
		return err
	}
	return l.join()
}

// join is called by whoever writes the log, which is one goroutine.
func (n *Node) join() (err error) {
	if n.joined {
		return nil
	}
	id := n.id
	id.Joined = true
	_, err = writeIdentity(n.dir, id)
	n.joined = err == nil
	return err
}

// start runs Raft on the stores.
func (c *consensus) start(cfg *Config, server string, fsm raft.FSM, log raft.LogStore, stable raft.StableStore, p *port.Port) error {
	logger := raftLogger(cfg.Logger)
	c.trans = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: p.Raft(), MaxPool: transportPool, MaxRPCsInFlight: 1, Timeout: transportTimeout, Logger: logger,
	})
	r, err := raft.NewRaft(raftConfig(cfg, server, logger), fsm, log, stable, raft.NewDiscardSnapshotStore(), c.trans)
	if err != nil {
		return fmt.Errorf("gapless: raft: %w", err)
	}
	c.raft = r
	return nil
}

// raftConfig has the settings of docs/ARCHITECTURE.md, "Raft".
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
	var errs error
	if c.raft != nil {
		errs = c.raft.Shutdown().Error()
	}
	if c.trans != nil {
		c.trans.CloseStreams()
		errs = closing(errs, c.trans)
	}
	return closing(errs, c.stable, c.log)
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
