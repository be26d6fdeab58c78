package schedule

import (
	"fmt"
	"math/bits"
	"time"
)

// settle is how long a partition has bitten before a machine in it may be broken as well: its witness is seen by then.
const settle = time.Second

// set is a set of small numbers: nodes, or links between them.
type set uint64

func (s set) has(i int) bool { return s>>i&1 == 1 }
func (s set) size() int      { return bits.OnesCount64(uint64(s)) }

// Overlap returns an error that names the first two steps that get into each other's way: see doc.go. A generated schedule has none.
func (s *Schedule) Overlap() error {
	for i := range s.Steps {
		for j := range i {
			if s.clash(s.Steps[j], s.Steps[i]) {
				return fmt.Errorf("schedule: steps %d and %d get into each other's way: %s; %s", j+1, i+1, s.Steps[j], s.Steps[i])
			}
		}
	}
	return nil
}

// clash tells whether b, which begins no earlier than a, gets into a's way, or a into b's.
func (s *Schedule) clash(a, b Step) bool {
	if (b.Fault == Rollback || b.Fault == Flip) && s.spoils(a, b) {
		return true
	}
	if b.At >= a.holdsUntil() {
		return false
	}
	ka := kindOf(a.Fault)
	kb := kindOf(b.Fault)
	switch {
	case a.asks(ka) && b.total() || b.asks(kb) && a.total():
		return true
	case b.Fault == Transfer && b.Peer > 0 && (ka.Area == Machine || ka.Area == Network):
		return s.nodes(a).has(b.Peer) // it could not take over
	case ka.Area == Network && kb.Area == Network:
		return s.links(a)&s.links(b) != 0
	case ka.Area == kb.Area && ka.Area != Command:
		return s.nodes(a)&s.nodes(b) != 0
	case ka.Area == Machine && kb.Area == Network:
		return s.nodes(a)&s.nodes(b) != 0
	case ka.Area == Network && kb.Area == Machine:
		return s.nodes(a)&s.nodes(b) != 0 && b.At < a.At+settle
	}
	return false
}

// holdsUntil returns the end of a step; what is over at once still holds its millisecond.
func (t Step) holdsUntil() time.Duration { return max(t.End(), t.At+time.Millisecond) }

// asks tells whether a step needs a cluster that answers.
func (t Step) asks(k *Kind) bool { return k.Area == Command || t.Fault == RemoveJoin }

// spoils tells whether a takes away what t needs of the same node: a disk that has files to damage, and, if it is put back, that has moved
// on since it was copied, because otherwise nobody could know that it is old.
func (s *Schedule) spoils(a, t Step) bool {
	k := kindOf(a.Fault)
	if s.nodes(a)&s.nodes(t) == 0 {
		return false
	}
	switch {
	case k.Disk:
		return t.copied() < a.holdsUntil()+s.recovery()
	case k.Area == Machine || k.Area == Network:
		return t.Fault == Rollback && t.copied() < a.holdsUntil()
	}
	return false
}

// copied returns when the disk was as the step needs it.
func (t Step) copied() time.Duration {
	if t.Fault == Rollback {
		return t.At - t.amountMS()
	}
	return t.At
}

func (s *Schedule) recovery() time.Duration {
	if s.Recovery == 0 {
		return DefaultRecovery
	}
	return s.Recovery
}

func (s *Schedule) allNodes() set { return 1<<(s.Nodes+1) - 2 }

// nodes returns the nodes that a step may touch: whoever leads may be any.
func (s *Schedule) nodes(t Step) set {
	k := kindOf(t.Fault)
	if t.Node == 0 || k.Area == Network && t.Peer == 0 {
		return s.allNodes()
	}
	return 1<<t.Node | 1<<t.Peer&^1
}

// links returns the links, of both directions, that a step of the network may touch.
func (s *Schedule) links(t Step) (out set) {
	for a := 1; a <= s.Nodes; a++ {
		for b := a + 1; b <= s.Nodes; b++ {
			if t.Node == 0 || s.touches(t, a, b) || s.touches(t, b, a) {
				out |= 1 << s.link(a, b)
			}
		}
	}
	return out
}

// link numbers the links between two nodes, a < b: MaxNodes have 36.
func (s *Schedule) link(a, b int) int { return (b-1)*(b-2)/2 + a - 1 }

// touches tells whether a step of the network whose Node is known concerns what `from` sends to `to`, or the answers.
func (s *Schedule) touches(t Step, from, to int) bool {
	if t.Fault == Bridge {
		return from != t.Node && to != t.Node && s.lower(t.Node, from) != s.lower(t.Node, to)
	}
	return from == t.Node && (t.Peer == 0 || t.Peer == to)
}

// lower tells whether n is in the lower half of the nodes other than bridge.
func (s *Schedule) lower(bridge, n int) bool {
	if n > bridge {
		n--
	}
	return n <= (s.Nodes-1)/2
}
