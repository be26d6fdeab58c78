package sim

import (
	"net/http"
	"slices"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
)

const (
	watchEvery = 250 * time.Millisecond
	settled    = 5 * time.Second // after its start a node can be expected to do its part
)

// impair counts what is wrong with a way between two machines.
func (c *cluster) impair(l link, more int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.impaired[l] += more
}

// quorate reports whether a majority of sound machines hear each other well.
func (c *cluster) quorate() bool {
	var sound []*machine
	for _, m := range c.machines {
		if m.sound(settled) {
			sound = append(sound, m)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	most := 0
	for set := range 1 << len(sound) {
		size, clique := 0, true
		for i, a := range sound {
			if set>>i&1 == 0 {
				continue
			}
			size++
			for j, b := range sound {
				clique = clique && (set>>j&1 == 0 || c.impaired[link{a, b}] == 0)
			}
		}
		if clique {
			most = max(most, size)
		}
	}
	return most > len(c.machines)/2
}

// watch records when a majority could be expected to work, who votes and who leads.
func (c *cluster) watch() {
	var open *check.Window
	leads := map[string]uint64{}
	for c.wait(watchEvery) {
		now := c.now()
		if good := c.quorate(); good && open == nil {
			open = &check.Window{From: now}
		} else if !good && open != nil {
			open.To = now
			c.record(func(r *check.Run) { r.Quorate = append(r.Quorate, *open) })
			open = nil
		}
		for _, m := range c.machines {
			a, ok := c.ask(m)
			if !ok || a.State != "Leader" {
				continue
			}
			if server := a.Leader.ID; server != "" && leads[server] < a.Term {
				leads[server] = a.Term
				c.event(m, check.Event{Kind: check.Led, Server: server, Term: a.Term})
			}
			c.setVoters(m, a.voters())
		}
	}
	if open != nil {
		open.To = c.now()
		c.record(func(r *check.Run) { r.Quorate = append(r.Quorate, *open) })
	}
}

// setVoters records who may vote from now on. Before a change it is those before and after.
func (c *cluster) setVoters(by *machine, now []string) {
	c.mu.Lock()
	same := slices.Equal(now, c.voters)
	c.voters = now
	c.mu.Unlock()
	if !same {
		c.event(by, check.Event{Kind: check.Voters, Servers: now})
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

// sampleStorage records where each node keeps its frames.
func (c *cluster) sampleStorage() {
	for c.wait(time.Second) {
		for _, m := range c.machines {
			if s := c.storage(m); s != nil {
				c.record(func(r *check.Run) { r.Storages = append(r.Storages, *s) })
			}
		}
	}
}

func (c *cluster) storage(m *machine) *check.Storage {
	from := c.now()
	status, body, err := c.control.do(m, http.MethodGet, "/v1/storage", nil, nil, time.Second)
	if err != nil || status != http.StatusOK {
		return nil
	}
	s, err := check.ParseStorage(body)
	if err != nil {
		c.violate("answers", err.Error())
		return nil
	}
	s.Invoke, s.Return = from, c.now()
	return &s
}
