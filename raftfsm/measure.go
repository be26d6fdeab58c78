//go:build !bug_nondeterministic_flush

package raftfsm

// measure is the size of the floor file before the one that is being sealed's predecessor. Every node knows it at that point, whatever
// the pace of its flusher, because at most one other sealed head is left then.
func (s *State) measure() int64 {
	if len(s.sealed) > 0 { // the predecessor is not published yet: what is published last is the one before it
		return s.sizes[0]
	}
	return s.sizes[1]
}
