package sim

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/schedule"
	"github.com/gaplessdb/gapless/vfs"
)

// catchingUp is another machine whose disk was lost and is not replaced yet.
func (c *cluster) catchingUp(but *machine) *machine {
	for _, m := range c.machines {
		if m != but && m.troubled() {
			return m
		}
	}
	return nil
}

func powerCut(step schedule.Step, rng *rand.Rand) vfs.Crash {
	if step.How == schedule.Random {
		return vfs.Crash{Rand: rng}
	}
	return vfs.Crash{}
}

// stopped ends processes, and starts them again.
func (c *cluster) stopped(machines []*machine, how vfs.Crash) bite {
	ran := uint64(0)
	for _, m := range machines {
		c.patiently(3*time.Second, func() bool { return m.running() != nil }) // it may just be starting
	}
	for _, m := range machines {
		m.hold()
		if m.running() != nil {
			ran++
		}
		m.crash(how)
	}
	b := bite{end: func() { release(machines) }, witness: func() uint64 { return ran }, text: strings.Join(names(machines), " ")}
	if len(machines) == 1 {
		b.on = machines[0]
	}
	return b
}

func release(machines []*machine) {
	for _, m := range machines {
		m.release()
	}
}

// sick makes a disk answer with errors, or late. A process that ends of it is started again when the disk is well.
func (c *cluster) sick(step schedule.Step, m *machine) bite {
	var t []trouble
	switch {
	case step.Fault == schedule.SyncError && step.How == schedule.Drop:
		t = []trouble{dropSync}
	case step.Fault == schedule.SyncError:
		t = []trouble{failSync}
	case step.Fault == schedule.DiskFull:
		t = []trouble{full}
	case step.Fault == schedule.Stall:
		t = []trouble{stallLog}
	case step.How == schedule.Read:
		t = []trouble{failRead}
	case step.How == schedule.Write:
		t = []trouble{failWrite}
	default:
		t = []trouble{failRead, failWrite}
	}
	before, ended := m.disk.times(t...), m.ended.Load()
	m.hold()
	for _, t := range t {
		m.disk.arm(t, time.Duration(step.Amount)*time.Millisecond)
	}
	return bite{on: m, witness: func() uint64 { return uint64(m.disk.times(t...) - before) }, end: func() {
		c.patiently(5*time.Second, func() bool { return m.disk.times(t...) > before }) // an idle disk meets nothing
		c.mustEnd(step, m, m.disk.times(t...) > before, ended)
		for _, t := range t {
			m.disk.disarm(t)
		}
		m.release()
	}}
}

// mustEnd finds fault with a node that goes on after a sync of its log failed, or stalled for longer than it may.
func (c *cluster) mustEnd(step schedule.Step, m *machine, met bool, ended uint64) {
	fenced := step.Fault == schedule.Stall && age(step) > m.config(0).FenceAfter+time.Second
	if !met || !fenced && step.Fault != schedule.SyncError {
		return
	}
	c.patiently(age(step)+time.Second, func() bool { return m.ended.Load() > ended })
	if m.ended.Load() == ended {
		c.violate("failstop", fmt.Sprintf("%s: %s did not end the process", m.name, stepText(step)))
	}
}

// wiped empties a disk; the operator has the cluster replace it.
func (c *cluster) wiped(m *machine) bite {
	m.hold()
	old := m.server()
	m.wipe()
	return bite{on: m, end: m.release, witness: func() uint64 {
		if old != "" && old != m.server() {
			return 1
		}
		return 0
	}}
}

// copyDisks takes the copies that a rollback will put back.
func (c *cluster) copyDisks(step schedule.Step) {
	if !c.wait(step.At - age(step) - time.Since(c.begun)) {
		return
	}
	for _, m := range c.machines {
		m.disk.remember(step)
	}
}

func age(step schedule.Step) time.Duration {
	return time.Duration(step.Amount) * time.Millisecond
}

// rolledBack puts a disk back to an old copy; the operator empties it when its node was refused.
func (c *cluster) rolledBack(step schedule.Step, m *machine) bite {
	before := m.ended.Load()
	m.hold()
	b := bite{on: m, end: m.release, witness: func() uint64 { return m.ended.Load() - before }}
	if old := m.disk.copy(step); old != nil {
		m.lose(old, check.DiskLost)
	} else {
		b.witness, b.text = never, "no copy is that old"
	}
	return b
}

// removed takes a member out; the operator takes it in again.
func (c *cluster) removed(m *machine) bite {
	var done atomic.Uint64
	m.setUnwanted(true)
	c.tasks.Go(func() {
		for {
			if at := c.leader(); at != nil {
				status, _, err := c.control.do(at, http.MethodPost, "/v1/cluster/members/"+m.name+"/remove", nil, nil, 10*time.Second)
				if err == nil && status == http.StatusOK {
					done.Add(1)
					return
				}
			}
			if !m.unwanted() || !c.wait(200*time.Millisecond) {
				return
			}
		}
	})
	return bite{on: m, witness: done.Load, end: func() {
		c.patiently(commandFor, func() bool { return done.Load() > 0 })
		m.setUnwanted(false)
	}}
}
