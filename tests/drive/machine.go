package drive

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/vfs"
)

// A process that ended by itself is started again after restartAfter, as a service manager does; one that refuses to start is looked at by an
// operator after operatorAfter.
const (
	lookEvery     = 50 * time.Millisecond
	restartAfter  = time.Second
	operatorAfter = 3 * time.Second
	tooOften      = 3 // starts in a row that end in a refusal are the operator's business
)

// ErrHalted is what Computer.Start may return when the process was halted while it started.
var ErrHalted = errors.New("drive: the process was halted")

// ErrStarved is in what Scene.Died is told of a process that the machine killed, because it had no memory for it.
var ErrStarved = errors.New("killed for want of memory")

// machine is a computer with the one who looks after it.
type machine struct {
	Computer
	d     *Driver
	index int // among the machines

	ended atomic.Uint64 // how often its node refused to start or ended by its own decision

	mu      sync.Mutex // protects all below; not held while a process starts or stops
	up      bool       // a process runs
	life    uint64     // counts processes
	held    int        // faults that keep it from being started
	out     bool       // it is meant to be no member
	since   time.Time  // the newest process of this disk was started
	deaths  int        // processes that refused to start or ended by themselves, since it was last seen ready
	why     error      // of the newest of them
	lastEnd time.Time  // of the newest of them
	fresh   bool       // its disk was lost, and the cluster has not taken the new one in yet
	ill     int        // faults at work that may end its process, or let it be refused
	excused bool       // there was one, and it has not been well since
}

// running reports whether a process runs.
func (m *machine) running() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.up
}

// start runs a process on the disk as it is. A process that cannot start is refused; the operator will look at it.
func (m *machine) start() {
	m.mu.Lock()
	if m.up || m.held > 0 {
		m.mu.Unlock()
		return
	}
	m.life++
	life, begun := m.life, m.d.Now()
	m.mu.Unlock()
	err := m.Start(life)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.life != life: // it died, or was killed, while it started
	case err == nil:
		m.up, m.since = true, time.Now()
		m.d.Event(m.Name(), check.Event{At: begun, Kind: check.Started, Server: m.server()}) // it may have answered before anybody saw that it serves
	default:
		m.d.Event(m.Name(), check.Event{Kind: check.Refusal, Text: err.Error()})
		m.perished(err, "")
	}
}

// died is told by the world of a process that ended by itself.
func (m *machine) died(life uint64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.life == life { // a process that was killed says what it likes
		m.perished(err, err.Error())
	}
}

// perished is the end of a process by its own decision. The caller holds mu.
func (m *machine) perished(why error, text string) {
	m.d.Event(m.Name(), check.Event{Kind: check.Ended, Text: text})
	m.deaths, m.why, m.lastEnd = m.deaths+1, why, time.Now()
	m.ended.Add(1)
	if m.ill == 0 && !m.excused && !m.fresh && !errors.Is(why, ErrStarved) {
		m.d.Violate("crash", fmt.Sprintf("%s ended, or was refused, and nothing was wrong with its machine: %v", m.Name(), why))
	}
	m.halt(Crash{Kill: true})
}

// crash ends the process from outside.
func (m *machine) crash(how Crash) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.d.Event(m.Name(), check.Event{Kind: check.Ended, Text: how.String()})
	m.halt(how)
	if !how.Kill && !m.since.IsZero() {
		m.d.cutOff(m, m.d.Now()-time.Since(m.since))
	}
}

// halt is the end of a process. The caller holds mu.
func (m *machine) halt(how Crash) {
	m.life++
	m.up = false
	m.Halt(how)
}

// lose ends the process and changes the disk: who had the old one must never vote again. What change does is Wiped, or nothing in particular.
func (m *machine) lose(kind check.EventKind, change func()) {
	server := m.server()
	m.hold()
	m.crash(Crash{})
	m.d.Event(m.Name(), check.Event{Kind: check.DiskLost, Server: server})
	if kind != check.DiskLost {
		m.d.Event(m.Name(), check.Event{Kind: kind, Server: server})
	}
	change()
	m.mu.Lock()
	m.fresh, m.deaths, m.since = true, 0, time.Time{}
	m.mu.Unlock()
	m.release()
}

// wipe ends the process and puts an empty disk in.
func (m *machine) wipe() { m.lose(check.Wiped, m.Disk().Empty) }

// hold keeps the process down until release.
func (m *machine) hold() { m.setHeld(+1) }

func (m *machine) release() { m.setHeld(-1) }

func (m *machine) setHeld(more int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.held += more
}

// supervise is the service manager of this machine, until the run ends.
func (m *machine) supervise() {
	for {
		if m.rested() {
			m.start()
		}
		if !m.d.Wait(lookEvery) {
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
	m.deaths, m.fresh, m.excused = 0, false, false
}

// sicken says that from now on its process may end by its own decision, and cure that it need not any more: it may until it was seen well again.
func (m *machine) sicken() { m.setIll(+1) }

func (m *machine) cure() { m.setIll(-1) }

func (m *machine) setIll(more int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ill += more
	m.excused = true
}

func (m *machine) setUnwanted(out bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.out = out
}

func (m *machine) unwanted() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.out
}

// troubled reports whether the cluster has not got its disk back yet: lost, out of the cluster, or refused by its node.
func (m *machine) troubled() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fresh || m.out || m.deaths >= tooOften
}

// sound reports whether its process could be expected to do its part: up for a while, and with nothing wrong beneath it.
func (m *machine) sound(settle time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.up && m.held == 0 && !m.out && !m.fresh && time.Since(m.since) >= settle
}

// server is the id of the disk.
func (m *machine) server() string { return ServerOf(m.Disk()) }

// ServerOf is the id in the identity file of a disk, "" when there is none.
func ServerOf(disk Disk) string {
	b, err := vfs.ReadFile(disk.Look(), "identity.json", 1<<20)
	var id struct{ Node, Incarnation string }
	if err != nil || json.Unmarshal(b, &id) != nil {
		return ""
	}
	return id.Node + "." + id.Incarnation
}

// shutDown ends the process in good order.
func (m *machine) shutDown() {
	m.mu.Lock()
	m.held++
	up := m.up
	m.up = false
	m.mu.Unlock()
	if up {
		if err := m.Stop(); err != nil {
			m.d.Violate("close", m.Name()+": "+err.Error())
		}
	}
}
