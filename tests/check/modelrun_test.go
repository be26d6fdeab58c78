package check

import (
	"fmt"
	"slices"
)

// finish heals, reads everything and returns the run. spoil may change what the nodes show before it becomes part of the run.
func (m *model) finish(spoil func(*model)) *Run {
	m.quiet()
	m.run.Healed = m.now
	for range 40 { // more than patience
		for _, d := range m.clients {
			m.fresh(d)
		}
		m.quiet()
	}
	m.flush()
	m.run.Quorate = []Window{{0, m.now}}
	m.quiet()
	for _, node := range modelNodes {
		m.rows[node] = m.at(m.index()).rows()
	}
	if spoil != nil {
		spoil(m)
	}
	for _, node := range modelNodes {
		m.run.Finals = append(m.run.Finals, m.final(node))
	}
	for _, node := range modelNodes {
		m.certify(node)
	}
	return m.run
}

func (m *model) final(node string) *Final {
	f := NewFinal(node)
	f.At, f.Ready, f.History, f.Index = m.now, true, 1, m.index()
	f.System = m.at(m.index()).system
	for i := range m.rows[node] {
		f.AddRow(&m.rows[node][i])
	}
	ask := func() Answer {
		a := m.answer(9, "linearizable")
		a.Node = node
		m.applied[node] = a.Index
		return a
	}
	for _, d := range m.clients {
		f.Gaps = append(f.Gaps, m.reports(d, ask())...)
		if read := m.readAt(d, ask()); read.Found {
			f.Latest = append(f.Latest, read)
		}
	}
	l, s := m.ledger(ask()), m.storage(node)
	f.Ledger, f.Storage = &l, &s
	return f
}

// generate makes a run of so many operations.
func generate(seed uint64, operations int, spoil func(*model)) *Run {
	m := newModel(seed)
	for i := range operations {
		m.random(m.clients[m.rng.IntN(len(m.clients))])
		if i%97 == 96 {
			m.happen()
		}
	}
	return m.finish(spoil)
}

// happen is something that befalls the nodes.
func (m *model) happen() {
	node := m.node()
	from := m.now
	fault := Fault{Node: node, Witness: 1}
	switch m.rng.IntN(5) {
	case 0:
		fault.Kind = "kill"
		m.restart(node)
	case 1:
		fault.Kind = "sync_error"
		m.quiet()
		m.event(Event{Kind: SyncFailed, Node: node, File: "wal/1.log"})
		m.restart(node)
	case 2:
		fault.Kind, fault.File, fault.MustFind = "flip", "segments/abc.seg", true
		m.quiet()
		m.event(Event{Kind: Damaged, Node: node, File: "segments/quarantine/abc.seg"})
		m.event(Event{Kind: Repaired, Node: node, File: "segments/abc.seg"})
	case 3:
		fault.Kind = "wipe"
		m.wipe(node)
	case 4:
		m.flush()
		fault.Kind = "flush"
	}
	m.elect(m.node())
	fault.From, fault.To = from, m.now
	m.run.Faults = append(m.run.Faults, fault)
	for _, n := range modelNodes {
		m.run.Storages = append(m.run.Storages, m.storage(n))
	}
	m.certify(node)
}

// wipe empties a node's disk; it comes back as another server.
func (m *model) wipe(node string) {
	m.quiet()
	m.event(Event{Kind: Ended, Node: node})
	m.event(Event{Kind: Wiped, Node: node})
	m.event(Event{Kind: DiskLost, Node: node, Server: m.server[node]})
	m.server[node] += "a"
	m.quiet()
	m.start(node)
	m.configure()
	m.quiet()
}

func (m *model) flush() {
	m.quiet()
	if m.floor() < m.index() {
		m.floors = append(m.floors, m.index())
	}
	m.quiet()
}

func (m *model) floor() uint64 {
	if len(m.floors) == 0 {
		return 0
	}
	return m.floors[len(m.floors)-1]
}

// storage: every floor made one segment, and the two newest are kept; the log begins at the older one.
func (m *model) storage(node string) Storage {
	s := Storage{Node: node, Log: LogRange{First: 1, Last: m.index()}, Floor: m.floor()}
	s.Invoke, s.Return = m.moment()
	before := uint64(0)
	for _, floor := range m.floors {
		frames := m.at(floor).frames() - m.at(before).frames()
		s.Segments = append(s.Segments, Segment{Name: fmt.Sprintf("segment-%d", floor), State: "present", Frames: frames,
			FirstIndex: before + 1, LastIndex: floor})
		s.Total.Frames += frames
		s.Total.Segments++
		before = floor
	}
	for _, floor := range slices.Backward(m.floors[max(0, len(m.floors)-2):]) {
		s.Floors = append(s.Floors, Floor{Index: floor, Hash: fmt.Sprintf("hash-%d", floor)})
		s.Log.First = floor
	}
	if len(s.Floors) > 0 {
		s.FloorHash = s.Floors[0].Hash
	}
	return s
}
