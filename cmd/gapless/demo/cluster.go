package demo

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// cluster is the three nodes.
type cluster struct {
	nodes []*node
}

// Bounds of waiting.
const (
	readyWait  = time.Minute // for a node to take frames
	leaderWait = 30 * time.Second
	pollEvery  = 50 * time.Millisecond
)

// newCluster lays out the nodes under a directory; none is started.
func newCluster(o *Options, d *directory, p ports) *cluster {
	c := &cluster{}
	var peers []string
	for i, name := range nodeNames {
		peers = append(peers, "--peer", name+"="+loopback(p.Cluster[i]))
	}
	for i, name := range nodeNames {
		args := []string{
			"serve", "--node", name, "--cluster", "demo", "--data", d.file(name),
			"--http", loopback(p.HTTP[i]), "--listen", loopback(p.Cluster[i]),
			"--fence-after", "10s", // three nodes share one disk
			"--log-keep-bytes", strconv.Itoa(logKeepBytes),
		}
		c.nodes = append(c.nodes, &node{
			name: name, url: "http://" + loopback(p.HTTP[i]), binary: o.Binary, args: append(args, peers...),
			data: d.file(name), log: d.file(name + ".log"),
		})
	}
	return c
}

// start starts all nodes and waits until they take frames.
func (c *cluster) start(ctx context.Context) error {
	for _, n := range c.nodes {
		if err := n.start(); err != nil {
			return err
		}
	}
	return c.waitReady(ctx)
}

// stop ends all nodes, at the same time.
func (c *cluster) stop() error {
	errs := make(chan error, len(c.nodes))
	for _, n := range c.nodes {
		go func() { errs <- n.stop() }()
	}
	var all error
	for range c.nodes {
		all = errors.Join(all, <-errs)
	}
	return all
}

// waitReady returns when every node takes frames, or why one does not.
func (c *cluster) waitReady(ctx context.Context) error {
	for _, n := range c.nodes {
		err := until(ctx, readyWait, func() (bool, error) {
			if err := n.exit(); err != nil {
				return false, &finalError{err}
			}
			err := n.ready(ctx)
			return err == nil, err
		})
		if err != nil {
			return fmt.Errorf("demo: %s at %s is not ready: %w", n.name, n.url, err)
		}
	}
	return nil
}

// leader returns the node that leads.
func (c *cluster) leader(ctx context.Context) (*node, error) {
	var found *node
	err := until(ctx, leaderWait, func() (bool, error) {
		var last error
		for _, n := range c.nodes {
			leads, err := n.leads(ctx)
			if leads {
				found = n
				return true, nil
			}
			last = errors.Join(last, err)
		}
		return false, last
	})
	if err != nil {
		return nil, fmt.Errorf("demo: no leader: %w", err)
	}
	return found, nil
}

// urls returns the nodes' HTTP addresses.
func (c *cluster) urls() []string {
	var out []string
	for _, n := range c.nodes {
		out = append(out, n.url)
	}
	return out
}

// finalError says that waiting longer is of no use.
type finalError struct{ err error }

func (e *finalError) Error() string { return e.err.Error() }
func (e *finalError) Unwrap() error { return e.err }

// until polls done until it is true; its last error is the reason when time is up.
func until(ctx context.Context, limit time.Duration, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("waited %s", limit))
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		ok, err := done()
		if ok {
			return nil
		}
		var final *finalError
		if errors.As(err, &final) {
			return final.err
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}
