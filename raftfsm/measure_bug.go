//go:build bug_nondeterministic_flush

package raftfsm

// Breaks: where a flush point lies is a function of the log. It depends on how far this node's flusher came.
func (s *State) measure() int64 { return s.sizes[0] }
