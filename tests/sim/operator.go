package sim

import (
	"net/http"
	"slices"
	"time"
)

// operate is the operator, who looks every few seconds. A machine whose node refuses to start, or ends again and again, gets an empty disk once
// the others are ready; a node whose disk has no vote is put in the place of the lost one, or joined again. A node that only died is left to its
// service manager.
func (c *cluster) operate() {
	for c.wait(operatorAfter) {
		for _, m := range c.machines {
			c.lookAfter(m)
		}
	}
}

func (c *cluster) lookAfter(m *machine) {
	if ok, _ := c.ready(m); ok {
		if a, known := c.ask(m); known && a.votes(m) {
			m.well()
			return
		}
	}
	if why := m.stuck(); why != nil && c.othersReady(m) {
		c.journal.note(m.name, "operator: empty disk, because of "+why.Error())
		m.wipe()
		return
	}
	at := c.leader()
	if at == nil || at == m || m.running() == nil || m.unwanted() {
		return
	}
	a, ok := c.ask(at)
	switch {
	case !ok || a.votes(m) && !a.strange(m):
	case a.hasVote(m):
		c.change(at, m, "replace")
		c.change(at, m, "promote")
	default:
		c.change(at, m, "join")
		c.change(at, m, "promote")
	}
}

// change asks for a change of the membership; what comes of it shows at the next look.
func (c *cluster) change(at, m *machine, op string) {
	c.mu.Lock()
	may := append(slices.Clone(c.voters), m.server())
	c.mu.Unlock()
	slices.Sort(may)
	c.setVoters(m, slices.Compact(may))
	body := []byte(`{"address":"` + m.addr(clusterPort) + `"}`)
	status, answer, err := c.control.do(at, http.MethodPost, "/v1/cluster/members/"+m.name+"/"+op, nil, body, 10*time.Second)
	if err == nil {
		c.journal.note(m.name, "operator: "+op+": "+http.StatusText(status)+" "+string(answer))
	}
}

func (c *cluster) othersReady(but *machine) bool {
	for _, m := range c.machines {
		if ok, _ := c.ready(m); m != but && !ok {
			return false
		}
	}
	return true
}

// hasVote reports whether any disk of the machine votes: a lost one can be replaced then. One without a vote is joined again.
func (a *clusterAnswer) hasVote(m *machine) bool {
	for _, member := range a.Members {
		if member.Node == m.name && member.Voter {
			return true
		}
	}
	return false
}

// votes reports whether the disk that the machine has now votes.
func (a *clusterAnswer) votes(m *machine) bool {
	for _, member := range a.Members {
		if member.Server == m.server() && member.Voter {
			return true
		}
	}
	return false
}

// strange reports whether an old disk of the machine is still a member.
func (a *clusterAnswer) strange(m *machine) bool {
	for _, member := range a.Members {
		if member.Node == m.name && member.Server != m.server() && member.Role != "outside" {
			return true
		}
	}
	return false
}
