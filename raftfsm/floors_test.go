package raftfsm

import (
	"bytes"
	"slices"
	"testing"
)

// A node that lost a segment takes its reports back: nobody deletes anything on its word, and nobody takes the empty report for a floor.
func TestFloorReportIsTakenBack(t *testing.T) {
	r := newReplica(t)
	members := []string{"n1.a", "n2.b", "n3.c"}
	r.configure(members...)
	report := func(server string, index uint64, hash string) {
		t.Helper()
		if res := r.command(KindFlushed, FloorReport{Server: server, Index: index, Hash: hash}); res.Err != nil {
			t.Fatal(res.Err)
		}
	}
	for _, server := range members[:2] {
		report(server, 10, "aa")
		report(server, 20, "bb")
	}
	f := r.state.floors
	if got := f.Common("n1.a", members); got != 20 {
		t.Fatalf("two have reported 20, common is %d", got)
	}
	report("n2.b", 0, "")
	if got := f.Common("n1.a", members); got != 0 {
		t.Errorf("common is %d although nobody else vouches for anything", got)
	}
	if got, ok := f.Newest("n2.b"); ok || got != (FloorReport{}) {
		t.Errorf("its newest report is %+v", got)
	}
	report("n3.c", 0, "") // of one that never had any
	for _, index := range []uint64{0, 10, 20} {
		if other, votes := f.Differs(index, "zz", []string{"n2.b", "n3.c"}); votes != 0 {
			t.Errorf("floor %d: %d votes for %q", index, votes, other)
		}
	}
	if got := f.Common("n3.c", members); got != 0 {
		t.Errorf("two that have nothing have floor %d in common", got)
	}
	var checkpoint bytes.Buffer
	if err := f.Freeze()(&checkpoint); err != nil {
		t.Fatal(err)
	}
	restored := &Floors{}
	if err := restored.Restore(&checkpoint); err != nil || !slices.Equal(restored.reports, f.reports) {
		t.Errorf("restored %+v, %v", restored.reports, err)
	}
	report("n2.b", 20, "bb")
	if got, ok := f.Newest("n2.b"); !ok || got.Index != 20 || len(f.Of("n2.b")) != 2 {
		t.Errorf("after the repair: %+v", f.Of("n2.b"))
	}
	if got := f.Common("n1.a", members); got != 20 {
		t.Errorf("after the repair common is %d", got)
	}
}
