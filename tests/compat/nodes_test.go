package compat

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/gaplessdb/gapless"
	"github.com/gaplessdb/gapless/tests/cluster"
	"github.com/gaplessdb/gapless/tests/ports"
)

const patience = 30 * time.Second

// nodes are the nodes of a frozen cluster, run by today's code in this process, at addresses of today.
type nodes struct {
	t       *testing.T
	configs []gapless.Config
	running []*gapless.Node
}

func newNodes(t *testing.T, f frozen, dir string) *nodes {
	c := &nodes{t: t}
	peers := map[string]string{}
	addrs, err := ports.Free(f.nodes)
	if err != nil {
		t.Fatal(err)
	}
	for i, addr := range addrs {
		peers[fmt.Sprintf("n%d", i+1)] = addr
	}
	for i := range f.nodes {
		node := fmt.Sprintf("n%d", i+1)
		cfg := gapless.Config{
			Node: node, Cluster: "test", Data: filepath.Join(dir, node), HTTP: "127.0.0.1:0", Listen: peers[node], FenceAfter: 10 * time.Second,
			Logger:  slog.New(slog.NewTextHandler(io.Discard, nil)),
			OnFatal: func(err error) { t.Errorf("%s: fatal: %v", node, err) },
		}
		if f.nodes > 1 {
			cfg.Peers = peers
		}
		c.configs = append(c.configs, cfg)
	}
	t.Cleanup(c.stop)
	return c
}

// start opens every node and waits until all are ready.
func (c *nodes) start() {
	c.t.Helper()
	for _, cfg := range c.configs {
		var n *gapless.Node
		var err error
		cluster.Eventually(c.t, patience, func() bool { // an outgoing connection may have borrowed the port
			n, err = gapless.Open(cfg)
			return !errors.Is(err, syscall.EADDRINUSE)
		}, func() string { return err.Error() })
		if err != nil {
			c.t.Fatal(err)
		}
		c.running = append(c.running, n)
	}
	for _, url := range c.urls() {
		var err error
		cluster.Eventually(c.t, patience, func() bool {
			var ready struct{}
			err = cluster.GetJSON(url+"/readyz", &ready)
			return err == nil || c.t.Failed()
		}, func() string { return err.Error() })
	}
	if c.t.Failed() {
		c.t.FailNow()
	}
}

func (c *nodes) stop() {
	for _, n := range c.running {
		if err := n.Close(); err != nil {
			c.t.Error(err)
		}
	}
	c.running = nil
}

func (c *nodes) urls() (urls []string) {
	for _, n := range c.running {
		urls = append(urls, "http://"+n.HTTPAddr())
	}
	return urls
}

// flush makes a floor on every node.
func (c *nodes) flush() {
	c.t.Helper()
	cluster.Command(c.t, patience, http.MethodPost, c.urls()[0]+"/v1/cluster/flush", "")
}

// same waits until every node has the newest floor, and compares files by their hashes: what an old log does today is the same everywhere.
func (c *nodes) same() {
	c.t.Helper()
	var all []cluster.Storage
	cluster.Eventually(c.t, patience, func() bool {
		all = nil
		for _, url := range c.urls() {
			all = append(all, cluster.StorageOf(c.t, url))
		}
		for _, s := range all {
			if s.Floor != all[0].Floor || s.Floor == 0 || s.Missing > 0 || len(s.Segments) == 0 {
				return false
			}
		}
		return true
	}, func() string { return fmt.Sprintf("floors and segments: %+v", all) })
	for _, s := range all[1:] {
		if s.Hash != all[0].Hash || !slices.Equal(s.Segments, all[0].Segments) {
			c.t.Errorf("floors and segments differ: %+v and %+v", s, all[0])
		}
	}
}
