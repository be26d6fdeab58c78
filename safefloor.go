//go:build !bug_delete_before_durable

package gapless

import "github.com/gaplessdb/gapless/raftfsm"

// safeFloor is the floor below which this node may delete its log, 0 for none: one that another member has, too, with the same hash, but not
// above the oldest floor kept here, so that a damaged newest floor file still leaves a state to start from.
func (n *Node) safeFloor(servers []string) (safe uint64) {
	oldest, ok := n.floors.Oldest()
	if !ok {
		return 0
	}
	if len(servers) == 1 && servers[0] == n.id.server() {
		return oldest.Index
	}
	n.state.View(func(v raftfsm.View) { safe = v.Floors.Common(n.id.server(), servers) })
	return min(safe, oldest.Index)
}
