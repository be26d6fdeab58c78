package drive

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gaplessdb/gapless/tests/schedule"
)

// commanded asks the cluster for something, again until it is done, for commandFor at most.
func (d *Driver) commanded(step schedule.Step) bite {
	felt := uint64(0)
	d.tasks.Go(func() {
		for deadline := time.Now().Add(commandFor); time.Now().Before(deadline); {
			if d.command(step.Fault, step.Peer) {
				d.mu.Lock()
				felt = 1
				d.mu.Unlock()
				return
			}
			if !d.Wait(200 * time.Millisecond) {
				return
			}
		}
	})
	return bite{witness: func() uint64 { return felt }}
}

// commandFor is how long a command is asked for.
const commandFor = 10 * time.Second

// command asks the leader once, and reports whether it was done.
func (d *Driver) command(what schedule.Fault, peer int) bool {
	m := d.leader()
	if m == nil {
		return false
	}
	path, body := "/v1/cluster/flush", ""
	if what == schedule.Transfer {
		path, body = "/v1/cluster/transfer", "{}"
		if peer > 0 && d.machines[peer-1] != m { // one that leads already hands over to any other
			body = fmt.Sprintf(`{"to":%q}`, d.machines[peer-1].Name())
		}
	}
	status, answer, err := d.control.Do(m.node(), http.MethodPost, path, nil, []byte(body), 15*time.Second)
	d.journal.note(m.Name(), fmt.Sprintf("%s answers %d %s %v", path, status, answer, err))
	return err == nil && status == http.StatusOK
}

// commandNow asks without caring for the answer.
func (d *Driver) commandNow(what schedule.Fault) { d.command(what, 0) }
