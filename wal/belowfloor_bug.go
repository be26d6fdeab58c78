//go:build bug_prefix_delete_at_floor

package wal

// Breaks: the entry at the floor stays. Here it is the last one that goes.
func belowFloor(hi, floor uint64) uint64 { return min(hi, floor) }
