package gapless

import (
	"context"
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

// enter starts Raft as soon as that is safe. A node that took part before starts at once. An empty one asks its peers: a cluster is
// founded only when every configured peer answers that it is empty too, and then by the first of them by name; a cluster that exists
// is entered only under the server id it knows for this node.
func (n *Node) enter(ctx context.Context) error {
	if !n.empty {
		return n.startRaft(nil)
	}
	if len(n.cfg.Peers) <= 1 {
		return n.startRaft(raftServers(map[string]string{n.cfg.Node: n.id.server()}, map[string]string{n.cfg.Node: n.cfg.Advertise}))
	}
	var said time.Time
	for {
		servers, why := n.mayEnter(ctx)
		if why == "" {
			return n.startRaft(servers)
		}
		n.setWaiting(why)
		if now := n.cfg.Clock(); now.Sub(said) > sayEvery {
			said = now
			n.log.Info("waiting to enter the cluster", "why", why)
		}
		select {
		case <-time.After(askEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// mayEnter asks every peer once. It returns why this node must wait, or the servers to found a cluster with (none: just start).
func (n *Node) mayEnter(ctx context.Context) (servers []raft.Server, why string) {
	ids := map[string]string{n.cfg.Node: n.id.server()}
	silent := ""
	for _, node := range slices.Sorted(maps.Keys(n.cfg.Peers)) {
		if node == n.cfg.Node {
			continue
		}
		st, err := n.askStatus(ctx, n.cfg.Peers[node])
		switch {
		case err != nil:
			silent = fmt.Sprintf("%s at %s does not answer: %v", node, n.cfg.Peers[node], err)
		case st.Node != node:
			return nil, fmt.Sprintf("%s answers as %s: correct peers", n.cfg.Peers[node], st.Node)
		case !st.Empty && slices.Contains(st.Servers, n.id.server()):
			return nil, "" // founded with us: wait for the leader's log
		case !st.Empty && len(st.Servers) == 0:
			return nil, node + " is starting"
		case !st.Empty:
			return nil, fmt.Sprintf("%s is in a cluster of %v, which does not know %s: this disk is empty or new", node, st.Servers, n.id.server())
		case !maps.Equal(st.Peers, n.cfg.Peers):
			return nil, fmt.Sprintf("%s is configured with other peers (%v)", node, st.Peers)
		}
		if err == nil {
			ids[node] = st.Server
		}
	}
	if silent != "" {
		return nil, silent
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
	log := n.guard.Log(&joiningLog{n.cons.log, n.join}, n.proposer.Stored)
	if err := n.cons.start(&n.cfg, n.id.server(), n.fsm, log, n.guard.Stable(n.cons.stable), n.port); err != nil {
		return err
	}
	n.proposer.Bind(n.cons.raft)
	if len(servers) > 0 {
		n.log.Info("founding the cluster", "cluster", n.cfg.Cluster, "servers", servers)
		if err := n.cons.raft.BootstrapCluster(raft.Configuration{Servers: servers}).Error(); err != nil {
			return fmt.Errorf("gapless: founding the cluster: %w", err)
		}
	}
	n.setWaiting("")
	close(n.entered)
	return nil
}
