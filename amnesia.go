//go:build !bug_wiped_voter_votes

package gapless

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"github.com/gaplessdb/gapless/raftfsm"
)

// A disk that lost what a server called durable must not vote as that server. An empty one is a server that nobody knows; another one is behind
// what the others noted.

// newIncarnation tells a node on an empty directory from the same node before.
func newIncarnation() (string, error) {
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", fmt.Errorf("gapless: incarnation: %w", err)
	}
	return hex.EncodeToString(random[:]), nil
}

// forgot reports whether a log that ends at end lacks something of what its server called durable.
func forgot(end, noted raftfsm.LogEnd) bool { return end.Compare(noted) < 0 }
