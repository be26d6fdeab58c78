package drive

import (
	"context"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/schedule"
	"github.com/gaplessdb/gapless/vfs"
)

// stage is a world of three computers on which nothing runs but traps.
type stage struct{ disks []*stageDisk }

type stageComputer struct {
	Computer
	name   string
	disk   *stageDisk
	halted []Crash
}

type stageDisk struct {
	Disk
	files  vfs.FS // nil: none
	mu     sync.Mutex
	act    string
	sprung func(string) // nil: no trap is laid
}

func (s *stage) Computers() (list []Computer) {
	for i, disk := range s.disks {
		list = append(list, &stageComputer{name: []string{"n1", "n2", "n3"}[i], disk: disk})
	}
	return list
}

func (s *stage) Network() Network { return nil }
func (s *stage) Dialer(string) Dial {
	return func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }
}

func (c *stageComputer) Name() string   { return c.name }
func (c *stageComputer) HTTP() string   { return c.name }
func (c *stageComputer) Disk() Disk     { return c.disk }
func (c *stageComputer) Halt(how Crash) { c.halted = append(c.halted, how) }

func (d *stageDisk) Look() vfs.FS {
	if d.files == nil {
		return vfs.NewMem()
	}
	return d.files
}

func (d *stageDisk) Trap(act string, _ uint64, sprung func(string)) func() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.act, d.sprung = act, sprung
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.sprung = nil
	}
}

func (d *stageDisk) laid() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sprung != nil
}

// TestKilledInTheAct: the trap is where the act may come, the victim dies when it springs, and only that is a witness.
func TestKilledInTheAct(t *testing.T) {
	for name, tc := range map[string]struct {
		how    string
		node   int // of the step; the victim is n1
		down   bool
		traps  string // disks with a trap
		acts   string // disks on which it springs
		killed bool
	}{
		"its own act":                {schedule.Flushing, 0, false, "n1", "n1", true},
		"nothing came":               {schedule.Flushing, 0, false, "n1", "", false},
		"a node's own merge":         {schedule.Merging, 1, false, "n1", "n1", true},
		"anybody's merge":            {schedule.Merging, 0, false, "n1 n2 n3", "n3", true},
		"two merge at once":          {schedule.Merging, 0, false, "n1 n2 n3", "n2 n3", true},
		"an install elsewhere":       {schedule.Installing, 0, false, "n1 n2 n3", "n2", true},
		"and nobody to kill":         {schedule.Installing, 0, true, "n1 n2 n3", "n2", false},
		"as it starts, by itself":    {schedule.Installing, 1, true, "n1", "n1", true},
		"the log, of its own leader": {schedule.Recycling, 0, false, "n1", "n1", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stage{disks: []*stageDisk{{}, {}, {}}}
			d, err := newDriver(&schedule.Schedule{Nodes: 3}, Options{Build: func(Scene, *schedule.Schedule) (World, error) { return s, nil }})
			must(t, err)
			victim := d.machines[0]
			victim.up = !tc.down
			b := d.killedInTheAct(schedule.Step{Fault: schedule.Kill, Node: tc.node, How: tc.how}, victim, rand.New(rand.NewPCG(1, 1)))
			var sprung []func(string)
			for i, disk := range s.disks {
				name := d.machines[i].Name()
				if laid := disk.laid(); laid != strings.Contains(tc.traps, name) || laid && disk.act != tc.how {
					t.Errorf("trap on %s: %v, of %q", name, laid, disk.act)
				}
				if strings.Contains(tc.acts, name) {
					sprung = append(sprung, disk.sprung)
				}
			}
			for _, tell := range sprung {
				tell("sync something")
			}
			d.patiently(5*time.Second, func() bool { return tc.acts == "" || !s.disks[0].laid() }) // it was dealt with
			b.end()
			b.late(&b)
			halted := victim.Computer.(*stageComputer).halted
			if got := b.witness() == 1 && len(halted) == 1 && halted[0].Kill; got != tc.killed || len(halted) > 1 || b.on != victim ||
				victim.held != 0 {
				t.Errorf("witness %d, ends %v, held %d, want a death: %v", b.witness(), halted, victim.held, tc.killed)
			}
			if told := strings.HasSuffix(b.text, "was about to sync something") && b.from > 0; told != tc.killed {
				t.Errorf("from %s: %s", b.from, b.text)
			}
			for i, disk := range s.disks {
				if disk.laid() {
					t.Errorf("the trap on %s is still there", d.machines[i].Name())
				}
			}
			close(d.done)
			d.tasks.Wait()
		})
	}
}

// TestNothingToTrap: a world without traps refuses, and the fault has no witness.
func TestNothingToTrap(t *testing.T) {
	s := &stage{disks: []*stageDisk{{}}}
	d, err := newDriver(&schedule.Schedule{Nodes: 1}, Options{Build: func(Scene, *schedule.Schedule) (World, error) { return s, nil }})
	must(t, err)
	m := d.machines[0]
	m.Computer = untrapped{m.Computer}
	b := d.killedInTheAct(schedule.Step{Fault: schedule.Kill, How: schedule.Flushing}, m, rand.New(rand.NewPCG(1, 1)))
	if b.witness() != 0 || b.end != nil || !strings.HasPrefix(b.text, "refused: ") {
		t.Errorf("%+v", b)
	}
	d.Record(func(r *check.Run) {
		if len(r.Events) > 0 {
			t.Error(r.Events)
		}
	})
}

type untrapped struct{ Computer }

func (u untrapped) Disk() Disk { return struct{ Disk }{u.Computer.Disk()} }
