package raftfsm

import "testing"

// TestEditBehindAFlushPoint: an edit that is committed while a head waits for its flush is not in that head's floor, but in the next.
func TestEditBehindAFlushPoint(t *testing.T) {
	r := newReplica(t)
	r.raise()
	f := &Flusher{opt: FlusherOptions{State: r.state, Logger: r.FSM.log}}
	r.entryOnly(KindFlush)
	r.index++
	r.ApplyBatch(r.one(AppendCommand(nil, kindFake, commandVersion, 0, []byte("50"))))
	first := r.state.oldest()
	m := f.edited(r.state.manifest, first)
	if n := len(m.Segments()); n != 0 {
		t.Errorf("the floor before it has the edit: %d segments", n)
	}
	r.state.flushed(first, m, 0)
	r.entryOnly(KindFlush)
	if m := f.edited(m, r.state.oldest()); len(m.Segments()) != 1 {
		t.Errorf("the floor behind it has %v", m.Segments())
	}
}
