package gapless

import (
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

func TestMajorityOfWitness(t *testing.T) {
	now := time.Now()
	const term = 7
	in := agreement{term, now}
	voters := func(ids ...raft.ServerID) (list []raft.Server) {
		for _, id := range ids {
			list = append(list, raft.Server{ID: id})
		}
		return list
	}
	guest := raft.Server{ID: "guest", Suffrage: raft.Nonvoter}
	for _, tt := range []struct {
		name    string
		servers []raft.Server
		agreed  map[raft.ServerID]agreement
		want    bool
	}{
		{"alone", voters("a"), nil, true},
		{"one of two others", voters("a", "b", "c"), map[raft.ServerID]agreement{"c": in}, true},
		{"nobody", voters("a", "b", "c"), nil, false},
		{"asked before", voters("a", "b", "c"), map[raft.ServerID]agreement{"b": {term, now.Add(-1)}, "c": {term, now.Add(-1)}}, false},
		{"in an older term", voters("a", "b", "c"), map[raft.ServerID]agreement{"b": {term - 1, now}, "c": {term - 1, now}}, false},
		{"without a vote", append(voters("a", "b", "c"), guest), map[raft.ServerID]agreement{"guest": in}, false},
		{"removed since", voters("a", "b", "c"), map[raft.ServerID]agreement{"d": in}, false},
		{"half of four", voters("a", "b", "c", "d"), map[raft.ServerID]agreement{"b": in}, false},
		{"three of five", voters("a", "b", "c", "d", "e"), map[raft.ServerID]agreement{"b": in, "e": in}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var w witness
			for id, a := range tt.agreed {
				w.agree(id, a)
				w.agree(id, agreement{term, a.asked.Add(-time.Second)}) // an answer that was overtaken
			}
			if got := w.majority(tt.servers, "a", term, now); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}
