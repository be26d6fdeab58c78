package schedule

import (
	"fmt"
	"time"
)

// Budget returns nil if s breaks no more at a time than a cluster has to survive, and else an error that says when and why. doc.go tells
// the rules. It does not look at s.Beyond.
func (s *Schedule) Budget() error {
	if err := s.affordClocks(s.Steps); err != nil {
		return err
	}
	var w window
	for i, t := range s.Steps {
		w.move(s, t.At)
		if err := s.afford(s.Steps[w.held:], t.At); err != nil {
			return fmt.Errorf("schedule: beyond the budget from step %d (%s) on: %w", i+1, t, err)
		}
	}
	return nil
}

// affordClocks counts the nodes whose clock is ever wrong: a jump is not taken back.
func (s *Schedule) affordClocks(steps []Step) error {
	var known set
	unknown := 0
	for _, t := range steps {
		k := kindOf(t.Fault)
		count(&known, &unknown, t.Node, k.Area == Time)
	}
	if n := known.size() + unknown; n > s.minority() {
		return fmt.Errorf("schedule: beyond the budget: the clocks of %d nodes of %d are wrong", n, s.Nodes)
	}
	return nil
}

// afford looks at one instant. Steps may leave out what was over before the oldest of the others that still matters began.
func (s *Schedule) afford(steps []Step, at time.Duration) error {
	l := s.lossesAt(steps, at)
	if n := l.disks.size() + l.someone.disks; n > s.minority() {
		return fmt.Errorf("disks of %d nodes of %d damaged or not caught up", n, s.Nodes)
	}
	if n := s.connected(&l) - l.someone.down; n < s.majority() {
		return fmt.Errorf("perhaps only %d nodes of %d work and hear each other", max(n, 0), s.Nodes)
	}
	return nil
}

// losses is what is out of action at one instant. Steps that meet whoever leads are counted, because each may meet another node.
type losses struct {
	down    set // nodes
	disks   set // nodes, down too
	someone struct{ down, disks int }
	cuts    []Step // cut, isolate and bridge of known nodes
	bridges int    // with whoever led in the middle
}

func (s *Schedule) lossesAt(steps []Step, at time.Duration) (l losses) {
	for _, t := range steps {
		if t.At > at {
			break
		}
		if t.total() {
			continue
		}
		k := kindOf(t.Fault)
		switch k.Area {
		case Machine:
			out := at < s.caughtUp(steps, t)
			count(&l.down, &l.someone.down, t.Node, out)
			count(&l.down, &l.someone.down, t.Peer, out && t.Peer > 0)
			count(&l.disks, &l.someone.disks, t.Node, out && k.Disk)
		case Network:
			if at < t.holdsUntil() {
				l.network(t)
			}
		}
	}
	return l
}

func count(known *set, unknown *int, node int, yes bool) {
	switch {
	case !yes:
	case node == 0:
		*unknown++
	default:
		*known |= 1 << node
	}
}

func (l *losses) network(t Step) {
	switch {
	case t.Fault == Loss || t.Fault == Delay: // they slow down and part nobody
	case t.Node > 0:
		l.cuts = append(l.cuts, t)
	case t.Fault == Bridge:
		l.bridges++
	default: // a leader that is parted from the others
		l.someone.down++
	}
}

// connected returns the size of the largest set of nodes that work and hear each other, both ways, at the worst place of the bridge. Two
// unknown bridges at a time are not worked out: that passes for nobody.
func (s *Schedule) connected(l *losses) int {
	if l.bridges == 0 {
		return s.largest(l.down, l.cuts)
	}
	if l.bridges > 1 {
		return 0
	}
	least := s.Nodes
	for n := 1; n <= s.Nodes; n++ {
		least = min(least, s.largest(l.down, append(l.cuts[:len(l.cuts):len(l.cuts)], Step{Fault: Bridge, Node: n})))
	}
	return least
}

// largest tries every set of nodes: there are at most 512.
func (s *Schedule) largest(down set, cuts []Step) int {
	var hears [MaxNodes + 1]set
	for a := 1; a <= s.Nodes; a++ {
		hears[a] = s.allNodes()
		for b := 1; b <= s.Nodes; b++ {
			for _, t := range cuts {
				if s.touches(t, a, b) || s.touches(t, b, a) {
					hears[a] &^= 1 << b
				}
			}
		}
	}
	most := 0
	for group := set(0); group <= s.allNodes(); group += 2 {
		ok := group&down == 0
		for a := 1; a <= s.Nodes && ok; a++ {
			ok = !group.has(a) || group&^(1<<a)&^hears[a] == 0
		}
		if ok {
			most = max(most, group.size())
		}
	}
	return most
}

// caughtUp returns when what t did is history. A damaged disk counts as whole again when recovery has passed in one piece since the step's
// end, in which no machine and no link was out of order; everything else is over with the step.
func (s *Schedule) caughtUp(steps []Step, t Step) time.Duration {
	whole := t.holdsUntil()
	if k := kindOf(t.Fault); !k.Disk {
		return whole
	}
	for _, b := range steps {
		if b.At >= whole+s.recovery() {
			break
		}
		if k := kindOf(b.Fault); (k.Area == Machine || k.Area == Network) && b.End() > whole {
			whole = b.End()
		}
	}
	return whole + s.recovery()
}

// window leaves behind what is history, so that a long schedule is not looked through from its beginning for each of its steps: steps
// before matter are over, and those before held were over before any that matters began.
type window struct{ matter, held int }

func (w *window) move(s *Schedule, at time.Duration) {
	for w.matter < len(s.Steps) && s.caughtUp(s.Steps[w.held:], s.Steps[w.matter])+longestBack <= at {
		w.matter++
	}
	for w.held < w.matter && (w.matter == len(s.Steps) || s.Steps[w.held].holdsUntil() <= s.Steps[w.matter].At) {
		w.held++
	}
}
