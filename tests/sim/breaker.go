package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/schedule"
	"github.com/gaplessdb/gapless/vfs"
)

// bite is a fault at work: how it ends, and how often it was felt, which is asked when the run is over.
type bite struct {
	end     func()
	witness func() uint64
	on      *machine
	file    string
	text    string
}

// breakAll carries out the schedule and records each step.
func (c *cluster) breakAll() {
	for _, step := range c.plan.Steps {
		if step.Fault == schedule.Rollback {
			c.tasks.Go(func() { c.copyDisks(step) })
		}
		c.tasks.Go(func() {
			if !c.wait(step.At - time.Since(c.begun)) {
				return
			}
			rng := rand.New(rand.NewPCG(c.plan.Seed, uint64(step.At.Milliseconds())))
			c.journal.note("", "break: "+stepText(step))
			b := c.begin(step, rng)
			from := c.now()
			c.wait(step.For)
			if b.end != nil {
				b.end()
				c.journal.note("", "end:   "+stepText(step))
			}
			c.bites(step, b, from)
		})
	}
}

// bites records a step; its witness is asked later.
func (c *cluster) bites(step schedule.Step, b bite, from time.Duration) {
	f := check.Fault{
		From: from, To: c.now(), Kind: string(step.Fault), Text: strings.TrimSpace(stepText(step) + " " + b.text), File: b.file,
	}
	if b.on != nil {
		f.Node = b.on.name
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.felt = append(c.felt, b.witness)
	c.run.Faults = append(c.run.Faults, f)
}

func stepText(s schedule.Step) string {
	return fmt.Sprintf("%s node %d peer %d amount %v %s for %s", s.Fault, s.Node, s.Peer, s.Amount, s.How, s.For)
}

// begin starts a fault.
func (c *cluster) begin(step schedule.Step, rng *rand.Rand) bite {
	m := c.machine(step.Node)
	if kind, _ := schedule.KindOf(step.Fault); kind.Disk && !c.plan.Beyond {
		if other := c.catchingUp(m); other != nil {
			return bite{on: m, witness: never, text: "refused: " + other.name + " has not caught up yet"}
		}
	}
	switch step.Fault {
	case schedule.Kill:
		return c.stopped([]*machine{m}, vfs.Crash{Kill: true})
	case schedule.Power:
		return c.stopped([]*machine{m}, powerCut(step, rng))
	case schedule.PowerAll:
		return c.stopped(c.machines, powerCut(step, rng))
	case schedule.SyncError, schedule.IOError, schedule.DiskFull, schedule.Stall:
		return c.sick(step, m)
	case schedule.Flip:
		return c.flipped(step, m)
	case schedule.Wipe:
		return c.wiped(m)
	case schedule.Rollback:
		return c.rolledBack(step, m)
	case schedule.RemoveJoin:
		return c.removed(m)
	case schedule.Isolate, schedule.Cut, schedule.Bridge, schedule.Loss, schedule.Delay:
		return c.disturbed(step, m)
	case schedule.Clock, schedule.Strobe:
		return c.skewed(step, m)
	case schedule.Transfer, schedule.Flush:
		return c.commanded(step)
	}
	c.violate("simulation", fmt.Sprintf("the schedule has a fault %q that is not known here", step.Fault))
	return bite{witness: never}
}

// patiently waits for a condition, or not for ever.
func (c *cluster) patiently(limit time.Duration, holds func() bool) {
	for deadline := time.Now().Add(limit); !holds() && time.Now().Before(deadline) && c.wait(50*time.Millisecond); {
	}
}

func never() uint64 { return 0 }

func always() uint64 { return 1 }
