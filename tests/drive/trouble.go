package drive

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/schedule"
)

// catchingUp is another machine whose disk was lost and is not replaced yet.
func (d *Driver) catchingUp(but *machine) *machine {
	for _, m := range d.machines {
		if m != but && m.troubled() {
			return m
		}
	}
	return nil
}

func powerCut(step schedule.Step, rng *rand.Rand) Crash {
	if step.How == schedule.Random {
		return Crash{Rand: rng}
	}
	return Crash{}
}

// stopped ends processes, and starts them again.
func (d *Driver) stopped(machines []*machine, how Crash) bite {
	ran := uint64(0)
	for _, m := range machines {
		d.patiently(3*time.Second, func() bool { return m.running() }) // it may just be starting
	}
	for _, m := range machines {
		m.hold()
		if m.running() {
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
func (d *Driver) sick(step schedule.Step, m *machine) bite {
	var t []Trouble
	switch {
	case step.Fault == schedule.SyncError && step.How == schedule.Drop:
		t = []Trouble{DropSync}
	case step.Fault == schedule.SyncError:
		t = []Trouble{FailSync}
	case step.Fault == schedule.DiskFull:
		t = []Trouble{Full}
	case step.Fault == schedule.Stall:
		t = []Trouble{StallLog}
	case step.Fault == schedule.Slow:
		t = []Trouble{SlowAll}
	case step.Fault == schedule.Hang:
		t = []Trouble{HangAll}
	case step.How == schedule.Read:
		t = []Trouble{FailRead}
	case step.How == schedule.Write:
		t = []Trouble{FailWrite}
	default:
		t = []Trouble{FailRead, FailWrite}
	}
	before, ended := m.Disk().Times(t...), m.ended.Load()
	m.hold()
	m.sicken()
	for _, t := range t {
		m.Disk().Arm(t, time.Duration(step.Amount)*time.Millisecond)
	}
	return bite{on: m, witness: func() uint64 { return uint64(m.Disk().Times(t...) - before) }, end: func() {
		d.patiently(5*time.Second, func() bool { return m.Disk().Times(t...) > before }) // an idle disk meets nothing
		d.mustEnd(step, m, m.Disk().Times(t...) > before, ended)
		for _, t := range t {
			m.Disk().Disarm(t)
		}
		m.cure()
		m.release()
	}}
}

// mustEnd finds fault with a node that goes on after a sync of its log failed, or when its disk answered later than it may.
func (d *Driver) mustEnd(step schedule.Step, m *machine, met bool, ended uint64) {
	late := d.opt.FenceAfter + time.Second
	stuck := map[schedule.Fault]time.Duration{schedule.Stall: age(step), schedule.Slow: min(age(step), step.For), schedule.Hang: step.For}
	if !met || stuck[step.Fault] <= late && step.Fault != schedule.SyncError {
		return
	}
	d.patiently(stuck[step.Fault]+check.EndWithin, func() bool { return m.ended.Load() > ended })
	if m.ended.Load() == ended {
		d.Violate("failstop", fmt.Sprintf("%s: %s did not end the process", m.Name(), step.Words()))
	}
}

// wiped empties a disk; the operator has the cluster replace it.
func (d *Driver) wiped(m *machine) bite {
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
func (d *Driver) copyDisks(step schedule.Step) {
	if !d.Wait(step.At - age(step) - time.Since(d.begun)) {
		return
	}
	for _, m := range d.machines {
		m.Disk().Remember(step.At)
	}
}

func age(step schedule.Step) time.Duration {
	return time.Duration(step.Amount) * time.Millisecond
}

// rolledBack puts a disk back to an old copy; the operator empties it when its node was refused.
func (d *Driver) rolledBack(step schedule.Step, m *machine) bite {
	before := m.ended.Load()
	m.hold()
	b := bite{on: m, end: m.release, witness: func() uint64 { return m.ended.Load() - before }}
	m.sicken()
	b.end = func() {
		m.cure()
		m.release()
	}
	if m.Disk().Remembers(step.At) {
		m.lose(check.DiskLost, func() { m.Disk().PutBack(step.At) })
	} else {
		b.witness, b.text = never, "no copy is that old"
	}
	return b
}

// removed takes a member out; the operator takes it in again.
func (d *Driver) removed(m *machine) bite {
	var done atomic.Uint64
	m.setUnwanted(true)
	d.tasks.Go(func() {
		for {
			if at := d.leader(); at != nil {
				status, _, err := d.control.Do(at.node(), http.MethodPost, "/v1/cluster/members/"+m.Name()+"/remove", nil, nil, 10*time.Second)
				if err == nil && status == http.StatusOK {
					done.Add(1)
					return
				}
			}
			if !m.unwanted() || !d.Wait(200*time.Millisecond) {
				return
			}
		}
	})
	return bite{on: m, witness: done.Load, end: func() {
		d.patiently(commandFor, func() bool { return done.Load() > 0 })
		m.setUnwanted(false)
	}}
}
