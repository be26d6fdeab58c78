package sim

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/gaplessdb/gapless/tests/check"
)

const (
	healWithin = 3 * time.Minute // for every node to be ready again
	sameWithin = time.Minute     // for every node to have applied and flushed the same
)

// heal ends every fault and waits until each node is a voter, ready, and has what the others have.
func (c *cluster) heal() {
	c.net.Calm()
	for _, m := range c.machines {
		for _, t := range []trouble{failSync, dropSync, failRead, failWrite, full, stallLog} {
			m.disk.disarm(t)
		}
		m.skew.Store(0)
	}
	c.record(func(r *check.Run) { r.Healed = c.now() })
	c.journal.note("", "healed")
	c.until("liveness", "all nodes ready", healWithin, c.allReady)
}

// until waits for a condition, and finds fault when it does not come.
func (c *cluster) until(checker, what string, limit time.Duration, holds func() (bool, string)) {
	deadline := time.Now().Add(limit)
	for {
		ok, why := holds()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			c.violate(checker, fmt.Sprintf("%s: not within %s of the heal: %s", what, limit, why))
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// settle flushes everything, and waits until every node stands at the same index and floor.
func (c *cluster) settle() {
	c.until("liveness", "a flush", sameWithin, func() (bool, string) {
		m := c.leader()
		if m == nil {
			return false, "no leader"
		}
		status, body, err := c.control.do(m, http.MethodPost, "/v1/cluster/flush", nil, nil, 10*time.Second)
		return err == nil && status == http.StatusOK, fmt.Sprintf("%d %s %v", status, body, err)
	})
	c.until("replicas", "one floor on all nodes", sameWithin, func() (bool, string) {
		var first *check.Storage
		for _, m := range c.machines {
			s := c.storage(m)
			switch {
			case s == nil:
				return false, m.name + " does not answer"
			case s.Missing > 0:
				return false, fmt.Sprintf("%s lacks %d segments", m.name, s.Missing)
			case first == nil:
				first = s
			case s.Floor != first.Floor || s.FloorHash != first.FloorHash:
				return false, fmt.Sprintf("%s has floor %d %.8s, %s has %d %.8s", m.name, s.Floor, s.FloorHash, first.Node, first.Floor, first.FloorHash)
			}
		}
		return true, ""
	})
}

// final reads everything that one node shows.
func (c *cluster) final(m *machine) {
	f := check.NewFinal(m.name)
	f.At = c.now()
	f.Ready, _ = c.ready(m)
	r := c.newReader(90, nil, nil)
	defer r.ask.close()
	for _, device := range c.devices {
		if !c.pages(r, m, f, device, "linearizable") {
			c.violate("liveness", fmt.Sprintf("%s does not give the frames of %s after the heal", m.name, device))
		}
		if body, a := r.insist(m, "linearizable", "/v1/devices/"+device+"/gaps", url.Values{}); body != nil {
			reports, err := check.ParseGaps(body, a)
			c.understood(m, err)
			f.Gaps = append(f.Gaps, reports...)
		}
		if body, a := r.insist(m, "linearizable", "/v1/latest", url.Values{"device": {device}}); body != nil {
			reads, _, err := check.ParseLatest(body, c.plan.Seed, a)
			c.understood(m, err)
			f.Latest = append(f.Latest, reads...)
		}
	}
	c.pages(r, m, f, "_conflict", "linearizable") // there is none before the first
	f.Ledger = r.ledger(m)
	f.Storage = c.storage(m)
	c.record(func(run *check.Run) { run.Finals = append(run.Finals, f) })
}

// pages reads every frame of a device, and reports whether it got all of them.
func (c *cluster) pages(r *reader, m *machine, f *check.Final, device, consistency string) bool {
	for cursor := ""; ; {
		values := url.Values{"device": {device}, "limit": {"5000"}}
		if cursor != "" {
			values.Set("cursor", cursor)
		}
		body, _ := r.insist(m, consistency, "/v1/frames", values)
		if body == nil {
			return false
		}
		next, err := check.ParseFrames(body, c.plan.Seed, f)
		c.understood(m, err)
		if cursor = next; err != nil || cursor == "" {
			return err == nil
		}
	}
}

// insist asks again as a node tells to that finds a segment damaged: it is pulled anew meanwhile.
func (r *reader) insist(m *machine, consistency, path string, values url.Values) (body []byte, a check.Answer) {
	for range tries {
		a = r.question(m, consistency, 0)
		if body = r.get(m, &a, path, values); body != nil {
			break
		}
		time.Sleep(time.Second)
	}
	return body, a
}

func (c *cluster) understood(m *machine, err error) {
	if err != nil {
		c.violate("answers", m.name+": "+err.Error())
	}
}
