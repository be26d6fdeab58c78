package drive

import (
	"io"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/tests/votes"
	"github.com/gaplessdb/gapless/vfs"
)

// TestVote: that a real Raft, which is alone, votes for itself is told by what it stores.
func TestVote(t *testing.T) {
	var newest Vote
	voted := make(chan Vote, 1)
	stable, err := votes.Open(vfs.NewMem(), VoteFile, votes.Options{Noted: func(key, value []byte) {
		if newest.Take(key, value) {
			voted <- newest
		}
	}})
	must(t, err)
	addr, wire := raft.NewInmemTransport("alone")
	log, floors := raft.NewInmemStore(), raft.NewInmemSnapshotStore()
	config := raft.DefaultConfig()
	config.LocalID, config.LogOutput = "n1.abc", io.Discard
	config.HeartbeatTimeout, config.ElectionTimeout, config.LeaderLeaseTimeout = 20*time.Millisecond, 20*time.Millisecond, 20*time.Millisecond
	members := raft.Configuration{Servers: []raft.Server{{ID: config.LocalID, Address: addr}}}
	must(t, raft.BootstrapCluster(config, log, stable, floors, wire, members))
	r, err := raft.NewRaft(config, &raft.MockFSM{}, log, stable, floors, wire)
	must(t, err)
	defer func() { must(t, r.Shutdown().Error()) }()
	if got := <-voted; got.Candidate != "alone" || got.Term != 2 {
		t.Errorf("%+v", got)
	}
}
