package sim

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gaplessdb/gapless"
	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/network"
	"github.com/gaplessdb/gapless/tests/votes"
	"github.com/gaplessdb/gapless/vfs"
)

// Ports that every machine listens on.
const (
	httpPort    = "7400"
	clusterPort = "7500"
)

// A process that ended by itself is started again after restartAfter, as a service manager does; one that refuses to start is looked at by an
// operator after operatorAfter.
const (
	lookEvery     = 50 * time.Millisecond
	restartAfter  = time.Second
	operatorAfter = 3 * time.Second
	closeWithin   = 2 * time.Minute
	tooOften      = 3 // starts in a row that end in a refusal are the operator's business
)

// machine is a simulated computer: a disk, a place in the network, a clock, and the process that runs on it.
type machine struct {
	c    *cluster
	name string
	ip   string
	host *network.Host
	disk *disk
	skew atomic.Int64 // nanoseconds that its wall clock is ahead

	clockReads atomic.Uint64 // how often its node looked at the wall clock
	ended      atomic.Uint64 // how often its node refused to start or ended by its own decision

	mu      sync.Mutex // protects all below; never held while a node opens or closes
	node    *gapless.Node
	life    int       // counts processes
	held    int       // faults that keep it from being started
	out     bool      // it is meant to be no member
	since   time.Time // the process was started
	deaths  int       // processes that refused to start or ended by themselves, since it was last seen ready
	why     error     // of the newest of them
	lastEnd time.Time // of the newest of them
	fresh   bool      // its disk was lost, and the cluster has not taken the new one in yet
	ending  sync.WaitGroup
}

func (m *machine) addr(port string) string { return m.ip + ":" + port }

func (m *machine) config(life int) gapless.Config {
	cfg := gapless.Defaults()
	cfg.Node, cfg.Cluster, cfg.Data = m.name, "simulated", m.name
	cfg.HTTP, cfg.Listen, cfg.Peers = m.addr(httpPort), m.addr(clusterPort), m.c.peers()
	cfg.LogFileBytes, cfg.LogKeepBytes, cfg.CacheBytes = logFileBytes, logKeepBytes, cacheBytes
	cfg.RetireAfter = retireAfter
	cfg.Merging = gapless.Merging{Interval: mergeEvery, PatienceFor: 5 * time.Second, GiveUpAfter: 20 * time.Second, Rebuild: true, AtOnce: m.c.plan.Seed%2 == 0}
	cfg.Logger = slog.New(m.c.journal.of(m.name))
	cfg.Clock = func() time.Time {
		m.clockReads.Add(1)
		return time.Now().Add(time.Duration(m.skew.Load()))
	}
	cfg.OnFatal = func(err error) { m.died(life, err) }
	cfg.Machine = gapless.Machine{
		Files: func(string) (vfs.FS, error) { return m.disk.files(), nil },
		Votes: m.openVotes,
		Listen: func(network, addr string) (net.Listener, error) {
			if !m.lives(life) {
				return nil, vfs.ErrCrashed
			}
			return m.host.Listen(network, addr)
		},
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := m.host.Dial(ctx, network, addr)
			if err == nil && !m.lives(life) { // what is left of a dead process must not speak for the next one
				conn.Close()
				return nil, vfs.ErrCrashed
			}
			return conn, err
		},
	}
	return cfg
}

// Sizes of a node here: small, so that a minute of load rolls, recycles, flushes, cuts and merges.
const (
	retireAfter  = 2 * time.Second
	mergeEvery   = 500 * time.Millisecond
	logFileBytes = 128 << 10
	logKeepBytes = 128 << 10
	cacheBytes   = 1 << 20
)

func (m *machine) openVotes(dir vfs.FS, _, name string) (gapless.VoteStore, error) {
	var term uint64 // of the newest vote
	return votes.Open(dir, name, votes.Options{Noted: func(key, value []byte) { m.c.noteVote(m, &term, key, value) }})
}

func (m *machine) setUnwanted(out bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.out = out
}

func (m *machine) unwanted() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.out
}

// troubled reports whether the cluster has not got its disk back yet: lost, out of the cluster, or refused by its node.
func (m *machine) troubled() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fresh || m.out || m.deaths >= tooOften
}

// sound reports whether its process could be expected to do its part: up for a while, and with nothing wrong beneath it.
func (m *machine) sound(settle time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.node != nil && m.held == 0 && !m.out && !m.fresh && time.Since(m.since) >= settle
}

// wipe ends the process and puts an empty disk in.
func (m *machine) wipe() {
	m.lose(vfs.NewMem(), check.Wiped)
	m.disk.forget()
}

// lose ends the process and puts another disk in: who had the old one must never vote again.
func (m *machine) lose(other *vfs.Mem, kind check.EventKind) {
	server := m.server()
	m.hold()
	m.crash(vfs.Crash{})
	m.c.event(m, check.Event{Kind: check.DiskLost, Server: server})
	if kind != check.DiskLost {
		m.c.event(m, check.Event{Kind: kind, Server: server})
	}
	m.disk.insert(other)
	m.mu.Lock()
	m.fresh, m.deaths = true, 0
	m.mu.Unlock()
	m.release()
}

// server is the id in the identity file of the disk, "" when there is none.
func (m *machine) server() string {
	b, err := m.disk.look("identity.json")
	var id struct{ Node, Incarnation string }
	if err != nil || json.Unmarshal(b, &id) != nil {
		return ""
	}
	return id.Node + "." + id.Incarnation
}

func describe(how vfs.Crash) string {
	switch {
	case how.Kill:
		return "killed"
	case how.Rand != nil:
		return "power cut, some of the unsynced survives"
	}
	return "power cut"
}
