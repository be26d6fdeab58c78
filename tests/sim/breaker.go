package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/network"
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

// catchingUp is another machine whose disk was lost and is not replaced yet.
func (c *cluster) catchingUp(but *machine) *machine {
	for _, m := range c.machines {
		if m != but && m.troubled() {
			return m
		}
	}
	return nil
}

func never() uint64 { return 0 }

func always() uint64 { return 1 }

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
	before := m.disk.times(t...)
	m.hold()
	for _, t := range t {
		m.disk.arm(t, time.Duration(step.Amount)*time.Millisecond)
	}
	return bite{on: m, witness: func() uint64 { return uint64(m.disk.times(t...) - before) }, end: func() {
		for _, t := range t {
			m.disk.disarm(t)
		}
		m.release()
	}}
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
	done := uint64(0)
	m.setUnwanted(true)
	c.tasks.Go(func() {
		for m.unwanted() {
			if at := c.leader(); at != nil {
				if status, _, err := c.control.do(at, http.MethodPost, "/v1/cluster/members/"+m.name+"/remove", nil, nil, 10*time.Second); err == nil && status == http.StatusOK {
					c.mu.Lock()
					done++
					c.mu.Unlock()
					return
				}
			}
			if !c.wait(time.Second) {
				return
			}
		}
	})
	return bite{on: m, end: func() { m.setUnwanted(false) }, witness: func() uint64 { return done }}
}

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

// skewed moves a wall clock.
func (c *cluster) skewed(step schedule.Step, m *machine) bite {
	jump := int64(step.Amount * float64(time.Second))
	before := m.clockReads.Load()
	b := bite{on: m, witness: func() uint64 { return m.clockReads.Load() - before }}
	if step.Fault == schedule.Clock {
		m.skew.Add(jump)
		return b
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.tasks.Go(func() {
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for on := int64(1); ; on = -on {
			m.skew.Add(on * jump)
			select {
			case <-ticker.C:
			case <-ctx.Done():
				if on == 1 {
					m.skew.Add(-jump)
				}
				return
			}
		}
	})
	b.end = cancel
	return b
}

// commanded asks the cluster for something, again until it is done, for commandFor at most.
func (c *cluster) commanded(step schedule.Step) bite {
	felt := uint64(0)
	c.tasks.Go(func() {
		for deadline := time.Now().Add(commandFor); time.Now().Before(deadline); {
			if c.command(step.Fault, step.Peer) {
				c.mu.Lock()
				felt = 1
				c.mu.Unlock()
				return
			}
			if !c.wait(200 * time.Millisecond) {
				return
			}
		}
	})
	return bite{witness: func() uint64 { return felt }}
}

// commandFor is how long a command is asked for.
const commandFor = 10 * time.Second

// command asks the leader once, and reports whether it was done.
func (c *cluster) command(what schedule.Fault, peer int) bool {
	m := c.leader()
	if m == nil {
		return false
	}
	path, body := "/v1/cluster/flush", ""
	if what == schedule.Transfer {
		path, body = "/v1/cluster/transfer", "{}"
		if peer > 0 && c.machines[peer-1] == m {
			return true // it leads already
		}
		if peer > 0 {
			body = fmt.Sprintf(`{"to":%q}`, c.machines[peer-1].name)
		}
	}
	status, answer, err := c.control.do(m, http.MethodPost, path, nil, []byte(body), 15*time.Second)
	c.journal.note(m.name, fmt.Sprintf("%s answers %d %s %v", path, status, answer, err))
	return err == nil && status == http.StatusOK
}

// commandNow asks without caring for the answer.
func (c *cluster) commandNow(what schedule.Fault) { c.command(what, 0) }
