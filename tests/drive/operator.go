package drive

import (
	"net/http"
	"slices"
	"time"
)

// operate is the operator, who looks every few seconds. A machine whose node refuses to start, or ends again and again, gets an empty disk once
// the others are ready; a node whose disk has no vote is put in the place of the lost one, or joined again. A node that only died is left to its
// service manager.
func (d *Driver) operate() {
	for d.Wait(operatorAfter) {
		for _, m := range d.machines {
			d.lookAfter(m)
		}
	}
}

func (d *Driver) lookAfter(m *machine) {
	if ok, _ := d.ready(m); ok {
		if a, known := d.ask(m); known && a.votes(m) {
			m.well()
			return
		}
	}
	if why := m.stuck(); why != nil && d.othersReady(m) {
		d.journal.note(m.Name(), "operator: empty disk, because of "+why.Error())
		m.wipe()
		return
	}
	at := d.leader()
	if at == nil || at == m || !m.running() || m.unwanted() {
		return
	}
	a, ok := d.ask(at)
	switch {
	case !ok || a.votes(m) && !a.strange(m):
	case a.hasVote(m):
		d.change(at, m, "replace")
		d.change(at, m, "promote")
	default:
		d.change(at, m, "join")
		d.change(at, m, "promote")
	}
}

// change asks for a change of the membership; what comes of it shows at the next look.
func (d *Driver) change(at, m *machine, op string) {
	d.mu.Lock()
	may := append(slices.Clone(d.voters), m.server())
	d.mu.Unlock()
	slices.Sort(may)
	d.setVoters(m, slices.Compact(may))
	body := []byte(`{"address":"` + m.Peer() + `"}`)
	status, answer, err := d.control.Do(at.node(), http.MethodPost, "/v1/cluster/members/"+m.Name()+"/"+op, nil, body, 10*time.Second)
	if err == nil {
		d.journal.note(m.Name(), "operator: "+op+": "+http.StatusText(status)+" "+string(answer))
	}
}

func (d *Driver) othersReady(but *machine) bool {
	for _, m := range d.machines {
		if ok, _ := d.ready(m); m != but && !ok {
			return false
		}
	}
	return true
}

// hasVote reports whether any disk of the machine votes: a lost one can be replaced then. One without a vote is joined again.
func (a *clusterAnswer) hasVote(m *machine) bool {
	for _, member := range a.Members {
		if member.Node == m.Name() && member.Voter {
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
		if member.Node == m.Name() && member.Server != m.server() && member.Role != "outside" {
			return true
		}
	}
	return false
}
