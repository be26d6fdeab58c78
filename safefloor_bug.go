//go:build bug_delete_before_durable

package gapless

// Breaks: the log is cut when what it held is durable on a second node, too. Here the copy of this one is enough.
func (n *Node) safeFloor([]string) uint64 {
	oldest, ok := n.floors.Oldest()
	if !ok {
		return 0
	}
	return oldest.Index
}
