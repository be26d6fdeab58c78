package check

import (
	"testing"
	"time"
)

// TestNoticed weighs what a node said of damage: it counts after the fault, for that node and file, and while the node has the damaged disk.
func TestNoticed(t *testing.T) {
	const s = time.Second
	f := &Fault{From: 10 * s, Kind: "flip", Node: "n1", File: "floors/00000000000000000009-l.gfl"}
	damaged := Event{At: 11 * s, Node: "n1", Kind: Damaged, File: f.File}
	with := func(change func(*Event)) Event {
		e := damaged
		change(&e)
		return e
	}
	lost := Event{At: 10*s + 1, Node: "n1", Kind: DiskLost}
	for _, c := range []struct {
		name             string
		events           []Event
		noticed, started bool
	}{
		{name: "nothing"},
		{name: "damaged", events: []Event{damaged}, noticed: true},
		{name: "before", events: []Event{with(func(e *Event) { e.At = 9 * s })}},
		{name: "another node", events: []Event{with(func(e *Event) { e.Node = "n2" })}},
		{name: "another file", events: []Event{with(func(e *Event) { e.File = "floors/00000000000000000008-l.gfl" })}},
		{name: "refused", events: []Event{with(func(e *Event) { e.Kind = Refusal })}, noticed: true},
		{name: "another disk", events: []Event{lost, damaged}},
		{name: "then another disk", events: []Event{damaged, {At: 12 * s, Node: "n1", Kind: Wiped}}, noticed: true},
		{name: "started", events: []Event{with(func(e *Event) { e.Kind = Started })}, started: true},
		{name: "started on another disk", events: []Event{lost, with(func(e *Event) { e.Kind = Started })}},
	} {
		r := &Run{Events: c.events}
		if r.Noticed(f) != c.noticed || r.StartedOn(f) != c.started {
			t.Errorf("%s: noticed %t, started %t", c.name, r.Noticed(f), r.StartedOn(f))
		}
	}
}

// TestDamagedFloorIsOver once the node has one that reaches as far.
func TestDamagedFloorIsOver(t *testing.T) {
	for floor, over := range map[uint64]bool{8: false, 9: true, 10: true} {
		r := &Run{
			Events: []Event{{Node: "n1", Kind: Damaged, File: "floors/00000000000000000009-l.gfl"}},
			Finals: []*Final{{Node: "n1", Storage: &Storage{Node: "n1", Floor: floor}}},
		}
		if got := len(r.unmended()) == 0; got != over {
			t.Errorf("floor %d in the end: over %t", floor, got)
		}
	}
}
