//go:build bug_wiped_voter_votes

package gapless

import "github.com/gaplessdb/gapless/raftfsm"

// Breaks: who lost its disk has no vote. An empty directory is the node that it was, and has nothing that it could have forgotten.
func newIncarnation() (string, error) { return "00000000", nil }

func forgot(end, noted raftfsm.LogEnd) bool { return end.Index > 0 && end.Compare(noted) < 0 }
