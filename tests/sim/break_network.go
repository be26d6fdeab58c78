package sim

import (
	"time"

	"github.com/gaplessdb/gapless/tests/network"
	"github.com/gaplessdb/gapless/tests/schedule"
)

// disturbed breaks the network.
func (c *cluster) disturbed(step schedule.Step, m *machine) bite {
	links := c.links(step, m)
	long := network.DefaultDelay + time.Duration(step.Amount*float64(time.Millisecond))
	count, set, undo := c.net.Held, c.net.Cut, c.net.Mend
	switch step.Fault {
	case schedule.Loss:
		count = c.net.Lost
		set = func(from, to string) { c.net.SetLoss(from, to, step.Amount) }
		undo = func(from, to string) { c.net.SetLoss(from, to, 0) }
	case schedule.Delay:
		count = c.net.Delayed
		set = func(from, to string) { c.net.SetDelay(from, to, long, long/2) }
		undo = func(from, to string) { c.net.SetDelay(from, to, network.DefaultDelay, network.DefaultJitter) }
	}
	sum := func() (n int64) {
		for _, l := range links {
			n += count(l.from.ip, l.to.ip)
		}
		return n
	}
	before := sum()
	for _, l := range links {
		set(l.from.ip, l.to.ip)
		c.impair(l, +1)
	}
	var felt int64
	return bite{on: m, witness: func() uint64 { return uint64(felt) }, end: func() {
		felt = sum() - before
		for _, l := range links {
			undo(l.from.ip, l.to.ip)
			c.impair(l, -1)
		}
	}}
}

// link is a way from one machine to another.
type link struct{ from, to *machine }

// links lists the ways that a step is about.
func (c *cluster) links(step schedule.Step, m *machine) (links []link) {
	both := func(a, b *machine) {
		if a != b {
			links = append(links, link{a, b}, link{b, a})
		}
	}
	peers := c.machines
	if step.Peer > 0 {
		peers = []*machine{c.machines[step.Peer-1]}
	}
	switch {
	case step.Fault == schedule.Isolate && step.How == schedule.All:
		for i, a := range c.machines {
			for _, b := range c.machines[i+1:] {
				both(a, b)
			}
		}
	case step.Fault == schedule.Bridge:
		var others []*machine
		for _, o := range c.machines {
			if o != m {
				others = append(others, o)
			}
		}
		for _, a := range others[:len(others)/2] {
			for _, b := range others[len(others)/2:] {
				both(a, b)
			}
		}
	case step.Fault == schedule.Cut:
		for _, p := range peers {
			if p == m {
				continue
			}
			if step.How == schedule.In {
				links = append(links, link{p, m})
			} else {
				links = append(links, link{m, p})
			}
		}
	default:
		for _, p := range peers {
			both(m, p)
		}
	}
	return links
}
