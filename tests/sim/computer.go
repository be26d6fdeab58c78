package sim

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gaplessdb/gapless"
	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/drive"
	"github.com/gaplessdb/gapless/tests/network"
	"github.com/gaplessdb/gapless/tests/votes"
	"github.com/gaplessdb/gapless/vfs"
)

// Ports that every computer listens on.
const (
	httpPort    = "7400"
	clusterPort = "7500"
)

// Sizes of a node here: small, so that a minute of load rolls, recycles, flushes, cuts and merges.
const (
	retireAfter  = 2 * time.Second
	mergeEvery   = 500 * time.Millisecond
	logFileBytes = 128 << 10
	logKeepBytes = 128 << 10
	cacheBytes   = 1 << 20
)

// closeWithin bounds how long a process without disk and network may take to end.
const closeWithin = 2 * time.Minute

// computer is a disk, a place in the network, a clock, and the process that runs on it.
type computer struct {
	w    *world
	name string
	ip   string
	host *network.Host
	disk *disk

	skew   atomic.Int64  // nanoseconds that its wall clock is ahead
	reads  atomic.Uint64 // how often its node looked at the wall clock
	ending sync.WaitGroup

	mu   sync.Mutex // protects all below; never held while a node opens or closes
	node *gapless.Node
	life uint64 // of the process that runs or starts, 0 for none
}

func newComputer(w *world, name, ip string) *computer {
	c := &computer{w: w, name: name, ip: ip, host: w.net.Host(ip)}
	c.disk = newDisk(func(kind check.EventKind, file string, err error) {
		w.Event(name, check.Event{Kind: kind, File: file, Text: fmt.Sprint(err)})
	})
	return c
}

func (c *computer) Name() string       { return c.name }
func (c *computer) HTTP() string       { return c.ip + ":" + httpPort }
func (c *computer) Peer() string       { return c.ip + ":" + clusterPort }
func (c *computer) Disk() drive.Disk   { return c.disk }
func (c *computer) Clock() drive.Clock { return clock{c} }

func (c *computer) config(life uint64) gapless.Config {
	cfg := gapless.Defaults()
	cfg.Node, cfg.Cluster, cfg.Data = c.name, "simulated", c.name
	cfg.HTTP, cfg.Listen, cfg.Peers = c.HTTP(), c.Peer(), map[string]string{}
	for _, peer := range c.w.computers {
		cfg.Peers[peer.name] = peer.Peer()
	}
	cfg.LogFileBytes, cfg.LogKeepBytes, cfg.CacheBytes = logFileBytes, logKeepBytes, cacheBytes
	cfg.RetireAfter = retireAfter
	cfg.Merging = gapless.Merging{
		Interval: mergeEvery, PatienceFor: 5 * time.Second, GiveUpAfter: 20 * time.Second, Rebuild: true, AtOnce: c.w.plan.Seed%2 == 0,
	}
	cfg.Logger = slog.New(c.w.Journal(c.name))
	cfg.Clock = func() time.Time {
		c.reads.Add(1)
		return time.Now().Add(time.Duration(c.skew.Load()))
	}
	cfg.OnFatal = func(err error) { c.w.Died(c.name, life, err) }
	cfg.Machine = gapless.Machine{
		Files: func(string) (vfs.FS, error) { return c.disk.files(), nil },
		Votes: c.openVotes,
		Listen: func(network, addr string) (net.Listener, error) {
			if !c.lives(life) {
				return nil, vfs.ErrCrashed
			}
			return c.host.Listen(network, addr)
		},
		Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := c.host.Dial(ctx, network, addr)
			if err == nil && !c.lives(life) { // what is left of a dead process must not speak for the next one
				conn.Close()
				return nil, vfs.ErrCrashed
			}
			return conn, err
		},
	}
	return cfg
}

func (c *computer) openVotes(dir vfs.FS, _, name string) (gapless.VoteStore, error) {
	var newest drive.Vote
	return votes.Open(dir, name, votes.Options{Noted: func(key, value []byte) {
		if newest.Take(key, value) {
			newest.Server = drive.ServerOf(c.disk)
			c.w.Event(c.name, newest.Event())
		}
	}})
}

func (c *computer) lives(life uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.life == life
}

// Start implements drive.Computer.
func (c *computer) Start(life uint64) error {
	c.mu.Lock()
	c.life = life
	c.mu.Unlock()
	c.host.Up()
	node, err := gapless.Open(c.config(life))
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		return err
	case c.life != life:
		c.bury(node)
		return drive.ErrHalted
	}
	c.node = node
	return nil
}

// Halt implements drive.Computer.
func (c *computer) Halt(how drive.Crash) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.life = 0
	left := c.disk.stop(vfs.Crash{Kill: how.Kill, Rand: how.Rand})
	c.host.Down(!how.Kill)
	c.disk.insert(left)
	if c.node != nil {
		c.bury(c.node)
		c.node = nil
	}
}

// bury waits for the goroutines of a process whose disk and network are gone.
func (c *computer) bury(node *gapless.Node) {
	c.ending.Go(func() {
		done := make(chan struct{})
		go func() { defer close(done); _ = node.Close() }() // its disk is gone: it has nothing good to say
		late := time.NewTimer(closeWithin)
		defer late.Stop()
		select {
		case <-done:
		case <-late.C:
			c.w.Violate("close", fmt.Sprintf("%s: Close of a node without disk and network has not returned after %s", c.name, closeWithin))
			<-done
		}
	})
}

// Stop implements drive.Computer.
func (c *computer) Stop() (err error) {
	c.mu.Lock()
	node := c.node
	c.node = nil
	c.mu.Unlock()
	if node != nil {
		err = node.Close()
	}
	c.ending.Wait()
	return err
}

// clock is the wall clock of a computer.
type clock struct{ c *computer }

func (k clock) Skew() time.Duration         { return time.Duration(k.c.skew.Load()) }
func (k clock) SetSkew(ahead time.Duration) { k.c.skew.Store(int64(ahead)) }
func (k clock) Reads() uint64               { return k.c.reads.Load() }
