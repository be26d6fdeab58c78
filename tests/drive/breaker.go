package drive

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/schedule"
)

// bite is a fault at work: how it ends, and how often it was felt, which is asked when the run is over.
type bite struct {
	from    time.Duration // when it was done, where that is known better than by the step
	end     func()
	witness func() uint64
	must    func() bool // reports whether the node must have found the damage; nil: no
	late    func(*bite) // fills in what is known only when the step is over; nil: nothing
	on      *machine
	file    string
	text    string
}

// breakAll carries out the schedule and records each step.
func (d *Driver) breakAll() {
	for _, step := range d.plan.Steps {
		if step.Fault == schedule.Rollback {
			d.tasks.Go(func() { d.copyDisks(step) })
		}
		d.tasks.Go(func() {
			if !d.Wait(step.At - time.Since(d.begun)) {
				return
			}
			rng := rand.New(rand.NewPCG(d.plan.Seed, uint64(step.At.Milliseconds())))
			d.journal.note("", "break: "+step.Words())
			m := d.machine(step.Node)
			from := d.Now() // what the fault does may be told before begin returns
			b := d.begin(step, m, rng)
			d.Wait(step.For)
			if b.end != nil {
				b.end()
				d.journal.note("", "end:   "+step.Words())
			}
			if b.late != nil {
				b.late(&b)
			}
			d.bites(step, b, cmp.Or(b.from, from))
		})
	}
}

// bites records a step; its witness is asked later.
func (d *Driver) bites(step schedule.Step, b bite, from time.Duration) {
	f := check.Fault{
		From: from, To: d.Now(), Kind: string(step.Fault), Text: strings.TrimSuffix(step.Words()+"; "+b.text, "; "), File: b.file,
	}
	if b.on != nil {
		f.Node = b.on.Name()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults, d.felt = append(d.faults, f), append(d.felt, b)
}

// begin starts a fault of a machine.
func (d *Driver) begin(step schedule.Step, m *machine, rng *rand.Rand) bite {
	if kind, _ := schedule.KindOf(step.Fault); kind.Disk && !d.plan.Beyond {
		if other := d.catchingUp(m); other != nil {
			return bite{on: m, witness: never, text: "refused: " + other.Name() + " has not caught up yet"}
		}
	}
	switch step.Fault {
	case schedule.Kill:
		if step.How != "" {
			return d.killedInTheAct(step, m, rng)
		}
		return d.stopped([]*machine{m}, Crash{Kill: true})
	case schedule.Power:
		return d.stopped([]*machine{m}, powerCut(step, rng))
	case schedule.PowerAll:
		return d.stopped(d.machines, powerCut(step, rng))
	case schedule.SyncError, schedule.IOError, schedule.DiskFull, schedule.Stall, schedule.Slow, schedule.Hang:
		return d.sick(step, m)
	case schedule.Pause:
		return d.paused(m)
	case schedule.Restart:
		return d.restarted(m)
	case schedule.Swap:
		return d.swapped(m, d.machines[step.Peer-1])
	case schedule.Flip:
		return d.flipped(step, m)
	case schedule.Wipe:
		return d.wiped(m)
	case schedule.Rollback:
		return d.rolledBack(step, m)
	case schedule.RemoveJoin:
		return d.removed(m)
	case schedule.Isolate, schedule.Cut, schedule.Bridge, schedule.Loss, schedule.Delay:
		return d.disturbed(step, m)
	case schedule.Clock, schedule.Strobe:
		return d.skewed(step, m)
	case schedule.Transfer, schedule.Flush:
		return d.commanded(step)
	}
	d.Violate("schedule", fmt.Sprintf("the schedule has a fault %q that is not known here", step.Fault))
	return bite{witness: never}
}

// patiently waits for a condition, or not for ever.
func (d *Driver) patiently(limit time.Duration, holds func() bool) {
	for deadline := time.Now().Add(limit); !holds() && time.Now().Before(deadline) && d.Wait(50*time.Millisecond); {
	}
}

func never() uint64 { return 0 }
