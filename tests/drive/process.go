package drive

import (
	"fmt"

	"github.com/gaplessdb/gapless/tests/check"
)

// paused lets a process stand still.
func (d *Driver) paused(m *machine) bite {
	p, ok := m.Computer.(Pauser)
	if !ok {
		return bite{on: m, witness: never, text: "refused: nothing here can stand still"}
	}
	m.hold()
	ran := uint64(0)
	if m.running() && p.Pause() == nil {
		ran = 1
	}
	return bite{on: m, witness: func() uint64 { return ran }, end: func() {
		if err := p.Resume(); err != nil && m.running() {
			d.Violate("harness", fmt.Sprintf("%s does not go on: %v", m.Name(), err))
		}
		m.release()
	}}
}

// restarted asks a process to end, which it must do in good order.
func (d *Driver) restarted(m *machine) bite {
	m.hold()
	ran := uint64(0)
	if m.running() {
		ran = 1
		m.stopInOrder()
	}
	return bite{on: m, end: m.release, witness: func() uint64 { return ran }}
}

// stopInOrder ends the process as its service manager would.
func (m *machine) stopInOrder() {
	m.mu.Lock()
	m.life++
	m.up = false
	m.mu.Unlock()
	if err := m.Stop(); err != nil {
		m.d.Violate("close", m.Name()+": "+err.Error())
	}
	m.d.Event(m.Name(), check.Event{Kind: check.Ended, Text: "stopped in good order"})
}

// swapped starts two nodes on each other's disk, and then on their own again.
func (d *Driver) swapped(a, b *machine) bite {
	disk, ok := a.Disk().(Swapper)
	if !ok {
		return bite{on: a, witness: never, text: "refused: no disk here can change its place"}
	}
	change := func() {
		for _, m := range []*machine{a, b} {
			m.hold()
			m.crash(Crash{Kill: true})
		}
		disk.Swap(b.Disk())
		release([]*machine{a, b})
	}
	a.sicken()
	b.sicken()
	ends := [2]uint64{a.ended.Load(), b.ended.Load()}
	change()
	var refused uint64
	return bite{on: a, text: "with " + b.Name(), witness: func() uint64 { return refused }, end: func() {
		refused = min(a.ended.Load()-ends[0], b.ended.Load()-ends[1])
		change()
		a.cure()
		b.cure()
	}}
}
