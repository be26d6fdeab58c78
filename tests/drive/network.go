package drive

import "github.com/gaplessdb/gapless/tests/schedule"

// disturbed breaks the network.
func (d *Driver) disturbed(step schedule.Step, m *machine) bite {
	links := d.links(step, m)
	net := d.world.Network()
	count, set, undo := net.Held, net.Cut, net.Mend
	switch step.Fault {
	case schedule.Loss:
		count = net.Lost
		set = func(from, to int) { net.SetLoss(from, to, step.Amount) }
		undo = func(from, to int) { net.SetLoss(from, to, 0) }
	case schedule.Delay:
		count = net.Delayed
		set = func(from, to int) { net.SetDelay(from, to, age(step)) }
		undo = func(from, to int) { net.SetDelay(from, to, 0) }
	}
	sum := func() (n int64) {
		for _, l := range links {
			n += count(l.from.index, l.to.index)
		}
		return n
	}
	before := sum()
	for _, l := range links {
		set(l.from.index, l.to.index)
		d.impair(l, +1)
	}
	var felt int64
	return bite{on: m, witness: func() uint64 { return uint64(felt) }, end: func() {
		felt = sum() - before
		for _, l := range links {
			undo(l.from.index, l.to.index)
			d.impair(l, -1)
		}
	}}
}

// link is a way from one machine to another.
type link struct{ from, to *machine }

// links lists the ways that a step is about.
func (d *Driver) links(step schedule.Step, m *machine) (links []link) {
	both := func(a, b *machine) {
		if a != b {
			links = append(links, link{a, b}, link{b, a})
		}
	}
	peers := d.machines
	if step.Peer > 0 {
		peers = []*machine{d.machines[step.Peer-1]}
	}
	switch {
	case step.Fault == schedule.Isolate && step.How == schedule.All:
		for i, a := range d.machines {
			for _, b := range d.machines[i+1:] {
				both(a, b)
			}
		}
	case step.Fault == schedule.Bridge:
		var others []*machine
		for _, o := range d.machines {
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
