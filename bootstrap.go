package gapless

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/raft"
)

const (
	askEvery  = 200 * time.Millisecond // while a new node waits for its peers
	sayEvery  = 10 * time.Second       // between log lines about waiting
	askWithin = time.Second            // for one answer
)

// enter starts Raft as soon as that is safe. A node with a log must first be shown that it has not lost the end of it (judge). An empty one
// asks its peers: a cluster is founded only when every configured peer answers that it is empty too, and then by the first of them by
// name; a cluster that exists is entered only under the server id it knows for this node. A cluster of one asks nobody.
func (n *Node) enter(ctx context.Context) error {
	if n.id.Refused != "" {
		n.setWaiting(n.id.Refused)
		return errors.New(n.id.Refused)
	}
	e, err := n.entrant()
	if err != nil {
		return err
	}
	if e.empty && len(n.cfg.Peers) <= 1 {
		return n.startRaft(raftServers(map[string]string{n.cfg.Node: e.Server}, map[string]string{n.cfg.Node: n.cfg.Advertise}))
	}
	var said, weakly time.Time // when it was last said why it waits, and since when without a break somebody vouches weakly
	for {
		hearings := n.hear(ctx, e)
		v := judge(e, hearings)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case v.refused != nil:
			return n.refuse(v.refused)
		case v.enter:
			return n.startRaft(nil)
		case !v.weakly:
			weakly = time.Time{}
		case weakly.IsZero():
			weakly = time.Now()
		case time.Since(weakly) >= n.cfg.AdmitAfter:
			n.log.Warn("entering the cluster on the word of members with an older log", "end", e.End.String(), "why", v.why)
			return n.startRaft(nil)
		}
		if e.empty && allEmpty(hearings) {
			var servers []raft.Server
			if servers, v.why = n.mayFound(hearings); servers != nil {
				return n.startRaft(servers)
			}
		}
		n.setWaiting(v.why)
		if now := time.Now(); now.Sub(said) > sayEvery {
			said = now
			n.log.Info("waiting to enter the cluster", "why", v.why)
		}
		select {
		case <-time.After(askEvery):
		case <-ctx.Done():
		}
	}
}

// refuse writes down that this disk must never vote again.
func (n *Node) refuse(why error) error {
	n.setWaiting(why.Error())
	return errors.Join(why, n.amendIdentity(func(id *identity) { id.Refused = why.Error() }))
}

func allEmpty(hearings []hearing) bool {
	return !slices.ContainsFunc(hearings, func(h hearing) bool { return h.err != nil || !h.Status.Empty })
}

// mayFound returns the servers to found a cluster with, when every peer is empty, or why this node must wait.
func (n *Node) mayFound(hearings []hearing) (servers []raft.Server, why string) {
	ids := map[string]string{n.cfg.Node: n.id.server()}
	for _, h := range hearings {
		if !maps.Equal(h.Status.Peers, n.cfg.Peers) {
			return nil, fmt.Sprintf("%s is configured with other peers (%v)", h.Status.Node, h.Status.Peers)
		}
		ids[h.Status.Node] = h.Status.Server
	}
	if first := slices.Min(slices.Collect(maps.Keys(n.cfg.Peers))); first != n.cfg.Node {
		return nil, fmt.Sprintf("every peer is empty: %s founds the cluster", first)
	}
	return raftServers(ids, n.cfg.Peers), ""
}

func raftServers(ids, addrs map[string]string) []raft.Server {
	var servers []raft.Server
	for _, node := range slices.Sorted(maps.Keys(addrs)) {
		servers = append(servers, raft.Server{ID: raft.ServerID(ids[node]), Address: raft.ServerAddress(addrs[node])})
	}
	return servers
}

// startRaft runs Raft, founding a cluster of servers when there are any.
func (n *Node) startRaft(servers []raft.Server) error {
	if err := n.startConsensus(); err != nil {
		return err
	}
	if len(servers) > 0 {
		n.log.Info("founding the cluster", "cluster", n.cfg.Cluster, "servers", servers)
		if err := n.cons.running.Load().BootstrapCluster(raft.Configuration{Servers: servers}).Error(); err != nil {
			return fmt.Errorf("gapless: founding the cluster: %w", err)
		}
	}
	n.setWaiting("")
	close(n.entered)
	return nil
}
