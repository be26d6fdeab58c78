package drive

import (
	"slices"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
)

const (
	watchEvery = 250 * time.Millisecond
	settled    = 5 * time.Second // after its start a node can be expected to do its part
)

// impair counts what is wrong with a way between two machines.
func (d *Driver) impair(l link, more int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.impaired[l] += more
}

// quorate reports whether a majority of sound machines hear each other well.
func (d *Driver) quorate() bool {
	var sound []*machine
	for _, m := range d.machines {
		if m.sound(settled) {
			sound = append(sound, m)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	most := 0
	for set := range 1 << len(sound) {
		size, clique := 0, true
		for i, a := range sound {
			if set>>i&1 == 0 {
				continue
			}
			size++
			for j, b := range sound {
				clique = clique && (set>>j&1 == 0 || d.impaired[link{a, b}] == 0)
			}
		}
		if clique {
			most = max(most, size)
		}
	}
	return most > len(d.machines)/2
}

// watch records when a majority could be expected to work, who votes and who leads.
func (d *Driver) watch() {
	var open *check.Window
	for d.Wait(watchEvery) {
		now := d.Now()
		if good := d.quorate(); good && open == nil {
			open = &check.Window{From: now}
		} else if !good && open != nil {
			open.To = now
			d.Record(func(r *check.Run) { r.Quorate = append(r.Quorate, *open) })
			open = nil
		}
		for _, m := range d.machines {
			a, ok := d.ask(m)
			d.sample(m, &a, ok)
			if ok && a.State == "Leader" {
				d.setVoters(m, a.voters())
			}
		}
	}
	if open != nil {
		open.To = d.Now()
		d.Record(func(r *check.Run) { r.Quorate = append(r.Quorate, *open) })
	}
}

// Sample is what a node was at one time, seen from outside.
type Sample struct {
	At      time.Duration
	Node    string
	Up      bool   // its process runs
	Refused bool   // its disk is not of the cluster, or it was refused
	State   string // as it says itself, "" when it does not answer
	Term    uint64
	Commit  uint64
	Applied uint64
}

// sample keeps what a machine is now, when that is something new.
func (d *Driver) sample(m *machine, a *clusterAnswer, ok bool) {
	s := Sample{At: d.Now(), Node: m.Name(), Up: m.running(), Refused: m.troubled()}
	if ok {
		s.State, s.Term, s.Commit, s.Applied = a.State, a.Term, a.Commit, a.Applied
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.samples = append(d.samples, s)
}

// leads records that a server leads, when that is news.
func (d *Driver) leads(m *machine, server string, term uint64) {
	d.mu.Lock()
	news := server != "" && d.terms[server] < term
	if news {
		d.terms[server] = term
	}
	d.mu.Unlock()
	if news {
		d.Event(m.Name(), check.Event{Kind: check.Led, Server: server, Term: term})
	}
}

// setVoters records who may vote from now on. Before a change it is those before and after.
func (d *Driver) setVoters(by *machine, now []string) {
	d.mu.Lock()
	same := slices.Equal(now, d.voters)
	d.voters = now
	d.mu.Unlock()
	if !same {
		d.Event(by.Name(), check.Event{Kind: check.Voters, Servers: now})
	}
}

func (a *clusterAnswer) voters() (list []string) {
	for _, m := range a.Members {
		if m.Voter {
			list = append(list, m.Server)
		}
	}
	slices.Sort(list)
	return list
}

// sampleStorage records where each node keeps its frames, and how far its proof is.
func (d *Driver) sampleStorage() {
	for d.Wait(time.Second) {
		for _, m := range d.machines {
			if s := d.Storage(d.control, m.node()); s != nil {
				d.Record(func(r *check.Run) { r.Storages = append(r.Storages, *s) })
				d.Sealing(d.control, m.node())
			}
		}
	}
}
