package drive

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/schedule"
	"github.com/gaplessdb/gapless/tests/workload"
	"github.com/gaplessdb/gapless/wal"
)

// Options are what a run is made of besides its schedule.
type Options struct {
	Level      slog.Level // of the nodes' lines that the journal keeps
	Build      func(s Scene, plan *schedule.Schedule) (World, error)
	FlushBytes int           // of the cluster's policy: the smaller, the more flush points and merges there are
	MergeBytes int           // likewise, at most for one merge
	FenceAfter time.Duration // as the nodes have it
	Senders    int
	Formats    []check.Format // of the senders, in turn
	Readers    int
	Crowd      int           // visitors: clients with one device each, who come rarely and on a new connection each time
	HealWithin time.Duration // for every node to be ready again when all faults are over
	WarmUp     time.Duration // load before the schedule begins: the first faults meet segments and floors, too
}

// Driver is one run: the machines, their clients, and what is known of both so far.
type Driver struct {
	*workload.Site
	opt      Options
	plan     *schedule.Schedule
	begun    time.Time // when the schedule began
	world    World
	machines []*machine
	journal  *journal
	control  *workload.Asker // at a place that no fault reaches

	done  chan struct{} // closed when the run is over
	tasks sync.WaitGroup

	led     atomic.Pointer[machine] // who led when somebody asked last
	devices []string                // of all senders
	merges  atomic.Int64            // that were done

	mu       sync.Mutex // protects all below
	faults   []check.Fault
	felt     []bite // of the faults, in their order
	samples  []Sample
	voters   []string          // server ids, sorted
	terms    map[string]uint64 // the newest that each server was known to lead in
	impaired map[link]int      // links that are cut, lossy or slow
}

// newDriver builds the world. Nothing runs yet.
func newDriver(plan *schedule.Schedule, opt Options) (*Driver, error) {
	d := &Driver{opt: opt, plan: plan, done: make(chan struct{}), terms: map[string]uint64{}, impaired: map[link]int{}}
	d.journal = &journal{start: time.Now(), level: opt.Level, hear: d.hear}
	d.Site = &workload.Site{Log: workload.NewLog(plan.Seed, d.journal.note), Seed: plan.Seed, Formats: opt.Formats, Done: d.done}
	var err error
	if d.world, err = opt.Build(scene{d}, plan); err != nil {
		return nil, err
	}
	d.Client = d.client
	for i, c := range d.world.Computers() {
		m := &machine{Computer: c, d: d, index: i}
		d.machines = append(d.machines, m)
		d.Nodes = append(d.Nodes, m.node())
	}
	d.led.Store(d.machines[0])
	d.control = d.Asker("control")
	return d, nil
}

// client is for a client that stands at a place of its own.
func (d *Driver) client(place string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: d.world.Dialer(place), MaxIdleConnsPerHost: 1, IdleConnTimeout: 10 * time.Second, DisableCompression: true,
	}}
}

// scene is the driver, as a world sees it.
type scene struct{ *Driver }

func (s scene) Go(task func())                   { s.tasks.Go(task) }
func (s scene) Note(node, what string)           { s.journal.note(node, what) }
func (s scene) Journal(node string) slog.Handler { return s.journal.of(node) }

func (s scene) Died(node string, life uint64, why error) {
	for _, m := range s.machines {
		if m.Name() == node {
			m.died(life, why)
		}
	}
}

// node is the machine as clients know it.
func (m *machine) node() workload.Node { return workload.Node{Name: m.Name(), Addr: m.HTTP()} }

