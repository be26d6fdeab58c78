package sim

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
	"github.com/gaplessdb/gapless/tests/network"
	"github.com/gaplessdb/gapless/tests/schedule"
)

// cluster is three machines, the network between them and their clients, and what is known of the run so far.
type cluster struct {
	plan     *schedule.Schedule
	start    time.Time
	begun    time.Time // when the load began: what the schedule counts from
	net      *network.Network
	machines []*machine
	journal  *journal
	control  *asker // at a place that no fault reaches

	done  chan struct{} // closed when the run is over
	tasks sync.WaitGroup

	led     atomic.Pointer[machine] // who led when somebody asked last
	devices []string                // of all senders
	merges  atomic.Int64            // that were done

	mu       sync.Mutex // protects all below
	run      *check.Run
	findings []check.Violation // of the simulation itself
	felt     []func() uint64   // witnesses of run.Faults, in their order
	voters   []string          // server ids, sorted
	impaired map[link]int      // links that are cut, lossy or slow
}

func newCluster(plan *schedule.Schedule, level slog.Level) *cluster {
	c := &cluster{plan: plan, start: time.Now(), net: network.New(plan.Seed), done: make(chan struct{}), impaired: map[link]int{}, run: &check.Run{Seed: plan.Seed}}
	c.journal = &journal{start: c.start, level: level, hear: c.hear}
	for i := range plan.Nodes {
		m := &machine{c: c, name: fmt.Sprintf("n%d", i+1), ip: fmt.Sprintf("127.0.0.%d", i+1)}
		m.host = c.net.Host(m.ip)
		m.disk = newDisk(func(kind check.EventKind, file string, err error) {
			c.event(m, check.Event{Kind: kind, File: file, Text: fmt.Sprint(err)})
		})
		c.machines = append(c.machines, m)
	}
	c.led.Store(c.machines[0])
	c.control = c.asker("127.0.9.9")
	for _, m := range c.machines {
		c.tasks.Go(func() { m.supervise(c.done) })
	}
	return c
}

// peers is every node's configuration of the cluster.
func (c *cluster) peers() map[string]string {
	all := map[string]string{}
	for _, m := range c.machines {
		all[m.name] = m.addr(clusterPort)
	}
	return all
}

// now is the time since the start of the run.
func (c *cluster) now() time.Duration { return time.Since(c.start) }

// event records what happened to a machine now.
func (c *cluster) event(m *machine, e check.Event) {
	e.At, e.Node = c.now(), m.name
	c.journal.note(m.name, e.String())
	c.record(func(r *check.Run) { r.Events = append(r.Events, e) })
}

// hear makes events of what nodes log.
func (c *cluster) hear(node string, r slog.Record) {
	i := slices.IndexFunc(c.machines, func(m *machine) bool { return m.name == node })
	if i < 0 {
		return
	}
	file := ""
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "path":
			file = a.Value.String()
		case "segment":
			file = "segments/" + a.Value.String() + ".gseg"
		}
		return true
	})
	switch r.Message {
	case "opening raft anew":
		c.event(c.machines[i], check.Event{Kind: check.Reopened})
	case "shelf: segment is damaged and out of use until it is repaired":
		if c.machines[i].disk.unreadable() {
			return // what a sick disk does not give is as good as damaged, until it is well
		}
		c.event(c.machines[i], check.Event{Kind: check.Damaged, File: file})
	case "the result of a merge differs from its inputs on this node: this node or the builder is sick":
		c.violate("merges", node+": "+r.Message)
	case "an edit of the manifest is void: what it replaces is not there":
		c.violate("merges", node+": "+r.Message)
	case "a merge takes effect at the next floor":
		c.merges.Add(1)
	case "shelf: pulled a segment":
		c.event(c.machines[i], check.Event{Kind: check.Repaired, File: file})
	}
}

// record adds to what is known.
func (c *cluster) record(add func(*check.Run)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	add(c.run)
}

// violate notes a finding of the simulation itself.
func (c *cluster) violate(checker, what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.findings = append(c.findings, check.Violation{Checker: checker, What: what, At: c.now()})
}

// wait sleeps, and reports whether the run still goes on.
func (c *cluster) wait(long time.Duration) bool {
	select {
	case <-time.After(long):
		return true
	case <-c.done:
		return false
	}
}

// clusterAnswer is what is used of GET /v1/cluster.
type clusterAnswer struct {
	State  string `json:"state"`
	Leader struct {
		ID string `json:"id"`
	} `json:"leader"`
	Term    uint64 `json:"term"`
	Applied uint64 `json:"applied_index"`
	Members []struct {
		Node   string `json:"node"`
		Server string `json:"server"`
		Voter  bool   `json:"voter"`
		Role   string `json:"role"`
	} `json:"members"`
}

// ask returns what one machine says of the cluster.
func (c *cluster) ask(m *machine) (a clusterAnswer, ok bool) {
	status, body, err := c.control.do(m, http.MethodGet, "/v1/cluster", nil, nil, time.Second)
	if err != nil || status != http.StatusOK || json.Unmarshal(body, &a) != nil {
		return clusterAnswer{}, false
	}
	return a, true
}

// leader returns the machine that leads in the highest term, nil when nobody says so.
func (c *cluster) leader() (leads *machine) {
	var term uint64
	for _, m := range c.machines {
		if a, ok := c.ask(m); ok && a.State == "Leader" && a.Term >= term {
			leads, term = m, a.Term
		}
	}
	return leads
}

// machine returns the machine of a step's number; 0 is whoever leads, or led last.
func (c *cluster) machine(number int) *machine {
	if number > 0 {
		return c.machines[number-1]
	}
	for range 20 {
		if m := c.leader(); m != nil {
			c.led.Store(m)
			break
		}
		c.wait(100 * time.Millisecond)
	}
	return c.led.Load()
}

// ready reports whether a machine is in the cluster and has everything, with why not.
func (c *cluster) ready(m *machine) (bool, string) {
	status, body, err := c.control.do(m, http.MethodGet, "/readyz", nil, nil, time.Second)
	if err != nil {
		return false, err.Error()
	}
	return status == http.StatusOK, string(body)
}

// allReady reports whether every machine is ready and votes under one server id, with why not.
func (c *cluster) allReady() (bool, string) {
	for _, m := range c.machines {
		if ok, why := c.ready(m); !ok {
			return false, m.name + ": " + why
		}
		a, ok := c.ask(m)
		if !ok {
			return false, m.name + " does not answer"
		}
		voters := 0
		for _, member := range a.Members {
			if member.Voter {
				voters++
			}
		}
		if voters != len(c.machines) || len(a.Members) != len(c.machines) {
			return false, fmt.Sprintf("%s knows %d voters of %d members", m.name, voters, len(a.Members))
		}
	}
	return true, ""
}

// names lists machines, for a line of the journal.
func names(machines []*machine) (list []string) {
	for _, m := range machines {
		list = append(list, m.name)
	}
	slices.Sort(list)
	return list
}
