//go:build !bug_prefix_delete_at_floor

package wal

// belowFloor is the last index of a prefix to hi that may be deleted, 0 for none: the entry at the floor stays, because a leader looks it up as
// the previous entry of the first one behind the floor.
func belowFloor(hi, floor uint64) uint64 {
	if floor == 0 {
		return 0
	}
	return min(hi, floor-1)
}
