//go:build !bug_log_rewrites

package raftfsm

// kept is a record of the proof's log as it is stored: the bytes that were hashed.
func kept(record []byte) []byte { return record }
