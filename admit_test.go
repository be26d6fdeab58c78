package gapless

import (
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/gaplessdb/gapless/raftfsm"
)

// says is a member that answers an entrant.
func says(node string, known bool, ticked, note raftfsm.LogEnd) hearing {
	h := hearing{target: target{node, "127.0.0.1:1"}}
	h.Status = status{Node: node, Server: node + ".1", ClusterID: "c1", Servers: []string{"a.1", "b.1", "c.1"}}
	if !known {
		h.Status.Servers = []string{"a.1", "c.1"}
	}
	h.Known, h.Ticked, h.Note, h.Noted = known, ticked, note, note.Index > 0
	return h
}

func silent(node string) hearing {
	return hearing{target: target{node, "127.0.0.1:1"}, err: errors.New("refused")}
}

func isEmpty(node string) hearing {
	h := says(node, false, raftfsm.LogEnd{}, raftfsm.LogEnd{})
	h.Status.Empty, h.Status.ClusterID, h.Status.Servers = true, "", nil
	return h
}

// floorOnly is a member with a floor and no log, ended right after an install.
func floorOnly(node string) hearing {
	h := isEmpty(node)
	h.Status.Empty, h.Status.LastIndex = false, 10
	return h
}

// replaced is a member that knows another incarnation of the entrant's node.
func replaced(h hearing) hearing {
	h.Status.Servers = []string{"a.1", "b.7", "c.1"}
	return h
}

func ofCluster(id string, h hearing) hearing {
	h.Status.ClusterID = id
	return h
}

func TestJudge(t *testing.T) {
	at := func(term, index uint64) raftfsm.LogEnd { return raftfsm.LogEnd{Term: term, Index: index} }
	var none raftfsm.LogEnd
	alone := page{configured: true, servers: []raft.Server{{ID: "b.1"}, {ID: "c.1", Suffrage: raft.Nonvoter}}}
	three := page{configured: true, servers: []raft.Server{{ID: "a.1"}, {ID: "b.1"}, {ID: "c.1"}}, tickEnd: at(3, 90)}
	for _, tc := range []struct {
		name     string
		end      raftfsm.LogEnd
		page     page
		hearings []hearing
		want     string // enter, weakly, refused, or a part of why it waits
	}{
		{"a member with a newer TICK and a note that is met", at(3, 100), three, []hearing{says("a", true, at(3, 120), at(3, 100)), silent("c")}, "enter"},
		{"one index behind the note", at(3, 99), three, []hearing{says("a", true, at(3, 120), at(3, 100)), silent("c")}, "refused"},
		{"longer, and of an older term", at(2, 500), three, []hearing{says("a", true, at(3, 120), at(3, 100)), silent("c")}, "refused"},
		{"one objects and another does not", at(3, 99), three, []hearing{says("a", true, at(3, 120), at(3, 99)), says("c", true, at(3, 110), at(3, 100))}, "refused"},
		{"an older note of a stale member is met, too", at(3, 99), three, []hearing{says("a", true, at(2, 50), at(2, 40)), silent("c")}, "weakly"},
		{"a stale member's note is not met", at(2, 30), three, []hearing{says("a", true, at(2, 50), at(2, 40)), silent("c")}, "refused"},
		{"stale members, and nobody else is left", at(3, 99), three, []hearing{says("a", true, at(2, 50), at(2, 40)), says("c", true, at(2, 50), none)}, "enter"},
		{"the same TICK is the newest in both logs", at(3, 99), three, []hearing{says("a", true, at(3, 90), at(3, 88)), silent("c")}, "enter"},
		{"nobody answers", at(3, 99), three, []hearing{silent("a"), silent("c")}, "does not answer"},
		{"an empty disk vouches for nothing", at(3, 99), three, []hearing{isEmpty("a"), silent("c")}, "a is empty"},
		{"everybody else is empty: nobody can vote with it", at(3, 99), three, []hearing{isEmpty("a"), isEmpty("c")}, "enter"},
		{"no TICK anywhere: the founding was cut off", at(1, 1), page{}, []hearing{says("a", true, none, none), silent("c")}, "enter"},
		{"no TICK here, and the others are empty", at(1, 1), page{}, []hearing{isEmpty("a"), isEmpty("c")}, "enter"},
		{"no TICK here, one other empty and one away", at(1, 1), page{}, []hearing{isEmpty("a"), silent("c")}, "does not answer"},
		{"the members do not know it", at(3, 99), three, []hearing{says("a", false, at(3, 120), none), silent("c")}, "was removed"},
		{"a member that does not know it and one that does", at(3, 99), three, []hearing{says("a", false, at(3, 120), none), says("c", true, at(3, 90), at(3, 80))}, "was removed"},
		{"the member that knows it has the newer TICK", at(3, 99), three, []hearing{says("a", false, at(3, 95), none), says("c", true, at(3, 120), at(3, 80))}, "enter"},
		{"only a stale member answers, and does not know it", at(3, 99), three, []hearing{says("a", false, at(2, 20), none), silent("c")}, "does not know"},
		{"only a stale member does not know it", at(3, 99), three, []hearing{says("a", false, at(2, 20), none), says("c", true, at(3, 90), at(3, 80))}, "enter"},
		{"other cluster", at(3, 99), three, []hearing{ofCluster("c2", says("a", true, at(9, 120), at(9, 100))), silent("c")}, "belongs to cluster c2"},
		{"other cluster does not count against the own one", at(3, 99), three, []hearing{ofCluster("c2", says("a", true, at(9, 120), at(9, 100))), says("c", true, at(3, 95), at(3, 80))}, "enter"},
		{"its node has another disk now", at(3, 99), three, []hearing{replaced(says("a", false, at(3, 120), none)), silent("c")}, "was replaced by b.7"},
		{"a cluster of one enters alone", at(3, 99), alone, nil, "enter"},
		{"a cluster of one whose peers do not answer", at(3, 99), alone, []hearing{silent("a")}, "weakly"},
		{"members that have a floor and nothing else", at(3, 99), three, []hearing{floorOnly("a"), floorOnly("c")}, "does not know yet"},
		{"a cluster of one on an old copy", at(3, 99), alone, []hearing{says("a", true, at(3, 120), at(3, 100))}, "refused"},
		{"a cluster of one that was removed meanwhile", at(3, 99), alone, []hearing{says("a", false, at(3, 120), none)}, "was removed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := judge(&entrant{Node: "b", Server: "b.1", ClusterID: "c1", End: tc.end, page: tc.page}, tc.hearings)
			if got := shown(v); got != tc.want && (got != "" || !strings.Contains(v.why, tc.want)) {
				t.Errorf("%+v, want %q", v, tc.want)
			}
			if v.refused != nil && (!errors.Is(v.refused, errBehind) || !strings.Contains(v.refused.Error(), "gapless ctl replace b")) {
				t.Errorf("the refusal does not say what to do: %v", v.refused)
			}
		})
	}
}