// hear makes events of what nodes log.
func (d *Driver) hear(node string, r slog.Record) {
	i := slices.IndexFunc(d.machines, func(m *machine) bool { return m.Name() == node })
	if i < 0 {
		return
	}
	file, text := "", r.Message
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "err", "error":
			text = a.Value.String()
		case "path":
			file = a.Value.String()
		case "segment":
			file = "segments/" + a.Value.String() + ".gseg"
		}
		return true
	})
	if log := damagedLog(text); log != "" && r.Level >= slog.LevelError {
		d.Event(node, check.Event{Kind: check.Damaged, File: log, Text: text})
	}
	switch r.Message {
	case "opening raft anew":
		d.Event(node, check.Event{Kind: check.Reopened})
	case "shelf: segment is damaged and out of use until it is repaired":
		if d.machines[i].Disk().Unreadable() {
			return // what a sick disk does not give is as good as damaged, until it is well
		}
		d.Event(node, check.Event{Kind: check.Damaged, File: file})
	case "the result of a merge differs from its inputs on this node: this node or the builder is sick":
		d.Violate("merges", node+": "+r.Message)
	case "an edit of the manifest is void: what it replaces is not there":
		d.Violate("merges", node+": "+r.Message)
	case "a merge takes effect at the next floor":
		d.merges.Add(1)
	case "floor: damaged, put aside":
		d.Event(node, check.Event{Kind: check.Damaged, File: file})
	case "shelf: pulled a segment":
		d.Event(node, check.Event{Kind: check.Repaired, File: file})
	}
}

// damagedLog is the file that an error calls damaged, where it is about the log: such a node logs why it ends (wal.CorruptError).
func damagedLog(text string) (file string) {
	_, place, found := strings.Cut(text, wal.ErrCorrupt.Error()+": ")
	if !found {
		return ""
	}
	file, _, _ = strings.Cut(place, " at ")
	return file
}

// clusterAnswer is what is used of GET /v1/cluster.
type clusterAnswer struct {
	State  string `json:"state"`
	Leader struct {
		ID string `json:"id"`
	} `json:"leader"`
	Term    uint64 `json:"term"`
	Commit  uint64 `json:"commit_index"`
	Applied uint64 `json:"applied_index"`
	Members []struct {
		Node   string `json:"node"`
		Server string `json:"server"`
		Voter  bool   `json:"voter"`
		Role   string `json:"role"`
	} `json:"members"`
}

// ask returns what one machine says of the cluster.
func (d *Driver) ask(m *machine) (a clusterAnswer, ok bool) {
	status, body, err := d.control.Do(m.node(), http.MethodGet, "/v1/cluster", nil, nil, time.Second)
	if err != nil || status != http.StatusOK || json.Unmarshal(body, &a) != nil {
		return clusterAnswer{}, false
	}
	if a.State == "Leader" {
		d.leads(m, a.Leader.ID, a.Term)
	}
	return a, true
}

// leader returns the machine that leads in the highest term, nil when nobody says so.
func (d *Driver) leader() (leads *machine) {
	var term uint64
	for _, m := range d.machines {
		if a, ok := d.ask(m); ok && a.State == "Leader" && a.Term >= term {
			leads, term = m, a.Term
		}
	}
	return leads
}

// machine returns the machine of a step's number; 0 is whoever leads, or led last.
func (d *Driver) machine(number int) *machine {
	if number > 0 {
		return d.machines[number-1]
	}
	for range 20 {
		if m := d.leader(); m != nil {
			d.led.Store(m)
			break
		}
		d.Wait(100 * time.Millisecond)
	}
	return d.led.Load()
}

// ready reports whether a machine is in the cluster and has everything, with why not.
func (d *Driver) ready(m *machine) (bool, string) {
	status, body, err := d.control.Do(m.node(), http.MethodGet, "/readyz", nil, nil, time.Second)
	if err != nil {
		return false, err.Error()
	}
	return status == http.StatusOK, string(body)
}

// allReady reports whether every machine is ready and votes under one server id, with why not.
func (d *Driver) allReady() (bool, string) {
	for _, m := range d.machines {
		if ok, why := d.ready(m); !ok {
			return false, m.Name() + ": " + why
		}
		a, ok := d.ask(m)
		if !ok {
			return false, m.Name() + " does not answer"
		}
		voters := 0
		for _, member := range a.Members {
			if member.Voter {
				voters++
			}
		}
		if voters != len(d.machines) || len(a.Members) != len(d.machines) {
			return false, fmt.Sprintf("%s knows %d voters of %d members", m.Name(), voters, len(a.Members))
		}
	}
	return true, ""
}

// names lists machines, for a line of the journal.
func names(machines []*machine) (list []string) {
	for _, m := range machines {
		list = append(list, m.Name())
	}
	slices.Sort(list)
	return list
}
