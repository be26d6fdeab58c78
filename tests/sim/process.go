package sim

import (
	"fmt"
	"time"

	"github.com/gaplessdb/gapless"
	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/vfs"
)

// running returns the process that runs now, nil when none does.
func (m *machine) running() *gapless.Node {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.node
}

func (m *machine) lives(life int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.life == life
}

// start runs a process on the disk as it is. A process that cannot start is refused; the operator will look at it.
func (m *machine) start() {
	m.mu.Lock()
	if m.node != nil || m.held > 0 {
		m.mu.Unlock()
		return
	}
	m.life++
	life := m.life
	m.mu.Unlock()
	m.host.Up()
	node, err := gapless.Open(m.config(life))
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err == nil && m.life == life:
		m.node, m.since = node, time.Now()
		m.c.event(m, check.Event{Kind: check.Started, Server: m.server()})
	case err == nil: // it died, or was killed, while it started
		m.bury(node)
	case m.life == life:
		m.deaths, m.why = m.deaths+1, err
		m.ended.Add(1)
		m.lastEnd = time.Now()
		m.c.event(m, check.Event{Kind: check.Refusal, Text: err.Error()})
		m.c.event(m, check.Event{Kind: check.Ended})
		m.halt(vfs.Crash{Kill: true}, false)
	}
}

// died is called by a process that must end. It never returns to it alive: disk and network are gone at once.
func (m *machine) died(life int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.life != life {
		return // a process that was killed says what it likes
	}
	m.c.event(m, check.Event{Kind: check.Ended, Text: err.Error()})
	m.deaths, m.why = m.deaths+1, err
	m.ended.Add(1)
	m.lastEnd = time.Now()
	m.halt(vfs.Crash{Kill: true}, false)
}

// crash ends the process from outside: kill -9 leaves the page cache, a power cut only what was synced and what rng spares.
func (m *machine) crash(how vfs.Crash) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.c.event(m, check.Event{Kind: check.Ended, Text: describe(how)})
	m.halt(how, !how.Kill)
}

// halt is the end of a process. The caller holds mu.
func (m *machine) halt(how vfs.Crash, silent bool) {
	m.life++
	left := m.disk.stop(how)
	m.host.Down(silent)
	m.disk.insert(left)
	if m.node != nil {
		m.bury(m.node)
		m.node = nil
	}
}

// bury waits for the goroutines of a process whose disk and network are gone.
func (m *machine) bury(node *gapless.Node) {
	m.ending.Go(func() {
		done := make(chan struct{})
		go func() { defer close(done); _ = node.Close() }() // its disk is gone: it has nothing good to say
		late := time.NewTimer(closeWithin)
		defer late.Stop()
		select {
		case <-done:
		case <-late.C:
			m.c.violate("close", fmt.Sprintf("%s: Close of a node without disk and network has not returned after %s", m.name, closeWithin))
			<-done
		}
	})
}

// hold keeps the process down until release.
func (m *machine) hold() { m.setHeld(+1) }

func (m *machine) release() { m.setHeld(-1) }

func (m *machine) setHeld(more int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held += more
}

// supervise is the service manager of this machine, until the run ends.
func (m *machine) supervise(done <-chan struct{}) {
	for {
		if m.rested() {
			m.start()
		}
		select {
		case <-time.After(lookEvery):
		case <-done:
			return
		}
	}
}

// rested reports whether the last process that ended by itself did so long enough ago.
func (m *machine) rested() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Since(m.lastEnd) >= restartAfter
}

// stuck returns why the node ended by itself or refused to start several times in a row, nil when it did not.
func (m *machine) stuck() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.deaths < tooOften {
		return nil
	}
	return m.why
}

// well notes that the node was seen ready.
func (m *machine) well() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.deaths, m.fresh = 0, false
}

// shutDown ends the process in good order.
func (m *machine) shutDown() {
	m.mu.Lock()
	node := m.node
	m.node, m.held = nil, m.held+1
	m.mu.Unlock()
	if node != nil {
		if err := node.Close(); err != nil {
			m.c.violate("close", m.name+": "+err.Error())
		}
	}
	m.ending.Wait()
}