// TestJudgeEmpty: a disk without a log enters only where the cluster waits for just this server.
func TestJudgeEmpty(t *testing.T) {
	var none raftfsm.LogEnd
	tick := raftfsm.LogEnd{Term: 3, Index: 120}
	for _, tc := range []struct {
		name     string
		hearings []hearing
		want     string
	}{
		{"founded with it", []hearing{says("a", true, none, none), silent("c")}, "enter"},
		{"added to the cluster", []hearing{says("a", true, tick, none), says("c", true, tick, none)}, "enter"},
		{"its log was there once", []hearing{says("a", true, tick, raftfsm.LogEnd{Term: 1, Index: 1})}, "refused"},
		{"another incarnation is a member", []hearing{replaced(says("a", false, tick, none))}, "gapless ctl replace b"},
		{"everybody is empty: that is for founding", []hearing{isEmpty("a"), isEmpty("c")}, "is empty"},
		{"nobody answers", []hearing{silent("a"), silent("c")}, "does not answer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := judge(&entrant{Node: "b", Server: "b.2", empty: true}, tc.hearings)
			if got := shown(v); got != tc.want && (got != "" || !strings.Contains(v.why, tc.want)) {
				t.Errorf("%+v, want %q", v, tc.want)
			}
		})
	}
	stranger := says("a", false, tick, none)
	v := judge(&entrant{Node: "d", Server: "d.1", empty: true}, []hearing{stranger})
	if !strings.Contains(v.why, "gapless ctl join d ADDRESS") {
		t.Errorf("a new node is not told to join: %q", v.why)
	}
}

func shown(v verdict) string {
	switch {
	case v.refused != nil:
		return "refused"
	case v.enter:
		return "enter"
	case v.weakly:
		return "weakly"
	}
	return ""
}
