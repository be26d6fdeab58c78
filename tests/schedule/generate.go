package schedule

import (
	"fmt"
	"time"
)

// Options say what Generate may write. The zero value is good.
type Options struct {
	Nodes    int           // default 3
	Length   time.Duration // default 60 s
	Quiet    time.Duration // end of the run without faults; default 20 s, but at most a third of Length
	Density  float64       // steps a minute, roughly and at most; default 12
	Faults   []Fault       // allowed; nil: a swarm, which is a random subset that differs from seed to seed
	Real     bool          // for real processes: a swarm of Faults (nil: of all that there are), in the Rare ways, too
	Recovery time.Duration // see Budget; default DefaultRecovery
	Beyond   bool          // no budget
}

func (o Options) filled() Options {
	if o.Nodes == 0 {
		o.Nodes = 3
	}
	if o.Length == 0 {
		o.Length = time.Minute
	}
	if o.Quiet == 0 {
		o.Quiet = min(20*time.Second, o.Length/3).Truncate(time.Millisecond)
	}
	if o.Density == 0 {
		o.Density = 12
	}
	if o.Recovery == 0 {
		o.Recovery = DefaultRecovery
	}
	return o
}

// Check tells whether Generate can keep to the options.
func (o Options) Check() error {
	o = o.filled()
	empty := &Schedule{Version: Version, Nodes: o.Nodes, Length: o.Length, Recovery: o.Recovery}
	if err := empty.Validate(); err != nil {
		return err
	}
	if o.Quiet < 0 || o.Quiet > o.Length {
		return fmt.Errorf("schedule: quiet tail of %s in a length of %s", o.Quiet, o.Length)
	}
	if most := MaxSteps / 2 / o.Length.Minutes(); !(o.Density > 0 && o.Density <= most) {
		return fmt.Errorf("schedule: density of %v steps a minute, want more than 0 and at most %.0f in %s", o.Density, most, o.Length)
	}
	for _, f := range o.Faults {
		if _, ok := KindOf(f); !ok {
			return fmt.Errorf("schedule: no such fault %q; there are %s", f, names())
		}
	}
	return nil
}

// Generate writes the schedule of a seed: always the same for equal seed and options, as long as Version stays. It is valid, none of its
// steps overlap, and unless opt.Beyond it is within the budget. It panics on options that Check refuses: they are a mistake in the code.
func Generate(seed uint64, opt Options) *Schedule {
	if err := opt.Check(); err != nil {
		panic(err)
	}
	opt = opt.filled()
	g := &generator{dice: newDice(seed, stepsStream), faults: opt.Faults, rare: opt.Real, until: opt.Length - opt.Quiet}
	g.plan = &Schedule{Version: Version, Seed: seed, Nodes: opt.Nodes, Length: opt.Length, Recovery: opt.Recovery, Beyond: opt.Beyond}
	if opt.Faults == nil || opt.Real {
		g.faults = swarm(newDice(seed, swarmStream), opt)
	}
	if len(g.faults) > 0 {
		g.run(int64(60_000 / opt.Density))
	}
	return g.plan
}

// swarm tosses a coin for each fault: runs that lack some faults reach states that runs with all of them never do.
func swarm(d dice, opt Options) (list []Fault) {
	drawn := opt.drawn()
	for _, f := range drawn {
		if d.in(2) {
			list = append(list, f)
		}
	}
	if len(list) == 0 && len(drawn) > 0 {
		list = append(list, pick(d, drawn))
	}
	return list
}

// drawn is what a swarm draws from.
func (o Options) drawn() (list []Fault) {
	if o.Faults != nil {
		return o.Faults
	}
	for _, k := range kinds {
		if o.Real || !k.Real {
			list = append(list, k.Fault)
		}
	}
	return list
}

type generator struct {
	dice
	plan   *Schedule
	faults []Fault
	rare   bool
	until  time.Duration // the quiet tail begins
	window window
}

// A step that does not fit is drawn anew, aims times with the same fault and then with others, before its place stays empty.
const (
	aims   = 6
	others = 6
)

// run adds steps in the order of time, meanMS apart.
func (g *generator) run(meanMS int64) {
	for at := g.gap(meanMS); at < g.until && len(g.plan.Steps) < MaxSteps; at += g.gap(meanMS) {
		g.window.move(g.plan, at)
		t, ok := g.place(at)
		if !ok {
			continue
		}
		g.plan.Steps = append(g.plan.Steps, t)
		// Half of the damaged disks get the time to catch up, without which no other node's disk may be damaged.
		if k := kindOf(t.Fault); k.Disk && !g.plan.Beyond && g.in(2) {
			at = t.End() + g.plan.Recovery
		}
	}
}

// gap returns the time to the next step: in one of four cases almost none, because faults are worst in company.
func (g *generator) gap(meanMS int64) time.Duration {
	if g.in(4) {
		return ms(g.between(0, 300))
	}
	return ms(g.between(0, 8*meanMS/3))
}

func (g *generator) place(at time.Duration) (Step, bool) {
	for range others {
		f := pick(g.dice, g.faults)
		for range aims {
			if t := g.draw(f, at); g.fits(t) {
				return t, true
			}
		}
	}
	return Step{}, false
}

func (g *generator) fits(t Step) bool {
	if t.End() > g.until || g.plan.validStep(t) != nil {
		return false
	}
	for _, before := range g.plan.Steps[g.window.held:] {
		if g.plan.clash(before, t) {
			return false
		}
	}
	if g.plan.Beyond {
		return true
	}
	steps := append(g.plan.Steps, t)
	if k := kindOf(t.Fault); k.Area == Time && g.plan.affordClocks(steps) != nil {
		return false
	}
	return g.plan.afford(steps[g.window.held:], t.At) == nil
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
