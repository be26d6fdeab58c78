package drive

import (
	"math/rand/v2"
	"time"

	"github.com/gaplessdb/gapless/tests/schedule"
)

// flushWhile is how often the cluster is asked to flush while an act is waited for.
const flushWhile = time.Second

// caught is an act that a trap has stopped, on the disk of a machine.
type caught struct {
	on   *machine
	what string
}

// killedInTheAct lets a process die in the middle of what the step says.
func (d *Driver) killedInTheAct(step schedule.Step, m *machine, rng *rand.Rand) bite {
	acts, off := d.trap(step, m, rng.Uint64())
	if off == nil {
		return bite{on: m, witness: never, text: "refused: nothing here can be stopped in the act"}
	}
	over, done := make(chan struct{}), make(chan struct{})
	died, from, text := uint64(0), time.Duration(0), "(it did not come to that)"
	d.tasks.Go(func() {
		defer close(done)
		defer off()
		select {
		case act := <-acts:
			if act.on != m && !m.running() {
				return
			}
			m.hold()
			died, from, text = 1, d.Now(), "as "+act.on.Name()+" was about to "+act.what
			d.journal.note(m.Name(), "killed "+text)
			m.crash(Crash{Kill: true})
		case <-over:
		}
	})
	if step.How != schedule.Installing {
		d.tasks.Go(func() { d.flushUntil(done) })
	}
	return bite{on: m, witness: func() uint64 { return died }, end: func() {
		close(over)
		<-done
		if died > 0 {
			m.release()
		}
	}, late: func(b *bite) { b.from, b.text = from, text }}
}

// trap lays traps where the act may come. What one has stopped waits until off; off is nil where there are no traps.
func (d *Driver) trap(step schedule.Step, m *machine, chance uint64) (acts <-chan caught, off func()) {
	on := []*machine{m}
	if step.Node == 0 && (step.How == schedule.Merging || step.How == schedule.Installing) {
		on = d.machines // one does it for all
	}
	sprung := make(chan caught, len(on))
	var offs []func()
	for _, a := range on {
		disk, ok := a.Disk().(Trapper)
		if !ok {
			return nil, nil
		}
		offs = append(offs, disk.Trap(step.How, chance, func(what string) { sprung <- caught{a, what} }))
	}
	return sprung, func() {
		for _, off := range offs {
			off()
		}
	}
}

// flushUntil has the cluster flush now and then.
func (d *Driver) flushUntil(done <-chan struct{}) {
	for {
		d.commandNow(schedule.Flush)
		select {
		case <-done:
			return
		default:
		}
		if !d.Wait(flushWhile) {
			return
		}
	}
}
