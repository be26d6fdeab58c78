package gapless

import (
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"strings"
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
	path := filepath.Join(cfg.Data, stableFile)
	stable, err := boltdb.New(boltdb.Options{Path: path})
	if err != nil {
		return nil, fmt.Errorf("gapless: vote store %s: %w", path, closing(err, log))
	}
	// raft-boltdb does not sync the directory that holds its file.
	if err := dir.SyncDir("."); err != nil {
		return nil, fmt.Errorf("gapless: vote store: %w", closing(err, stable, log))
	}
	return &consensus{log: log, stable: stable}, nil
}

// empty reports whether this node never took part in a cluster.
func (c *consensus) empty() (bool, error) {
	has, err := raft.HasExistingState(c.log, c.stable, raft.NewDiscardSnapshotStore())
	return !has, err
}

// start runs Raft on the stores.
func (c *consensus) start(cfg *Config, server string, fsm raft.FSM, guard *raftfsm.Guard, stored func(), p *port.Port) error {
	logger := raftLogger(cfg.Logger)
	c.trans = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: p.Raft(), MaxPool: transportPool, MaxRPCsInFlight: 1, Timeout: transportTimeout, Logger: logger,
	})
	r, err := raft.NewRaft(raftConfig(cfg, server, logger), fsm, guard.Log(c.log, stored), guard.Stable(c.stable), raft.NewDiscardSnapshotStore(), c.trans)
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
