package schedule

import "time"

// longestBack is how far a disk is put back at most.
const longestBack = 20 * time.Second

// draw returns a step of a fault, which may not fit: then it is drawn anew. Every branch draws times in ms and amounts as integers.
func (g *generator) draw(f Fault, at time.Duration) Step {
	k := kindOf(f)
	t := Step{At: at, Fault: f}
	if len(k.Ways) > 0 {
		t.How = pick(g.dice, k.Ways)
	}
	if g.rare && len(k.Rare) > 0 && g.in(3) {
		t.How = pick(g.dice, k.Rare)
	}
	if k.Ends != "" {
		t.For = g.lasts(f)
	}
	switch f {
	case Isolate:
		if t.How = ""; g.in(4) {
			t.How = All
		}
	case Kill:
		if t.How != "" {
			t.For = ms(g.spread(6_000, 12_000)) // it has to come to that
		}
	case Stall:
		t.Amount = float64(g.stall())
		t.For += t.amountMS()
	case Flip:
		t.Amount = float64(g.below(1_000_000)) / 1_000_000
		if t.How == Segment && g.in(2) {
			t.For = 0
		}
	case Slow:
		t.Amount = float64(g.spread(5, 500))
	case Rollback:
		t.Amount = float64(g.spread(2_000, longestBack.Milliseconds()))
	case Loss:
		t.Amount = float64(g.between(5, 50)) / 100
	case Delay:
		t.Amount = float64(g.spread(5, 400))
	case Clock:
		t.Amount = float64(g.sign() * pick(g.dice, []int64{g.spread(1, 10), g.spread(60, 7_200)}))
	case Strobe:
		t.Amount = float64(g.sign()*g.spread(1, 120)) / 2
	}
	g.aim(k, &t)
	return t
}

// aim chooses Node and Peer: a third of what can meet the leader does.
func (g *generator) aim(k *Kind, t *Step) {
	n := int64(g.plan.Nodes)
	switch k.target {
	case oneNode, oneLink:
		if !t.total() && !g.in(3) {
			t.Node = int(g.between(1, n))
		}
		if k.target == oneLink && t.Node > 0 && !g.in(3) {
			t.Peer = int(g.between(1, n))
		}
	case twoNodes:
		t.Node = int(g.between(1, n))
		t.Peer = 1 + (t.Node+int(g.below(n-1)))%int(n)
	case handover:
		if g.in(3) {
			t.Peer = int(g.between(1, n))
		}
	}
}

// lasts returns how long a fault of a kind lasts: from too short for an election to much longer than one.
func (g *generator) lasts(f Fault) time.Duration {
	switch f {
	case Kill, Power, RemoveJoin, Pause, Restart:
		return ms(g.spread(200, 8_000))
	case PowerAll, Flip, Wipe, Rollback, Swap:
		return ms(g.spread(200, 5_000))
	case SyncError, IOError, Stall:
		return ms(g.spread(1_000, 6_000))
	case DiskFull:
		return ms(g.spread(3_000, 12_000))
	default: // network, strobe
		return ms(g.spread(1_000, 12_000))
	}
}

// stall returns ms on either side of the usual fence_after of 2 s, none of them near it.
func (g *generator) stall() int64 {
	if g.in(2) {
		return g.spread(50, 1_500)
	}
	return g.spread(2_500, 5_000)
}

func (g *generator) sign() int64 { return 1 - 2*g.below(2) }
